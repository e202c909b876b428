"""The invented patients: valid, self-contained, fresh on any day, and judged as their stories say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhirapp.demo_ehr.patients import ExampleChart, example_charts, practitioners_and_organizations

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
