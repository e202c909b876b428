"""Who comes first in the queue, and until when. Source: navigator.md section 3, pathway.md section 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from fhirapp.alarms.clocks import first_session_by
from fhirapp.referrals.contact import NEEDED, WITHIN, failed
from fhirapp.referrals.referral import ContactAttempt, Referral
from fhirapp.referrals.status import State
from fhirapp.working_days import NO_HOLIDAYS, working_days_after
from models.text import N_, Text

_PREHAB, _RECOVERY = "P1", "P5"
_ON_TREATMENT: Final = frozenset({"P2", "P3", "P4"})
_FIRST_CONTACT_DAYS: Final[Mapping[int, int]] = {1: 0, 2: 1, 3: 2, 4: 5}  # working days, by priority
_UNREACHED_STAYS: Final = timedelta(days=30)
_LATE_SHARE: Final = 0.75
_FAILED_TRIES: Final = 2


@dataclass(frozen=True, slots=True)
class Priority:
    """1 (first) to 4, and why; `boosted` says what moved it up by one."""

    level: int
    why: Text
    boosted: Text | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """The next thing that somebody waits for, and until when."""

    what: Text
    at: datetime
    since: datetime

    def overdue(self, now: datetime) -> bool:
        """True once the time has passed."""
        return now > self.at

    def share(self, now: datetime) -> float:
        """How much of the time has gone, 0 to 1 and beyond."""
        whole = (self.at - self.since).total_seconds()
        return (now - self.since).total_seconds() / whole if whole > 0 else 1.0


def ranked(
    referral: Referral,
    attempts: Sequence[ContactAttempt],
    now: datetime,
    zone: tzinfo,
    *,
    interpreter: bool = False,
    holidays: AbstractSet[date] = NO_HOLIDAYS,
) -> tuple[Priority, Due | None]:
    """Priority and clock of one referral. The adherence estimate plays no part: it never lowers a place."""
    base = _base(referral)
    due = due_of(referral, attempts, base.level, zone, holidays)
    boost = _boost(attempts, due, now, interpreter=interpreter)
    if boost is None or base.level == 1:
        return base, due
    return Priority(base.level - 1, base.why, boost), due


def _base(referral: Referral) -> Priority:
    phase, tier = referral.summary.get("phase", ""), referral.tier
    if phase == _PREHAB:
        return Priority(1, N_("before surgery or treatment"))
    if phase == _RECOVERY:
        return Priority(1, N_("recovery after surgery"))
    if tier in ("T1", "T2"):
        return Priority(2, N_("higher risk, cleared"))
    if phase in _ON_TREATMENT:
        return Priority(3, N_("on treatment"))
    if tier != "T4":
        return Priority(3, N_("moderate risk"))
    return Priority(4, N_("low risk, after treatment"))


def _boost(attempts: Sequence[ContactAttempt], due: Due | None, now: datetime, *, interpreter: bool) -> Text | None:
    if due is not None and due.share(now) > _LATE_SHARE:
        return N_("most of its time has gone")
    if failed(attempts) >= _FAILED_TRIES:
        return N_("two tries have failed")
    if interpreter:
        return N_("needs an interpreter")
    return None


def due_of(
    referral: Referral,
    attempts: Sequence[ContactAttempt],
    level: int,
    zone: tzinfo,
    holidays: AbstractSet[date] = NO_HOLIDAYS,
) -> Due | None:
    """The clock of the referral's state; `None` where nobody waits for a navigator."""
    since = referral.state_since
    signed = referral.signed_at or since
    urgent = level == 1
    match referral.status:
        case State.QUEUED:
            at = since + timedelta(hours=4) if urgent else working_days_after(since, 1, zone, holidays)
            return Due(N_("Claim"), at, since)
        case State.CONTACTING:
            return _contact_due(attempts, since, level, zone, holidays)
        case State.OFFERED:
            return Due(N_("Programme answers"), working_days_after(since, 3, zone, holidays), since)
        case State.REJECTED:
            return Due(N_("Offer to another programme"), working_days_after(since, 1, zone, holidays), since)
        case State.WAITLISTED | State.BOOKED:
            return Due(N_("First session"), first_session_by(referral) or since, signed)
        case State.UNREACHABLE:
            return Due(N_("Ends without an answer"), since + _UNREACHED_STAYS, since)
    return None


def _contact_due(
    attempts: Sequence[ContactAttempt], since: datetime, level: int, zone: tzinfo, holidays: AbstractSet[date]
) -> Due:
    if not attempts:
        return Due(N_("First contact"), _first_contact(since, level, zone, holidays), since)
    last = attempts[-1]
    if last.next_at is not None:
        return Due(N_("Next contact"), last.next_at, last.at)
    if len(attempts) < NEEDED:
        return Due(N_("Next try"), working_days_after(last.at, 3, zone, holidays), last.at)
    return Due(N_("Reach the patient"), attempts[0].at + WITHIN, attempts[0].at)


def _first_contact(since: datetime, level: int, zone: tzinfo, holidays: AbstractSet[date]) -> datetime:
    days = _FIRST_CONTACT_DAYS[level]
    if days:
        return working_days_after(since, days, zone, holidays)
    local = since.astimezone(zone)
    evening = datetime.combine(local.date(), time(20), zone)  # the same day, before quiet hours
    return max(evening, since + timedelta(hours=1))
