"""What the connection report says of an EHR, and what follows. Source: standards.md WB-1."""

from __future__ import annotations

from typing import Any

import pytest

from fhirapp.ehr.capability import Capability, capability_of
from fhirapp.ehr.report import WRITTEN, Line, lines_about
from fhirapp.tenants import WriteBackSettings
from mappings.queries import EXTRAS, QUERIES

KINDS = {query.path.split("?")[0].split("/")[0] for query in (*QUERIES, *EXTRAS)}


def an_ehr(*, without: tuple[str, ...] = (), interactions: tuple[str, ...] = ("transaction",)) -> Capability:
    """An EHR that offers everything, without the named things: "Task.create", "conditionalCreate", "versioning"."""
    resources = []
    for kind in sorted(KINDS | {*WRITTEN, "Provenance", "RiskAssessment", "Communication", "DetectedIssue", "Flag"}):
        codes = [code for code in ("read", "search-type", "create", "update") if f"{kind}.{code}" not in without]
        resource = {
            "type": kind,
            "interaction": [{"code": code} for code in codes],
            "conditionalCreate": True,
            "versioning": "versioned-update",
            "searchParam": [{"name": name} for name in ("identifier", "_lastUpdated") if name not in without],
        }
        resources.append({name: value for name, value in resource.items() if name not in without})
    rest = {"mode": "server", "resource": resources, "interaction": [{"code": code} for code in interactions]}
    return capability_of({"fhirVersion": "4.0.1", "software": {"name": "Test"}, "rest": [rest]})


def said(capability: Capability, **settings: Any) -> dict[str, Line]:
    return {line.topic: line for line in lines_about(capability, WriteBackSettings(**settings))}


def test_an_ehr_that_offers_everything_needs_nothing() -> None:
    assert {line.level for line in lines_about(an_ehr(), WriteBackSettings())} == {"ok"}


@pytest.mark.parametrize(
    ("without", "topic", "level", "words"),
    [
        ("Task.create", "writing Task", "note", "navigators work in Stride's queue only"),
        ("Communication.create", "notices to patients", "note", "keeps them in its own outbox"),
        ("DetectedIssue.update", "safety holds", "ok", "writes each as a Flag"),
        ("ServiceRequest.create", "writing ServiceRequest", "note", "clinician accepts the card"),
        ("CarePlan.update", "writing CarePlan", "FIX", "opt-out could not be written"),
        ("conditionalCreate", "conditional create", "note", "searches before each create and once after"),
        ("versioning", "If-Match", "note", "once more right before it writes"),
        ("Condition.search-type", "chart", "note", "never as normal"),
        ("_lastUpdated", "changes there", "note", "slower"),
        ("Provenance.create", "Provenance", "note", "its own audit"),
    ],
)
def test_wb_1_what_is_not_offered_is_said_with_what_we_do_instead(
    without: str, topic: str, level: str, words: str
) -> None:
    line = said(an_ehr(without=(without,)))[topic]
    assert line.level == level
    assert words in f"{line.said} {line.therefore}"


def test_transactions_are_used_where_offered_and_wanted() -> None:
    assert said(an_ehr())["transactions"].level == "ok"
    assert said(an_ehr(interactions=()))["transactions"].said == "not offered"
    assert "switched off" in said(an_ehr(), transactions=False)["transactions"].said


def test_a_wish_that_the_ehr_cannot_fulfil_is_to_be_mended() -> None:
    assert said(an_ehr(without=("RiskAssessment.create",)), risk_assessments=True)["RiskAssessment"].level == "FIX"


def test_identifiers_that_cannot_be_searched_are_looked_for_in_the_patients_own() -> None:
    ehr = an_ehr(without=("conditionalCreate", "identifier"))
    assert "all of the patient's" in said(ehr)["conditional create"].therefore


@pytest.mark.parametrize(("version", "level"), [("4.0.1", "ok"), ("4.3.0", "FIX"), ("", "FIX")])
def test_another_version_of_fhir_is_to_be_mended(version: str, level: str) -> None:
    assert said(capability_of({"fhirVersion": version}))["version"].level == level


@pytest.mark.parametrize(
    ("without", "holds", "level", "words"),
    [
        (("DetectedIssue.create", "Flag.update"), "auto", "note", "neither DetectedIssue nor Flag"),
        (("Flag.create",), "flag", "FIX", "though this tenant asks for it"),
        ((), "flag", "ok", "writes each as a Flag"),
        ((), "none", "note", "switched off"),
    ],
)
def test_as_what_a_hold_stands_in_the_chart_is_said(
    without: tuple[str, ...], holds: str, level: str, words: str
) -> None:
    line = said(an_ehr(without=without), holds=holds)["safety holds"]
    assert line.level == level
    assert words in str(line)


def test_notices_that_the_hospital_wants_nowhere_are_no_fault_of_the_ehr() -> None:
    assert "switched off" in said(an_ehr(), notices=False)["notices to patients"].said
