"""What a card suggests is one set that an EHR can create as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappings.to_fhir.suggestion import suggestion
from mappings.to_fhir.validate import checked
from tests.mappings.to_fhir.builders import a_summary, some_facts


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_ch_a2_references_inside_the_set_resolve_by_temporary_id() -> None:
    resources = suggestion(some_facts(), with_prescription=True)
    ids = {f"{r['resourceType']}/{r['id']}" for r in resources}
    inside = {
        ref for r in resources for ref in references(r) if ref.split("/")[0] in ("ServiceRequest", "Goal", "CarePlan")
    }
    assert [r["resourceType"] for r in resources] == ["ServiceRequest", "Goal", "Goal", "CarePlan"]
    assert inside == {ref for ref in ids if not ref.startswith("CarePlan/")}


def test_ch_a6_each_suggested_resource_is_valid_alone_and_has_its_business_identifier() -> None:
    for resource in suggestion(some_facts(), with_prescription=True):
        assert checked(resource)["identifier"][0]["value"] == resource["id"]


def test_nothing_of_a_suggestion_is_in_force() -> None:
    states: list[Any] = [r.get("status") or r["lifecycleStatus"] for r in suggestion(some_facts(), True)]
    assert states == ["draft", "proposed", "proposed", "draft"]


def test_without_leave_to_release_a_dose_the_referral_stands_alone() -> None:
    assert [r["resourceType"] for r in suggestion(some_facts(), with_prescription=False)] == ["ServiceRequest"]


def test_without_a_dose_the_referral_stands_alone() -> None:
    facts = some_facts(summary=a_summary(prescription=None))
    assert [r["resourceType"] for r in suggestion(facts, with_prescription=True)] == ["ServiceRequest"]
