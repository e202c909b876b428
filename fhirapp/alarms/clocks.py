"""The clocks of the pathway, and who is told when one has run out. Source: pathway.md section 6, rules.md section 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from fhirapp.alarms.settings import Escalation
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.status import State
from fhirapp.tenants import Tenant
from fhirapp.working_days import end_of_working_day, working_days_after
from models.text import N_, Text

Whom = Literal["responsible", "on-call", "clinician-lead", "shift-lead", "navigator"]
Via = Literal["ehr", "email", "pager"]


class Kind(StrEnum):
    """What an alarm is about."""

    HOLD_EMERGENCY = "hold-emergency"
    HOLD = "hold"
    CLEARANCE = "clearance"
    CLAIM = "claim"
    FIRST_CONTACT = "first-contact"
    PROGRAMME = "programme"


HOLDS: Final = frozenset({Kind.HOLD_EMERGENCY, Kind.HOLD})

LABELS: Final[Mapping[Kind, Text]] = {
    Kind.HOLD_EMERGENCY: N_("Emergency hold"),
    Kind.HOLD: N_("Safety hold"),
    Kind.CLEARANCE: N_("Clearance is overdue"),
    Kind.CLAIM: N_("Nobody has claimed the referral"),
    Kind.FIRST_CONTACT: N_("First contact is overdue"),
    Kind.PROGRAMME: N_("The programme has not answered"),
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
    Kind.CLEARANCE: Ladder((Step(_AT_ONCE, (("clinician-lead", "email"), ("responsible", "email"))),)),
    Kind.CLAIM: Ladder((Step(_AT_ONCE, (("shift-lead", "email"),)),)),
    Kind.FIRST_CONTACT: Ladder((Step(_AT_ONCE, (("shift-lead", "email"),)),)),
    Kind.PROGRAMME: Ladder((Step(_AT_ONCE, (("navigator", "email"),)),)),
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


def clock_of(referral: Referral, tenant: Tenant) -> tuple[Kind, datetime] | None:
    """The clock that runs in the referral's state, and until when; `None` where none does."""
    since, escalation = referral.state_since, tenant.escalation
    urgent = referral.summary.get("phase") in _URGENT_PHASES
    match referral.status:
        case State.CLEARANCE_PENDING:
            return Kind.CLEARANCE, _days(since, 5, tenant, escalation)
        case State.QUEUED:
            return Kind.CLAIM, since + timedelta(hours=4) if urgent else _days(since, 1, tenant, escalation)
        case State.CONTACTING:
            return Kind.FIRST_CONTACT, _days(since, 1 if urgent else 2, tenant, escalation)
        case State.OFFERED:
            return Kind.PROGRAMME, _days(since, 3, tenant, escalation)
    return None


def _days(since: datetime, days: int, tenant: Tenant, escalation: Escalation) -> datetime:
    return working_days_after(since, days, tenant.zone, escalation.holidays)
