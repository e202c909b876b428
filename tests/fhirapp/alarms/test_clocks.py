"""Every clock of the pathway runs, tells whoever comes next, and falls silent. Source: pathway.md section 6."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhirapp.alarms.alarm import Alarm
from fhirapp.alarms.clocks import HOLDS, LADDERS, TABLE, Kind, Known, clocks_of, first_session_by
from fhirapp.referrals.contact import WITHIN
from fhirapp.referrals.referral import ContactAttempt, Referral
from fhirapp.referrals.status import CLOSED, OPEN, State
from tests.fhirapp.messages.hospital import Reached
from tests.world import CLINICIAN, NAVIGATOR
from tools.clocks_page import named_tests

DAY = timedelta(days=1)
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Kathmandu"))


def a_referral(state: State, **more: Any) -> Referral:
    values: dict[str, Any] = {"state": state.value, "state_since": MONDAY, "signed_at": MONDAY, "summary": {}}
    return Referral(**(values | more))


def a_try(days: float, outcome: str = "no-answer", channel: str = "phone") -> ContactAttempt:
    return ContactAttempt(at=MONDAY + timedelta(days=days), outcome=outcome, channel=channel)


@pytest.fixture
def tenant() -> Any:
    from dataclasses import dataclass, field

    from fhirapp.alarms.settings import Escalation
    from fhirapp.tenants import Windows

    @dataclass
    class Hospital:
        zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Kathmandu"))
        escalation: Escalation = field(default_factory=Escalation)
        windows: Windows = field(default_factory=Windows)

    return Hospital()


def running(tenant: Any, referral: Referral, known: Known | None = None) -> Mapping[Kind, datetime]:
    return clocks_of(referral, tenant, known or Known())


# ------------------------------------------------------------ the table itself


def test_every_kind_of_alarm_has_a_row_a_ladder_and_a_test() -> None:
    assert {row.kind for row in TABLE} == set(Kind) == set(LADDERS)
    assert len({row.id for row in TABLE}) == len(TABLE)
    tests = named_tests()
    assert set(tests) == {row.id for row in TABLE}, "each row names its tests"


def test_every_clock_that_is_no_hold_runs_in_some_state(tenant: Any) -> None:
    """A row without a handler would never ring."""
    told, tried = Known(MONDAY), Known(MONDAY, (a_try(0),))
    found = {
        kind for state in OPEN for known in (Known(), told, tried) for kind in running(tenant, a_referral(state), known)
    }
    assert found == set(Kind) - HOLDS


@pytest.mark.database
def test_the_jobs_of_the_clocks_have_a_hand(reached: Reached) -> None:
    from fhirapp.alarms.raising import ALARM, CLOCK

    assert {ALARM, CLOCK} <= set(reached.world.worker.handlers)


@pytest.mark.parametrize("state", sorted(CLOSED))
def test_no_clock_runs_when_a_referral_has_ended(tenant: Any, state: State) -> None:
    assert running(tenant, a_referral(state)) == {}


def test_the_table_is_that_of_the_pathway() -> None:
    from pathlib import Path

    page = Path(__file__).parents[4] / "shared" / "clinical" / "pathway.md"
    if not page.exists():
        pytest.skip("needs ../shared beside the checkout")
    section = page.read_text(encoding="utf-8").split("## 6. Clocks")[1].split("## 7.")[0]
    rows = re.findall(r"^\| (?!Clock|---)([^|]+) \|", section, re.MULTILINE)
    assert len(rows) == len(TABLE) - 1, "ours has one more: the hold of section 1, step 4"


# ------------------------------------------------------------ each row


def test_clk_1_a_referral_that_is_not_proposed_within_a_working_day(tenant: Any) -> None:
    assert running(tenant, a_referral(State.INCOMPLETE, signed_at=None)) == {Kind.PROPOSAL: MONDAY + DAY}


def test_clk_2_a_clearance_has_five_working_days(tenant: Any) -> None:
    due = running(tenant, a_referral(State.CLEARANCE_PENDING, signed_at=None))
    assert due == {Kind.CLEARANCE: MONDAY + 7 * DAY}


@pytest.mark.parametrize(
    ("signed", "due"),
    [("2026-11-23T10:00", "2026-11-23T17:00"), ("2026-11-23T18:30", "2026-11-24T17:00"),
     ("2026-11-27T20:00", "2026-11-30T17:00")],
    ids=["in the morning", "in the evening", "on Friday evening"],
)  # fmt: skip
def test_clk_3_the_patient_is_told_on_the_same_day(tenant: Any, signed: str, due: str) -> None:
    at, end = (datetime.fromisoformat(one).replace(tzinfo=tenant.zone) for one in (signed, due))
    referral = a_referral(State.OPT_OUT_OPEN, state_since=at, signed_at=at)
    assert running(tenant, referral)[Kind.NOTICE] == end
    assert Kind.NOTICE not in running(tenant, referral, Known(told_at=at))


@pytest.mark.parametrize(("phase", "due"), [("P2", DAY), ("P1", timedelta(hours=4)), ("P5", timedelta(hours=4))])
def test_clk_4_a_claim_has_a_working_day_and_four_hours_around_surgery(tenant: Any, phase: str, due: timedelta) -> None:
    assert running(tenant, a_referral(State.QUEUED, summary={"phase": phase}))[Kind.CLAIM] == MONDAY + due


@pytest.mark.parametrize(("phase", "days"), [("P2", 2), ("P1", 1)])
def test_clk_5_the_first_try_has_two_working_days(tenant: Any, phase: str, days: int) -> None:
    referral = a_referral(State.CONTACTING, summary={"phase": phase})
    assert running(tenant, referral)[Kind.FIRST_CONTACT] == MONDAY + days * DAY
    assert Kind.FIRST_CONTACT not in running(tenant, referral, Known(MONDAY, (a_try(0),)))


def test_clk_6_two_weeks_of_tries_in_vain(tenant: Any) -> None:
    tries = (a_try(0), a_try(3))
    assert running(tenant, a_referral(State.CONTACTING), Known(MONDAY, tries))[Kind.ATTEMPTS] == MONDAY + WITHIN
    reached = Known(MONDAY, (*tries, a_try(4, "reached")))
    assert Kind.ATTEMPTS not in running(tenant, a_referral(State.CONTACTING), reached)


def test_clk_7_a_programme_has_three_working_days(tenant: Any) -> None:
    assert running(tenant, a_referral(State.OFFERED))[Kind.PROGRAMME] == MONDAY + 3 * DAY


@pytest.mark.parametrize(
    ("more", "due"),
    [
        ({}, MONDAY + 21 * DAY),
        ({"summary": {"phase": "P1"}}, MONDAY + 5 * DAY),
        ({"discharged_at": MONDAY + 2 * DAY}, MONDAY + 16 * DAY),
        ({"discharged_at": MONDAY - 20 * DAY}, MONDAY + 14 * DAY),
    ],
    ids=["ordinary", "before surgery", "discharged after the signature", "discharged long before"],
)
def test_clk_8_the_first_session_has_its_day(tenant: Any, more: dict[str, Any], due: datetime) -> None:
    for state in (State.QUEUED, State.CONTACTING, State.OFFERED, State.WAITLISTED, State.REJECTED):
        referral = a_referral(state, **more)
        assert running(tenant, referral)[Kind.FIRST_SESSION] == first_session_by(referral) == due
    for state in (State.BASELINE_DONE, State.ENROLLED, State.HELD, State.UNREACHABLE):
        assert Kind.FIRST_SESSION not in running(tenant, a_referral(state, **more))


@pytest.mark.parametrize(
    ("phase", "booked", "due"),
    [("P2", 1, 15), ("P2", 10, 21), ("P1", 1, 4), ("P1", 4, 5)],
    ids=["two weeks", "never later than three weeks in all", "before surgery", "nor than five days"],
)
def test_clk_8_a_programme_that_has_accepted_begins_within_two_weeks(
    tenant: Any, phase: str, booked: int, due: int
) -> None:
    """Pathway section 1, step 14."""
    referral = a_referral(State.BOOKED, summary={"phase": phase}, state_since=MONDAY + booked * DAY)
    assert running(tenant, referral) == {Kind.FIRST_SESSION: MONDAY + due * DAY}


def test_clk_8_an_inpatients_first_session_waits_for_the_discharge(tenant: Any) -> None:
    referral = a_referral(State.OPT_OUT_OPEN, inpatient=True)
    assert Kind.FIRST_SESSION not in running(tenant, referral, Known(MONDAY))


# ------------------------------------------------------------ rung, over the whole service


def alarms(reached: Reached) -> dict[str, bool]:
    """Kinds, and whether the alarm still stands."""
    with reached.world.stride.sessions() as session:
        return {alarm.kind: alarm.closed_at is None for alarm in session.query(Alarm).order_by(Alarm.id)}


def told(reached: Reached) -> list[str]:
    return [mail["To"] for mail in reached.mail.mails]


@pytest.mark.database
def test_clk_3_a_patient_whom_nobody_told_rings_until_somebody_does(reached: Reached) -> None:
    reached.settings(channels=("letter",))
    stride, referral = reached.world.stride, reached.world.opened("mia-survivor")
    stride.actions.sign(referral.id, actor=CLINICIAN, now=stride.clock())
    for _ in range(4):
        reached.world.pass_time(DAY)
    assert alarms(reached) == {"notice": True}
    assert told(reached) == ["exercise@example.org"]
    from fhirapp.messages.by_hand import ByHand
    from fhirapp.referrals.notices import Notice

    with stride.sessions() as session:
        notice = session.query(Notice).one()
    ByHand(stride.sessions, stride.tenants).do(notice.id, "told", actor=NAVIGATOR, now=stride.clock())
    reached.world.worker.run_due()
    assert alarms(reached) == {"notice": False}


@pytest.mark.database
def test_clk_6_the_service_gives_up_when_enough_was_tried_and_never_before(reached: Reached) -> None:
    reached.settings(channels=("outbox",))
    stride, referral = reached.world.stride, reached.world.queued("mia-survivor")
    stride.actions.claim(referral.id, actor=NAVIGATOR, now=stride.clock())
    reached.at(20)
    for number in range(3):
        stride.actions.log_attempt(
            referral.id, channel="sms" if number else "phone", outcome="no-answer", actor=NAVIGATOR, now=stride.clock()
        )
        reached.world.pass_time(DAY)
    reached.world.pass_time(15 * DAY)
    assert reached.world.referral("mia-survivor").status is State.CONTACTING, "three days are not four"
    assert alarms(reached)["attempts"]
    stride.actions.log_attempt(referral.id, channel="phone", outcome="voicemail", actor=NAVIGATOR, now=stride.clock())
    reached.world.worker.run_due()
    after = reached.world.referral("mia-survivor")
    assert after.status is State.UNREACHABLE
    assert alarms(reached)["attempts"] is False


@pytest.mark.database
def test_clk_6_a_patient_who_asked_for_a_call_is_not_given_up(reached: Reached) -> None:
    reached.settings(channels=("outbox",))
    stride, referral = reached.world.stride, reached.world.queued("mia-survivor")
    stride.actions.claim(referral.id, actor=NAVIGATOR, now=stride.clock())
    reached.at(20)
    for outcome in ("no-answer", "call-back", "no-answer", "no-answer", "no-answer"):
        stride.actions.log_attempt(referral.id, channel="phone", outcome=outcome, actor=NAVIGATOR, now=stride.clock())
        reached.world.pass_time(4 * DAY)
    assert reached.world.referral("mia-survivor").status is State.CONTACTING


@pytest.mark.database
def test_clk_8_the_service_lead_hears_of_a_first_session_that_is_late(reached: Reached) -> None:
    reached.settings(channels=("outbox",))
    stride, referral = reached.world.stride, reached.world.queued("mia-survivor")
    stride.actions.claim(referral.id, actor=NAVIGATOR, now=stride.clock())
    stride.actions.log_attempt(referral.id, channel="phone", outcome="reached", actor=NAVIGATOR, now=stride.clock())
    reached.world.pass_time(13 * DAY)
    assert "first-session" not in alarms(reached)
    reached.world.pass_time(2 * DAY)
    assert alarms(reached)["first-session"]
    assert "service@example.org" in told(reached)
    stride.actions.close(referral.id, "OO-TIME", actor=NAVIGATOR, now=stride.clock())
    assert alarms(reached)["first-session"] is False
