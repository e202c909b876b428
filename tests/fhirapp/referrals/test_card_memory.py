"""A clinician sees one useful card, and the same one never again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cds_hooks.ports import Client, Coding, DraftOrder, FeedbackEntry, HookCall
from cds_hooks.reasons import NON_ADHERENCE
from fhirapp.demo.settings import TENANT
from fhirapp.referrals.card_memory import SITTING, SNOOZE, face_of
from fhirapp.referrals.status import State
from mappings.canonical import OPT_OUT_REASONS
from tests.world import World

LATER = SITTING + timedelta(minutes=1)
SNOOZED = {"code": "wrong-time-workflow", "system": NON_ADHERENCE}
CHEMOTHERAPY = {
    "resourceType": "MedicationRequest",
    "status": "draft",
    "intent": "order",
    "medicationCodeableConcept": {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "56946"}],
        "text": "paclitaxel",
    },
}


def test_ch_x3_within_a_sitting_the_card_stays_so_that_no_reload_takes_it_away(world: World) -> None:
    assert [len(world.cards("ada-refer")) for _ in range(3)] == [1, 1, 1]
    world.pass_time(SITTING - timedelta(minutes=1))
    assert len(world.cards("ada-refer")) == 1


def test_after_the_sitting_the_same_card_is_not_shown_to_the_same_user_again(world: World) -> None:
    world.cards("ada-refer")
    world.pass_time(LATER)
    assert world.cards("ada-refer") == []
    assert world.referral("ada-refer").state == "proposed", "silence stops no clock"


def test_what_is_new_is_shown_at_once(world: World) -> None:
    world.cards("ada-refer")
    world.pass_time(LATER)
    world.add_platelets("ada-refer", 8)
    (card,) = world.cards("ada-refer")
    assert card["indicator"] == "warning"


def test_ch_x3_when_the_referral_has_moved_on_an_empty_answer_takes_the_card_away(world: World) -> None:
    world.released("ada-refer")
    assert world.cards("ada-refer") == []


def test_signing_an_order_is_another_moment_than_opening_a_chart(world: World) -> None:
    world.cards("ada-refer")
    world.pass_time(LATER)
    order = CHEMOTHERAPY | {"subject": {"reference": "Patient/ada-refer"}}
    assert len(world.ehr.hooks.order_sign("ada-refer", [order]).cards) == 1
    world.pass_time(LATER)
    assert world.ehr.hooks.order_sign("ada-refer", [order]).cards == ()
    assert world.cards("ada-refer") == []


def test_a_snoozed_card_comes_back_once_the_snooze_is_over(world: World) -> None:
    world.ehr.hooks.override(world.ehr.hooks.patient_view("ada-refer").cards[0], SNOOZED)
    assert world.cards("ada-refer") == []
    world.pass_time(SNOOZE - timedelta(minutes=1))
    assert world.cards("ada-refer") == []
    world.pass_time(timedelta(minutes=2))
    assert len(world.cards("ada-refer")) == 1
    world.pass_time(LATER)
    assert world.cards("ada-refer") == []


def test_a_dismissed_warning_is_not_repeated_until_it_says_something_else(world: World) -> None:
    (card,) = world.ehr.hooks.patient_view("dan-platelets").cards
    world.ehr.hooks.override(card, {"code": "CL-OTHER", "system": OPT_OUT_REASONS})
    assert world.cards("dan-platelets") == []
    world.add_platelets("dan-platelets", 180)
    assert len(world.cards("dan-platelets")) == 1


def test_dismissing_twice_does_not_lengthen_a_snooze(world: World) -> None:
    card = world.cards("ada-refer")[0]
    client = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert client is not None
    at = datetime(2026, 11, 25, 9, tzinfo=UTC)
    entry = FeedbackEntry(card["uuid"], "overridden", at, reason=Coding(SNOOZED["code"], SNOOZED["system"]))
    for _ in range(2):
        world.stride.feedbacks.record(client, "exercise-referral", [entry], now=world.stride.clock())
        world.pass_time(SNOOZE - timedelta(hours=1))
    assert len(world.cards("ada-refer")) == 1


def test_another_clinician_sees_the_card_for_the_first_time(world: World) -> None:
    world.cards("ada-refer")
    world.pass_time(LATER)
    world.ehr.hooks._settings = replace(world.ehr.settings, practitioner_id="dr-okafor")  # somebody else signs in
    assert len(world.cards("ada-refer")) == 1


def a_call(hook: str = "patient-view", *orders: DraftOrder) -> HookCall:
    client = Client("https://ehr.example", TENANT, lambda refetch: {})
    return HookCall(TENANT, client, "exercise-referral", hook, "i", "p1", user="Practitioner/1", draft_orders=orders)


def a_referral(**changes: Any) -> Any:
    told: dict[str, Any] = {
        "state": State.PROPOSED.value,
        "verdict": "refer",
        "destination": "D3",
        "prescription_released": True,
        "rules_fired": [("HEM-03", "MOD")],
        "waiting_for": (),
        "clinician_deadline": datetime(2026, 11, 28, tzinfo=UTC),
    }
    return SimpleNamespace(**told | changes)


@pytest.mark.parametrize(
    ("change", "new"),
    [
        ({"verdict": "hold"}, True),
        ({"destination": "D2"}, True),
        ({"prescription_released": False}, True),
        ({"waiting_for": ("answers",)}, True),
        ({"clinician_deadline": None}, True),
        ({"rules_fired": [("HEM-02", "MOD")]}, True),
        ({"rules_fired": [("HEM-03", "CLEAR")]}, True),
        ({"summary": {"findings": [{"rule": "HEM-03", "effect": "MOD", "inputs": [{"value": "61"}]}]}}, False),
    ],
)
def test_a_card_is_another_one_when_it_tells_something_else(change: dict[str, Any], new: bool) -> None:
    assert (face_of(a_call(), a_referral()) != face_of(a_call(), a_referral(**change))) is new


@pytest.mark.parametrize(
    ("hook", "new"),
    [("encounter-start", False), ("appointment-book", False), ("order-sign", True), ("encounter-discharge", True)],
)
def test_opening_a_chart_is_one_occasion_however_it_is_opened(hook: str, new: bool) -> None:
    assert (face_of(a_call(), a_referral()) != face_of(a_call(hook), a_referral())) is new


def test_other_orders_are_another_occasion() -> None:
    paclitaxel = DraftOrder("MedicationRequest/1", "MedicationRequest", text="paclitaxel")
    carboplatin = replace(paclitaxel, text="carboplatin")
    faces = {face_of(a_call("order-sign", *orders), a_referral()) for orders in ((paclitaxel,), (carboplatin,), ())}
    assert len(faces) == 3


def test_signing_what_is_no_treatment_is_no_occasion_beside_opening_the_chart() -> None:
    paracetamol = DraftOrder("MedicationRequest/1", "MedicationRequest", text="paracetamol", treatment=False)
    paclitaxel = DraftOrder("MedicationRequest/2", "MedicationRequest", text="paclitaxel")
    looking = face_of(a_call(), a_referral())
    assert face_of(a_call("order-sign", paracetamol), a_referral()) == looking
    both, alone = (
        face_of(a_call("order-sign", *some), a_referral()) for some in ((paracetamol, paclitaxel), (paclitaxel,))
    )
    assert both == alone != looking
