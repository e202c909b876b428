"""What a clinician's answer to a card means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cds_hooks.ports import Coding, FeedbackEntry
from fhirapp.referrals.cards import Feedback
from fhirapp.referrals.feedback import reason_of
from fhirapp.referrals.reasons import REASONS, SNOOZE, SPEC_REASONS
from mappings.canonical import OPT_OUT_REASONS
from tests.world import World

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (None, "CL-OTHER"),
        (Coding("CL-PALL", OPT_OUT_REASONS), "CL-PALL"),
        (Coding("OO-NEVER"), "OO-NEVER"),
        (Coding("patient-refuses", "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"), "OO-NOTINT"),
        (Coding("wrong-time-workflow"), SNOOZE),
        (Coding("made-up"), "CL-OTHER"),
        (Coding("CL-PALL", "http://elsewhere.example"), "CL-OTHER"),
    ],
)
def test_each_reason_has_its_meaning(reason: Coding | None, code: str) -> None:
    assert reason_of(FeedbackEntry("c", "overridden", AT, reason=reason)) == code


def test_every_spec_code_maps_to_one_of_ours() -> None:
    assert set(SPEC_REASONS.values()) <= set(REASONS)


def test_a_snooze_closes_nothing(world: World) -> None:
    card = world.ehr.hooks.patient_view("ada-refer").cards[0]
    world.ehr.hooks.override(
        card, {"code": SNOOZE, "system": "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"}
    )
    assert world.referral("ada-refer").state == "proposed"
    assert len(world.cards("ada-refer")) == 1


def test_the_same_feedback_many_times_is_kept_once_and_acted_on_once(world: World) -> None:
    card = world.cards("ada-refer")[0]
    client = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert client is not None
    entry = FeedbackEntry(card["uuid"], "overridden", AT, reason=Coding("CL-CHOICE"), comment="she swims every day")
    for _ in range(3):
        world.stride.feedbacks.record(client, "exercise-referral", [entry], now=world.stride.clock())
    with world.stride.sessions() as session:
        rows = session.query(Feedback).all()
    assert len(rows) == 1
    assert "swims" not in (rows[0].comment or ""), "free text is sealed"
    assert world.history("ada-refer").count("decline") == 1


def test_feedback_for_a_card_that_is_not_ours_is_kept_and_does_nothing(world: World) -> None:
    client = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert client is not None
    entry = FeedbackEntry("0b0c7ab5-27a7-4a07-9a60-000000000000", "overridden", AT)
    world.stride.feedbacks.record(client, "exercise-referral", [entry], now=world.stride.clock())
    with world.stride.sessions() as session:
        assert session.query(Feedback).count() == 1


def test_an_accepted_card_whose_patient_is_held_meanwhile_signs_nothing(world: World) -> None:
    card = world.ehr.hooks.patient_view("eva-falls").cards[0]
    world.add_platelets("eva-falls", 8)
    world.cards("eva-falls")
    assert world.referral("eva-falls").state == "held"
    world.ehr.hooks.accept(card, card.suggestions[0])
    world.worker.run_due()
    assert world.referral("eva-falls").state == "held"
