"""Which findings a clinician must answer before anything goes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhirapp.referrals.judging import record_assessment, state_after
from fhirapp.referrals.referral import Referral, rules_to_clear
from fhirapp.referrals.status import State

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def a_summary(effect: str, scope: str, verdict: str = "clearance", *waiting: str) -> dict[str, Any]:
    released = verdict == "refer"
    return {
        "verdict": verdict,
        "tier": "T2",
        "destination": "D2",
        "findings": [{"rule": "X-1", "effect": effect, "scope": scope}],
        "prescription": {"weeks": 12},
        "release": {"referral": released, "prescription": released, "waiting_for": list(waiting)},
    }


def a_referral(summary: dict[str, Any], *cleared: str, until: datetime | None = None) -> Referral:
    referral = Referral(state="identified", version=0, cleared_rules=list(cleared), cleared_until=until)
    record_assessment(referral, summary, NOW)
    return referral


@pytest.mark.parametrize(
    ("effect", "scope", "asked"),
    [
        ("CLEAR", "plan", True),
        ("CLEAR", "region", True),
        ("CLEAR", "session", False),
        ("HOLD", "region", True),
        ("HOLD", "moderate-plus", True),
        ("HOLD", "above-functional", True),
        ("HOLD", "session", False),
        ("HOLD", "plan", False),
        ("HOLD-E", "plan", False),
        ("HOLD", "day", False),
        ("SUP", "plan", False),
        ("MOD", "plan", False),
    ],
)
def test_a_clearance_and_a_hold_of_a_part_are_questions_and_nothing_else_is(
    effect: str, scope: str, asked: bool
) -> None:
    assert bool(rules_to_clear(a_summary(effect, scope))) is asked


def test_a_hold_of_a_region_waits_for_clearance_and_is_never_proposed() -> None:
    referral = a_referral(a_summary("HOLD", "region", "clearance", "clearance"))
    assert state_after(referral, NOW) is State.CLEARANCE_PENDING
    assert not referral.prescription_released


def test_a_check_before_each_session_keeps_nobody_waiting() -> None:
    referral = a_referral(a_summary("HOLD", "session", "refer"))
    assert state_after(referral, NOW) is State.PROPOSED
    assert referral.prescription_released


def test_a_clearance_is_good_for_its_time_and_no_longer() -> None:
    summary = a_summary("CLEAR", "plan", "clearance", "clearance")
    assert state_after(a_referral(summary, "X-1", until=NOW + timedelta(days=1)), NOW) is State.PROPOSED
    assert state_after(a_referral(summary, "X-1", until=NOW), NOW) is State.CLEARANCE_PENDING
    assert state_after(a_referral(summary, "X-2", until=NOW + timedelta(days=1)), NOW) is State.CLEARANCE_PENDING


def test_a_clearance_does_not_stand_in_for_the_answers() -> None:
    summary = a_summary("CLEAR", "plan", "incomplete", "answers", "clearance")
    referral = a_referral(summary, "X-1", until=NOW + timedelta(days=1))
    assert not referral.prescription_released
    assert state_after(referral, NOW) is State.PROPOSED, "a referral is not exercise"
    assert state_after(referral, NOW, answers_first=True) is State.INCOMPLETE


def test_a_partial_read_is_incomplete_whatever_was_cleared() -> None:
    summary = a_summary("CLEAR", "plan", "incomplete", "answers", "clearance", "data:labs")
    referral = a_referral(summary, "X-1", until=NOW + timedelta(days=1))
    assert state_after(referral, NOW) is State.INCOMPLETE
