"""The invented patients: valid, self-contained, fresh on any day, and judged as their stories say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhirapp.demo_ehr.patients import ExampleChart, example_charts, practitioners_and_organizations
from mappings.bundle import chart_of_bundle
from mappings.from_fhir.snapshot import snapshot_from
from models.decision import Decision, Proposal
from models.proposal import decide

TODAY = date(2026, 11, 25)
CHARTS = {chart.patient_id: chart for chart in example_charts(TODAY)}
EVERY = pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS.keys())


def resources(chart: ExampleChart) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in chart.bundle["entry"]]


def members(node: object, name: str) -> Iterator[Any]:
    """Every value under one member name, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from members(value, name)
    elif isinstance(node, list):
        for item in node:
            yield from members(item, name)


def test_there_is_one_chart_for_each_story() -> None:
    assert list(CHARTS) == [
        "ada-refer",
        "bea-override",
        "cleo-optout",
        "dan-platelets",
        "eva-falls",
        "fred-ineligible",
        "gus-killed",
        "hana-parallel",
        "ivo-unanswered",
        "jo-accepts",
        "kim-bonemets",
        "lou-febrile",
        "mia-survivor",
        "ned-prehab",
        "oli-neuropathy",
        "pia-partial",
    ]


@EVERY
def test_every_resource_of_a_chart_is_valid_r4(chart: ExampleChart) -> None:
    get_fhir_model_class("Bundle").model_validate(chart.bundle)
    for resource in resources(chart):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_staff_and_organisations_are_valid_r4() -> None:
    for resource in practitioners_and_organizations():
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@EVERY
def test_a_chart_is_of_one_patient_and_every_reference_in_it_leads_somewhere(chart: ExampleChart) -> None:
    own = resources(chart)
    known = {f"{r['resourceType']}/{r['id']}" for r in [*own, *practitioners_and_organizations()]}
    assert [r["id"] for r in own if r["resourceType"] == "Patient"] == [chart.patient_id]
    assert set(members(own, "reference")) <= known
    assert all(r["subject"] == {"reference": f"Patient/{chart.patient_id}"} for r in own[1:])


@EVERY
def test_ids_are_fixed_and_unique(chart: ExampleChart) -> None:
    ids = [(r["resourceType"], r["id"]) for r in resources(chart)]
    later = next(c for c in example_charts(TODAY + timedelta(days=3)) if c.patient_id == chart.patient_id)
    assert len(set(ids)) == len(ids)
    assert sorted(ids) == sorted((r["resourceType"], r["id"]) for r in resources(later))


@EVERY
def test_nothing_but_a_planned_operation_lies_ahead(chart: ExampleChart) -> None:
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    for name in ("effectiveDateTime", "issued", "authored", "authoredOn", "onsetDateTime", "performedDateTime"):
        for value in members(resources(chart), name):
            assert value[:10] <= yesterday
    planned = list(members(resources(chart), "occurrenceDateTime"))
    assert planned == (["2026-12-16"] if chart.patient_id == "ned-prehab" else [])


@EVERY
def test_a_chart_moves_with_the_day_it_is_asked_for(chart: ExampleChart) -> None:
    moved = next(c for c in example_charts(TODAY + timedelta(days=365)) if c.patient_id == chart.patient_id)
    assert "2026-11-24" not in json.dumps(moved.bundle)
    assert "2027-11-24" in json.dumps(moved.bundle) or chart.patient_id == "fred-ineligible"


def test_the_charts_differ_in_age_sex_language_and_how_to_reach_the_person() -> None:
    patients = [resources(chart)[0] for chart in CHARTS.values()]
    languages = {code for p in patients for code in members(p.get("communication"), "code")}
    assert len({p.get("gender") for p in patients}) == 4  # female, male, other, unknown
    assert len(languages) >= 8
    assert any(list(members(p, "valueBoolean")) == [True] for p in patients)  # needs an interpreter
    assert any("email" not in members(p, "system") for p in patients)
    assert any("telecom" not in p for p in patients)
    assert all(value.endswith("@example.org") for p in patients for value in members(p, "value") if "@" in value)


INTENDED = {
    "ada-refer": "refer",
    "bea-override": "refer",
    "cleo-optout": "refer",
    "dan-platelets": "hold",
    "eva-falls": "refer",
    "fred-ineligible": "ineligible",
    "gus-killed": "refer",
    "hana-parallel": "refer",
    "ivo-unanswered": "incomplete",
    "jo-accepts": "refer",
    "kim-bonemets": "clearance",
    "lou-febrile": "hold-emergency",
    "mia-survivor": "refer",
    "ned-prehab": "refer",
    "oli-neuropathy": "refer",
    "pia-partial": "refer",
}
ZONES = ("Australia/Adelaide", "America/Los_Angeles", "Pacific/Kiritimati")


def decision_of(patient_id: str, *, days_later: int = 0, hour: int = 8, zone: str = "Australia/Adelaide") -> Decision:
    """What the service decides about a chart, so many days after it was made."""
    chart = chart_of_bundle(json.dumps(CHARTS[patient_id].bundle).encode())
    as_of = datetime.combine(TODAY + timedelta(days=days_later), time(hour), ZoneInfo(zone))
    return decide(snapshot_from(chart, as_of=as_of))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("patient_id", "verdict"), INTENDED.items())
def test_every_chart_is_judged_as_its_story_says(patient_id: str, verdict: str, zone: str) -> None:
    assert decision_of(patient_id, zone=zone).assessment.verdict.value == verdict


@pytest.mark.parametrize("hour", [0, 12, 23])
@pytest.mark.parametrize("patient_id", INTENDED)
def test_the_hour_of_the_day_changes_no_verdict(patient_id: str, hour: int) -> None:
    assert decision_of(patient_id, hour=hour).assessment.verdict.value == INTENDED[patient_id]


@pytest.mark.parametrize(
    "patient_id", ["ada-refer", "cleo-optout", "gus-killed", "hana-parallel", "ivo-unanswered", "jo-accepts"]
)
def test_whoever_shall_reach_the_queue_may_still_do_so_when_both_windows_have_passed(patient_id: str) -> None:
    for days in (3, 4, 10, 11):
        later = decision_of(patient_id, days_later=days).assessment
        assert later.verdict.value == INTENDED[patient_id]
        assert later.release.referral


def test_the_answers_and_a_dose_are_there_for_everybody_who_is_fit() -> None:
    for patient_id, verdict in INTENDED.items():
        decision = decision_of(patient_id)
        if verdict == "refer":
            assert isinstance(decision, Proposal)
            assert decision.prescription is not None
            assert decision.assessment.release.prescription


def test_the_held_are_held_for_the_reason_that_their_story_names() -> None:
    assert decision_of("dan-platelets").assessment.findings[0].rule == "HEM-01"
    assert decision_of("lou-febrile").assessment.findings[0].rule == "HEM-14"
    assert decision_of("kim-bonemets").assessment.findings[0].rule == "BON-04"


def test_the_survivor_is_in_the_lowest_tier_and_the_thin_chart_says_what_is_missing() -> None:
    assert decision_of("mia-survivor").assessment.tier == "T4"
    assert {gap.input for gap in decision_of("pia-partial").assessment.gaps} >= {"platelets", "ecog", "sbp"}
    assert decision_of("ned-prehab").assessment.phase == "P1"


def test_a_falling_count_stops_eva() -> None:
    bundle = json.loads(json.dumps(CHARTS["eva-falls"].bundle))
    count = next(e["resource"] for e in bundle["entry"] if e["resource"]["id"] == "eva-falls-platelets-2")
    newer = count | {"id": "eva-falls-platelets-new", "valueQuantity": count["valueQuantity"] | {"value": 9}}
    newer |= {"effectiveDateTime": "2026-11-27T06:00:00Z", "issued": "2026-11-27T07:00:00Z"}
    bundle["entry"].append({"fullUrl": "urn:uuid:0b7f3a52-3a35-4a0c-9d5e-6a4f0c6f8a11", "resource": newer})
    as_of = datetime.combine(TODAY + timedelta(days=3), time(8), ZoneInfo("Australia/Adelaide"))
    decision = decide(snapshot_from(chart_of_bundle(json.dumps(bundle).encode()), as_of=as_of))
    assert decision.assessment.verdict.value == "hold"
