"""What a clinician's answer to a card means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cds_hooks.ports import Coding, FeedbackEntry
from cds_hooks.reasons import ALSO_UNDERSTOOD, NON_ADHERENCE, OFFERED
from fhirapp.referrals.cards import Feedback
from fhirapp.referrals.reasons import REASONS
from mappings.canonical import OPT_OUT_REASONS
from tests.world import World

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


SNOOZE = "wrong-time-workflow"


@pytest.mark.parametrize(
    ("reason", "state", "code"),
    [
        (None, "declined", "CL-OTHER"),
        (Coding("CL-PALL", OPT_OUT_REASONS), "declined", "CL-PALL"),
        (Coding("OO-NEVER", OPT_OUT_REASONS), "opted_out", "OO-NEVER"),
        (Coding("patient-refuses", NON_ADHERENCE), "opted_out", "OO-NOTINT"),
        (Coding(SNOOZE, NON_ADHERENCE), "proposed", None),
        (Coding("made-up"), "declined", "CL-OTHER"),
    ],
)
def test_each_override_means_what_its_reason_says(
    world: World, reason: Coding | None, state: str, code: str | None
) -> None:
    card = world.cards("ada-refer")[0]
    record(world, FeedbackEntry(card["uuid"], "overridden", AT, reason=reason))
    referral = world.referral("ada-refer")
    assert (referral.state, referral.reason_code) == (state, code)


def test_every_code_that_an_override_can_mean_has_a_re_offer_rule() -> None:
    assert {reason.local_code for reason in (*OFFERED, *ALSO_UNDERSTOOD)} - {""} <= set(REASONS)


def test_dismissing_the_warning_of_a_hold_does_not_end_the_referral(world: World) -> None:
    card = world.cards("dan-platelets")[0]
    record(world, FeedbackEntry(card["uuid"], "overridden", AT, reason=Coding("CL-OTHER", OPT_OUT_REASONS)))
    assert world.referral("dan-platelets").state == "held"


def record(world: World, *entries: FeedbackEntry) -> None:
    client = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert client is not None
    world.stride.feedbacks.record(client, "exercise-referral", entries, now=world.stride.clock())


def test_ch_b5_a_card_that_nobody_answers_says_neither_yes_nor_no(world: World) -> None:
    shown = world.cards("ada-refer")
    before = world.referral("ada-refer")
    world.worker.run_due()
    after = world.referral("ada-refer")
    assert len(shown) == 1
    assert (after.state, after.clinician_deadline) == ("proposed", before.clinician_deadline)  # its own clock decides
    assert after.signed_at is None
    assert after.reason_code is None
    with world.stride.sessions() as session:
        assert session.query(Feedback).count() == 0


def test_a_snooze_closes_nothing(world: World) -> None:
    card = world.ehr.hooks.patient_view("ada-refer").cards[0]
    world.ehr.hooks.override(card, {"code": SNOOZE, "system": NON_ADHERENCE})
    assert world.referral("ada-refer").state == "proposed"


def test_the_same_feedback_many_times_is_kept_once_and_acted_on_once(world: World) -> None:
    card = world.cards("ada-refer")[0]
    entry = FeedbackEntry(card["uuid"], "overridden", AT, reason=Coding("CL-CHOICE"), comment="she swims every day")
    for _ in range(3):
        record(world, entry)
    with world.stride.sessions() as session:
        rows = session.query(Feedback).all()
    assert len(rows) == 1
    assert "swims" not in (rows[0].comment or ""), "free text is sealed"
    assert world.history("ada-refer").count("decline") == 1


def test_feedback_for_a_card_that_is_not_ours_is_kept_and_does_nothing(world: World) -> None:
    entry = FeedbackEntry("0b0c7ab5-27a7-4a07-9a60-000000000000", "overridden", AT)
    record(world, entry)
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
