"""When an alarm is raised and when it falls silent; both in the transaction of what caused them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from fhirapp.alarms.alarm import Alarm, standing_alarms
from fhirapp.alarms.clocks import HOLDS, Kind, clocks_of
from fhirapp.alarms.known import known_of
from fhirapp.jobs.table import enqueue
from fhirapp.referrals.referral import Referral, effects_of
from fhirapp.tenants import Tenant

SEEN: Final = "seen"  # on the card or the page that found it
ALARM, CLOCK = "alarm", "clock"  # kinds of jobs: tell somebody, see whether a clock has run out

# A clinician sits in front of the answer of these; they see the hold without being told.
ATTENDED: Final = frozenset(
    {"patient-view", "order-select", "order-sign", "order-dispatch", "appointment-book", "encounter-start",
     "encounter-discharge", "clinician page"}
)  # fmt: skip


def watch_holds(session: Session, tenant: Tenant, referral: Referral, occasion: str, now: datetime) -> None:
    """Raise an alarm for a hold that nobody sees, and let one fall silent whose hold has gone."""
    standing = [alarm for alarm in standing_alarms(session, tenant.id, referral.id) if Kind(alarm.kind) in HOLDS]
    if not referral.is_open or not referral.verdict.startswith("hold"):
        for alarm in standing:
            alarm.closed_at = now
        return
    kind = Kind.HOLD_EMERGENCY if referral.verdict == "hold-emergency" else Kind.HOLD
    rules = sorted(effects_of(referral.summary, "HOLD", "HOLD-E"))
    known = {rule for alarm in standing if kind in (alarm.kind, Kind.HOLD) for rule in alarm.rules}
    if standing and set(rules) <= known:
        return  # told already: the same hold is no news at each look at the chart
    _raise(session, tenant, referral, kind, rules, now, seen=occasion in ATTENDED)


def watch_clock(session: Session, tenant: Tenant, referral: Referral, now: datetime) -> None:
    """Start the clocks of the state that the referral has come to, and let the alarms of the others fall silent."""
    session.flush()  # what was noted in this transaction counts: an attempt, a notice
    running = clocks_of(referral, tenant, known_of(session, referral))
    rung = set()
    for alarm in standing_alarms(session, tenant.id, referral.id):
        if Kind(alarm.kind) not in HOLDS and alarm.kind not in running:
            alarm.closed_at = now
        rung.add(alarm.kind)
    ahead = [due for kind, due in running.items() if kind not in rung]
    if ahead:
        _enqueue(session, referral, CLOCK, min(ahead))


def ring_due(session: Session, tenant: Tenant, referral: Referral, now: datetime) -> None:
    """Raise the alarm of each clock that has run out, once, and wait for the next one."""
    rung = {alarm.kind for alarm in standing_alarms(session, tenant.id, referral.id)}
    for kind, due in clocks_of(referral, tenant, known_of(session, referral)).items():
        if due <= now and kind not in rung:
            _raise(session, tenant, referral, kind, [], now)
    watch_clock(session, tenant, referral, now)


def _raise(
    session: Session,
    tenant: Tenant,
    referral: Referral,
    kind: Kind,
    rules: list[str],
    now: datetime,
    *,
    seen: bool = False,
) -> None:
    alarm = Alarm(
        tenant_id=tenant.id, referral_id=referral.id, kind=kind.value, rules=rules, raised_at=now, step=0
    )  # fmt: skip
    session.add(alarm)
    if seen:  # kept, so that tomorrow's look at the chart does not take it for news
        alarm.acknowledged_at, alarm.acknowledged_how = now, SEEN
    else:
        _enqueue(session, referral, ALARM, now)


def _enqueue(session: Session, referral: Referral, kind: str, run_at: datetime) -> None:
    enqueue(
        session, referral.tenant_id, kind, f"{kind}/{referral.id}", {"referral": str(referral.id)}, run_at=run_at
    )  # fmt: skip
