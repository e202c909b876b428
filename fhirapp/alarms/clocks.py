"""The clocks of the pathway, and who is told when one has run out. Source: pathway.md section 6, rules.md section 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from fhirapp.referrals.contact import WITHIN, failed
from fhirapp.referrals.referral import ContactAttempt, Referral
from fhirapp.referrals.status import State
from fhirapp.referrals.time_to_say_no import Setting, setting_of, waits_for_discharge
from fhirapp.tenants import Tenant
from fhirapp.working_days import end_of_working_day, working_days_after
from models.text import N_, Text

Whom = Literal["responsible", "on-call", "clinician-lead", "shift-lead", "service-lead", "navigator"]
Via = Literal["ehr", "email", "pager"]


class Kind(StrEnum):
    """What an alarm is about."""

    HOLD_EMERGENCY = "hold-emergency"
    HOLD = "hold"
    PROPOSAL = "proposal"
    CLEARANCE = "clearance"
    NOTICE = "notice"
    CLAIM = "claim"
    FIRST_CONTACT = "first-contact"
    ATTEMPTS = "attempts"
    PROGRAMME = "programme"
    FIRST_SESSION = "first-session"


HOLDS: Final = frozenset({Kind.HOLD_EMERGENCY, Kind.HOLD})

LABELS: Final[Mapping[Kind, Text]] = {
    Kind.HOLD_EMERGENCY: N_("Emergency hold"),
    Kind.HOLD: N_("Safety hold"),
    Kind.PROPOSAL: N_("Information for the referral is missing since a day"),
    Kind.CLEARANCE: N_("Clearance is overdue"),
    Kind.NOTICE: N_("The patient has not been told"),
    Kind.CLAIM: N_("Nobody has claimed the referral"),
    Kind.FIRST_CONTACT: N_("First contact is overdue"),
    Kind.ATTEMPTS: N_("Two weeks of tries, and not enough of them to give up"),
    Kind.PROGRAMME: N_("The programme has not answered"),
    Kind.FIRST_SESSION: N_("The first session is overdue"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to tell, and how, so long after the alarm was raised."""

    after: timedelta | None  # None: at the end of the working day
    calls: tuple[tuple[Whom, Via], ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps of one kind, in order; after the last one it is repeated so often until somebody confirms."""

    steps: tuple[Step, ...]
    again: timedelta | None = None


_AT_ONCE: Final = timedelta(0)

LADDERS: Final[Mapping[Kind, Ladder]] = {
    Kind.HOLD_EMERGENCY: Ladder(
        (
            Step(
                _AT_ONCE,
                (("responsible", "ehr"), ("responsible", "email"), ("on-call", "pager"), ("on-call", "email")),
            ),
            Step(timedelta(minutes=15), (("on-call", "pager"),)),
            Step(
                timedelta(minutes=60),
                (("on-call", "pager"), ("on-call", "email"), ("clinician-lead", "pager"), ("clinician-lead", "email")),
            ),
        ),
        again=timedelta(hours=1),
    ),
    Kind.HOLD: Ladder(
        (
            Step(_AT_ONCE, (("responsible", "ehr"), ("responsible", "email"))),
            Step(None, (("on-call", "email"), ("clinician-lead", "email"))),
        )
    ),
    Kind.PROPOSAL: Ladder((Step(_AT_ONCE, (("service-lead", "email"),)),)),
    Kind.CLEARANCE: Ladder((Step(_AT_ONCE, (("clinician-lead", "email"), ("responsible", "email"))),)),
    Kind.NOTICE: Ladder((Step(_AT_ONCE, (("navigator", "email"),)),)),
    Kind.CLAIM: Ladder((Step(_AT_ONCE, (("shift-lead", "email"),)),)),
    Kind.FIRST_CONTACT: Ladder((Step(_AT_ONCE, (("shift-lead", "email"),)),)),
    Kind.ATTEMPTS: Ladder((Step(_AT_ONCE, (("navigator", "email"), ("shift-lead", "email"))),)),
    Kind.PROGRAMME: Ladder((Step(_AT_ONCE, (("navigator", "email"),)),)),
    Kind.FIRST_SESSION: Ladder((Step(_AT_ONCE, (("service-lead", "email"),)),)),
}  # fmt: skip

_URGENT_PHASES: Final = frozenset({"P1", "P5"})  # before surgery; just after it


def step_at(kind: Kind, number: int, raised: datetime, tenant: Tenant) -> datetime | None:
    """When a step is due; `None` when there is no such step."""
    ladder = LADDERS[kind]
    if number < len(ladder.steps):
        after = ladder.steps[number].after
        if after is None:
            return end_of_working_day(raised, tenant.zone, tenant.escalation.holidays)
        return raised + after
    if ladder.again is None:
        return None
    last = ladder.steps[-1].after or _AT_ONCE
    return raised + last + ladder.again * (number - len(ladder.steps) + 1)


def step_of(kind: Kind, number: int) -> Step:
    """The step itself; beyond the last one, the last one again."""
    steps = LADDERS[kind].steps
    return steps[min(number, len(steps) - 1)]


@dataclass(frozen=True, slots=True)
class Known:
    """What a clock must know beside the referral."""

    told_at: datetime | None = None  # from when the patient can have known
    attempts: tuple[ContactAttempt, ...] = ()

    @property
    def unreached_since(self) -> datetime | None:
        """When the tries began, while every one of them has failed."""
        tried = self.attempts
        return tried[0].at if tried and failed(tried) == len(tried) else None


def clocks_of(referral: Referral, tenant: Tenant, known: Known) -> Mapping[Kind, datetime]:
    """The clocks that run for the referral, and until when."""
    running = _of_state(referral, tenant, known)
    due = first_session_by(referral)
    if due is not None and referral.status in _NOT_BEGUN and not waits_for_discharge(referral, tenant):
        running[Kind.FIRST_SESSION] = due
    return running


def _of_state(referral: Referral, tenant: Tenant, known: Known) -> dict[Kind, datetime]:
    since, zone, holidays = referral.state_since, tenant.zone, tenant.escalation.holidays
    urgent = referral.summary.get("phase") in _URGENT_PHASES

    def days(count: int) -> datetime:
        return working_days_after(since, count, zone, holidays)

    match referral.status:
        case State.INCOMPLETE:
            return {Kind.PROPOSAL: days(1)}
        case State.CLEARANCE_PENDING:
            return {Kind.CLEARANCE: days(5)}
        case State.OPT_OUT_OPEN if known.told_at is None:
            return {Kind.NOTICE: end_of_working_day(since, zone, holidays)}
        case State.QUEUED:
            return {Kind.CLAIM: since + timedelta(hours=4) if urgent else days(1)}
        case State.CONTACTING if not known.attempts:
            return {Kind.FIRST_CONTACT: days(1 if urgent else 2)}
        case State.CONTACTING if known.unreached_since is not None:
            return {Kind.ATTEMPTS: max(known.unreached_since + WITHIN, since)}
        case State.OFFERED:
            return {Kind.PROGRAMME: days(3)}
    return {}


_NOT_BEGUN: Final = frozenset(
    {State.OPT_OUT_OPEN, State.QUEUED, State.CONTACTING, State.OFFERED, State.BOOKED, State.REJECTED, State.WAITLISTED}
)
_FIRST_SESSION: Final = timedelta(days=21)
_FIRST_SESSION_PREHAB: Final = timedelta(days=5)
_FIRST_SESSION_DISCHARGED: Final = timedelta(days=14)
_BOOKED: Final = timedelta(days=14)
_BOOKED_PREHAB: Final = timedelta(days=3)


def first_session_by(referral: Referral) -> datetime | None:
    """Until when the first session should have been; `None` before a signature.

    A programme that has accepted has two weeks at most (pathway.md section 1, step 14).
    """
    if referral.signed_at is None:
        return None
    prehab = setting_of(referral) is Setting.PREHAB
    if prehab:
        due = referral.signed_at + _FIRST_SESSION_PREHAB
    elif referral.discharged_at is not None:
        due = max(referral.discharged_at, referral.signed_at) + _FIRST_SESSION_DISCHARGED
    else:
        due = referral.signed_at + _FIRST_SESSION
    if referral.status is State.BOOKED:
        return min(due, referral.state_since + (_BOOKED_PREHAB if prehab else _BOOKED))
    return due


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the pathway's table of clocks: what we do with it."""

    id: str
    clock: str
    target: str
    kind: Kind
    at_the_end: str = ""  # beside the alarm


TABLE: Final = (
    Row("CLK-1", "identified to proposed", "1 working day in `incomplete`", Kind.PROPOSAL,
        "read again every day all the same; where nothing is missing, both are one transaction"),
    Row("CLK-2", "clearance answer", "5 working days", Kind.CLEARANCE),
    Row("CLK-3", "patient notice", "same working day as the signature", Kind.NOTICE,
        "the patient's window does not begin before they can have known"),
    Row("CLK-4", "claim", "1 working day; 4 hours before and after surgery", Kind.CLAIM),
    Row("CLK-5", "first contact attempt", "2 working days; 1 before and after surgery", Kind.FIRST_CONTACT),
    Row("CLK-6", "contact attempts", "4 days of 14, 2 channels, 1 evening or weekend", Kind.ATTEMPTS,
        "enough tried, and nobody reached: `unreachable` (S11), and no alarm"),
    Row("CLK-7", "programme answer", "3 working days", Kind.PROGRAMME),
    Row("CLK-8", "referral to first session",
        "21 days; 5 before surgery; 14 after discharge; 14 (3 before surgery) after a programme accepted",
        Kind.FIRST_SESSION, "it runs beside the others until the baseline"),
    Row("CLK-9", "emergency hold acknowledged", "15 and 60 minutes", Kind.HOLD_EMERGENCY,
        "paged until somebody confirms"),
    Row("CLK-10", "hold reaches a clinician", "same working day", Kind.HOLD),
)  # fmt: skip
"""Source: pathway.md section 6; the last row is section 1, step 4."""
