"""Who comes first, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from fhirapp.referrals.contact import not_yet, tried_today
from fhirapp.referrals.referral import ContactAttempt, Referral
from fhirapp.referrals.status import State
from fhirapp.ui.priority import due_of, ranked
from fhirapp.working_days import working_days_after
from tests.builders import ZONE

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)
FRIDAY = MONDAY + timedelta(days=4)


def a_referral(state: State = State.QUEUED, *, tier: str = "T3", phase: str = "P2", **more: Any) -> Referral:
    """A released referral that came to its state on Monday at ten."""
    values: dict[str, Any] = {
        "id": uuid4(), "tenant_id": "city", "patient_id": "p1", "state": state.value, "tier": tier,
        "state_since": MONDAY, "signed_at": MONDAY - timedelta(days=7), "summary": {"phase": phase}, **more,
    }  # fmt: skip
    return Referral(**values)


def an_attempt(at: datetime, *, channel: str = "phone", outcome: str = "no-answer", **more: Any) -> ContactAttempt:
    return ContactAttempt(at=at, channel=channel, outcome=outcome, by="x", by_display="x", **more)


@pytest.mark.parametrize(
    ("tier", "phase", "level"),
    [
        ("T3", "P1", 1),
        ("T4", "P1", 1),
        ("T3", "P5", 1),
        ("T1", "P6", 2),
        ("T2", "P2", 2),
        ("T3", "P2", 3),
        ("T4", "P3", 3),
        ("T?", "P6", 3),
        ("T3", "P6", 3),
        ("T4", "P6", 4),
    ],
    ids=[
        "before surgery", "before surgery, low risk", "after surgery", "very high risk", "high risk", "on chemotherapy",
        "on radiotherapy, low risk", "not judged", "moderate risk", "survivor",
    ],
)  # fmt: skip
def test_the_place_follows_phase_and_tier(tier: str, phase: str, level: int) -> None:
    priority, _ = ranked(a_referral(tier=tier, phase=phase), (), MONDAY, ZONE)
    assert (priority.level, priority.boosted) == (level, None)


def test_what_waits_long_fails_twice_or_needs_help_moves_up_by_one() -> None:
    survivor = a_referral(tier="T4", phase="P6")
    late, _ = ranked(survivor, (), MONDAY + timedelta(hours=20), ZONE)
    contacting = a_referral(State.CONTACTING, tier="T4", phase="P6")
    tries = [an_attempt(MONDAY), an_attempt(MONDAY + timedelta(minutes=1))]
    failed, _ = ranked(contacting, tries, MONDAY + timedelta(hours=1), ZONE)
    helped, _ = ranked(survivor, (), MONDAY, ZONE, interpreter=True)
    assert [p.level for p in (late, failed, helped)] == [3, 3, 3]
    assert all(p.boosted for p in (late, failed, helped))


def test_nobody_moves_up_by_two() -> None:
    contacting = a_referral(State.CONTACTING, tier="T4", phase="P6")
    tries = [an_attempt(MONDAY), an_attempt(MONDAY)]
    assert ranked(contacting, tries, MONDAY + timedelta(days=30), ZONE, interpreter=True)[0].level == 3


@pytest.mark.parametrize("band", ["low", "middle", "high"])
def test_the_adherence_estimate_moves_nobody(band: str) -> None:
    with_estimate = a_referral(summary={"phase": "P2", "estimates": {"adherence": {"band": band}}})
    assert ranked(with_estimate, (), MONDAY, ZONE)[0] == ranked(a_referral(), (), MONDAY, ZONE)[0]


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (MONDAY, 1, MONDAY + timedelta(days=1)),
        (FRIDAY, 1, FRIDAY + timedelta(days=3)),
        (FRIDAY, 5, FRIDAY + timedelta(days=7)),
    ],
    ids=["in the week", "over a weekend", "a whole week"],
)
def test_weekends_are_no_working_days(start: datetime, days: int, end: datetime) -> None:
    assert working_days_after(start, days, ZONE) == end


def test_a_working_day_ends_at_the_same_local_time_when_the_clocks_change() -> None:
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 10, 23, 10, 0, tzinfo=berlin)  # the Friday before summer time ends
    assert working_days_after(before, 1, berlin) == datetime(2026, 10, 26, 10, 0, tzinfo=berlin)


@pytest.mark.parametrize(
    ("state", "level", "after"),
    [
        (State.QUEUED, 1, timedelta(hours=4)),
        (State.QUEUED, 3, timedelta(days=1)),
        (State.CONTACTING, 2, timedelta(days=1)),
        (State.CONTACTING, 3, timedelta(days=2)),
        (State.CONTACTING, 4, timedelta(days=7)),
        (State.OFFERED, 3, timedelta(days=3)),
        (State.REJECTED, 3, timedelta(days=1)),
        (State.BOOKED, 3, timedelta(days=14)),
        (State.WAITLISTED, 3, timedelta(days=14)),
        (State.UNREACHABLE, 3, timedelta(days=30)),
    ],
)
def test_each_state_has_its_clock(state: State, level: int, after: timedelta) -> None:
    due = due_of(a_referral(state), (), level, ZONE)
    assert due is not None
    assert due.at == MONDAY + after
    assert not due.overdue(MONDAY + after)
    assert due.overdue(MONDAY + after + timedelta(seconds=1))


def test_a_prehab_patient_is_called_the_same_day_but_not_at_night() -> None:
    due = due_of(a_referral(State.CONTACTING), (), 1, ZONE)
    late = due_of(a_referral(State.CONTACTING, state_since=MONDAY.replace(hour=22)), (), 1, ZONE)
    assert due is not None
    assert late is not None
    assert due.at == MONDAY.replace(hour=20)
    assert late.at == MONDAY.replace(hour=23)


def test_an_agreed_time_is_the_next_clock() -> None:
    agreed = MONDAY + timedelta(days=2)
    due = due_of(a_referral(State.CONTACTING), [an_attempt(MONDAY, outcome="call-back", next_at=agreed)], 3, ZONE)
    assert due is not None
    assert due.at == agreed


@pytest.mark.parametrize("state", [State.HELD, State.ENROLLED, State.OPTED_OUT])
def test_where_nobody_waits_no_clock_runs(state: State) -> None:
    assert due_of(a_referral(state), (), 3, ZONE) is None


def tries(*hours: float, channels: str = "ps") -> list[ContactAttempt]:
    names = {"p": "phone", "s": "sms"}
    return [
        an_attempt(MONDAY + timedelta(hours=hour), channel=names[channels[i % len(channels)]])
        for i, hour in enumerate(hours)
    ]


ENOUGH = (0, 24, 48 + 9, 72)  # four days, two channels, one at seven in the evening
LATER = MONDAY + timedelta(days=14)


def test_four_days_two_channels_an_evening_and_two_weeks_are_enough() -> None:
    assert not_yet(tries(*ENOUGH), LATER, ZONE) == ()


@pytest.mark.parametrize(
    ("attempts", "now"),
    [
        (tries(0, 24, 48 + 9), LATER),
        (tries(0, 1, 2, 9), LATER),
        (tries(*ENOUGH, channels="p"), LATER),
        (tries(0, 24, 48, 72), LATER),
        (tries(*ENOUGH), LATER - timedelta(seconds=1)),
        ([], LATER),
    ],
    ids=["three tries", "four on one day", "one channel", "office hours only", "a second too early", "none"],
)
def test_less_is_not_enough(attempts: list[ContactAttempt], now: datetime) -> None:
    assert not_yet(attempts, now, ZONE)


def test_a_weekend_counts_as_out_of_hours() -> None:
    assert not_yet(tries(0, 24, 48, 5 * 24), LATER, ZONE) == ()


def test_today_is_the_hospitals_today() -> None:
    morning = datetime(2026, 11, 24, 0, 30, tzinfo=ZONE)  # still Monday in UTC
    assert not tried_today([an_attempt(MONDAY)], morning, ZONE)
    assert tried_today([an_attempt(morning)], morning + timedelta(hours=20), ZONE)
