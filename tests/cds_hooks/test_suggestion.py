"""The suggestion as an EHR carries it out: one transaction, made of what the writing room builds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cds_hooks.cards import cards_for
from cds_hooks.prefetch import chart_from
from cds_hooks.schemas import decode_hook
from mappings.canonical import RESOURCE_IDENTIFIER
from mappings.from_fhir.snapshot import snapshot_from
from mappings.to_fhir.facts import Ref, ReferralFacts
from mappings.to_fhir.suggestion import suggestion
from mappings.to_fhir.validate import checked
from models.proposal import decide
from models.summary import summary
from tests.cds_hooks.builders import NOW, a_client, an_offer
from tests.cds_hooks.hygiene import check_response
from tests.cds_hooks.ports import InMemoryCharts

EXAMPLE = Path(__file__).parents[2] / "docs/examples/hooks/patient-view.json"


@pytest.fixture(scope="module")
def actions() -> list[dict[str, Any]]:
    """The actions of the card that the example request gets."""
    hook = decode_hook(EXAMPLE.read_bytes())
    decision = decide(snapshot_from(chart_from(hook, a_client(), InMemoryCharts(), until=0), as_of=NOW))
    facts = ReferralFacts(
        tenant_id="north",
        patient_id=hook.context.patient_id,
        patient_display="",
        episode_id=UUID(int=7),
        authored_on=NOW,
        requester=Ref("Practitioner/dr1"),
        owner=Ref("Organization/exercise"),
        reason=Ref("Condition/c1"),
        reason_text="Breast cancer",
        encounter=None,
        summary=summary(decision),
        plan_start=NOW.date(),
    )
    body = {"cards": cards_for(an_offer(decision=decision, suggestion=suggestion(facts, with_prescription=True)))}
    check_response(body)
    found: list[dict[str, Any]] = json.loads(json.dumps(body))["cards"][0]["suggestions"][0]["actions"]
    return found


def test_ch_a2_references_inside_the_suggestion_lead_to_its_own_temporary_ids(actions: list[dict[str, Any]]):
    resources = [action["resource"] for action in actions]
    own = {f"{one['resourceType']}/{one['id']}" for one in resources}
    assert len(own) == len(resources)
    text = json.dumps([one for one in resources if one["resourceType"] == "CarePlan"])
    assert all(reference in text for reference in own if not reference.startswith("CarePlan"))


def test_ch_a4_ch_a6_each_resource_is_whole_valid_and_carries_its_business_identifier(actions: list[dict[str, Any]]):
    for action in actions:
        resource = action["resource"]
        checked(resource)
        assert resource["identifier"][0]["system"] == RESOURCE_IDENTIFIER


def test_nothing_that_is_suggested_is_active(actions: list[dict[str, Any]]):
    """Never active without a signer (standards.md 1.4)."""
    states = [action["resource"].get("status", action["resource"].get("lifecycleStatus")) for action in actions]
    assert states[0] == "draft"
    assert set(states) <= {"draft", "proposed"}


def test_the_descriptions_tell_the_parts_apart(actions: list[dict[str, Any]]):
    descriptions = [action["description"] for action in actions]
    assert len(set(descriptions)) == len(descriptions)
