"""What an assessment does to a referral: the one place where a verdict becomes a state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.alarms.raising import watch_clock, watch_holds
from fhirapp.jobs.table import Job, enqueue
from fhirapp.referrals.referral import Actor, Referral, effects_of, rules_to_clear, standing_holds
from fhirapp.referrals.status import BEFORE_RELEASE, RELEASED, Action, State
from fhirapp.referrals.store import Referrals
from fhirapp.referrals.time_to_say_no import clinician_time
from fhirapp.tenants import Tenant

CLINICIAN_WINDOW, PATIENT_WINDOW = "clinician_window", "patient_window"
REASSESS, WRITE_BACK = "reassess", "write_back"
LOST: Final = "lost"  # the end of the time in which a patient who was not reached may still answer
CHECK, RESULTS = "ehr_check", "new_results"  # look at what the EHR has of this referral; judge it again
LOST_RECORD: Final = "patient"  # what holds a referral whose record is closed or was merged away
REASSESS_EVERY: Final = timedelta(hours=24)
RESCREEN_EVERY: Final = timedelta(days=30)  # of everybody who is referred; rules.md section 1, "Re-evaluation"


def record_assessment(referral: Referral, summary: Mapping[str, Any], now: datetime) -> None:
    """Keep the newest assessment with the referral."""
    referral.summary = dict(summary)
    referral.verdict = summary["verdict"]
    referral.tier = summary["tier"]
    referral.destination = summary["destination"]
    referral.assessed_at = now
    cleared = bool(rules_to_clear(summary)) and not referral.clearance_open(now)
    waiting = set(referral.waiting_for) - ({"clearance"} if cleared else set())
    may = summary["release"]["prescription"] or (cleared and not waiting)
    referral.prescription_released = bool(may and summary.get("prescription") and not referral.verdict_holds)


def state_after(referral: Referral, now: datetime, *, answers_first: bool = False) -> State:
    """Where a referral that is not released yet belongs, by its newest assessment.

    A clearance that a clinician has given counts here, which the assessment cannot know. With `answers_first` the
    site lets no referral go before the safety questions are answered.
    """
    if referral.held_by is not None:
        return State.HELD  # before anything else: a record that was merged away reads as not eligible, and is not lost
    if referral.verdict == "ineligible":
        return State.INELIGIBLE
    if referral.verdict_holds:
        return State.HELD
    if referral.clearance_open(now):
        return State.CLEARANCE_PENDING
    if referral.summary["release"]["referral"]:
        return State.PROPOSED
    still = set(referral.waiting_for) - {"clearance"}
    return State.PROPOSED if still <= (set() if answers_first else {"answers"}) else State.INCOMPLETE


def judge(
    session: Session, tenant: Tenant, referral: Referral, summary: Mapping[str, Any], *, now: datetime, occasion: str
) -> None:
    """Record an assessment and move the referral as the rules say, in the caller's transaction.

    Before release every verdict has its state. After release only a HOLD moves it; a prescription that has become
    possible (the answers came in) is written.
    """
    before, had_prescription = referral.status, referral.prescription_released
    holds = set() if before is State.IDENTIFIED else set(standing_holds(referral))
    record_assessment(referral, summary, now)
    service = Actor.service(tenant.id)
    released = before not in BEFORE_RELEASE and before is not State.IDENTIFIED
    target = before if released and not referral.verdict_holds else _judged(tenant, referral, now)
    if target is not before:
        referral.move(Action.ASSESS, target, actor=service, at=now)
    Referrals(session, tenant.id).note(
        referral,
        "assessed",
        actor=service,
        at=now,
        before=before,
        occasion=occasion,
        verdict=referral.verdict,
        tier=referral.tier,
        holds=effects_of(summary, "HOLD", "HOLD-E"),
        rules_version=summary.get("rules_version", ""),
    )
    _arm(session, tenant, referral, before, now)
    watch_holds(session, tenant, referral, occasion, now)
    if referral.status is not before:
        watch_clock(session, tenant, referral, now)
    changed = target is not before or referral.prescription_released != had_prescription
    # Of a new referral nothing can be in the EHR yet, but a hold stands in the chart from its first day.
    if (changed and before is not State.IDENTIFIED) or set(standing_holds(referral)) != holds:
        write_back_soon(session, referral, now)


def _judged(tenant: Tenant, referral: Referral, now: datetime) -> State:
    return state_after(referral, now, answers_first=tenant.policy.answers_before_referral)


def _arm(session: Session, tenant: Tenant, referral: Referral, before: State, now: datetime) -> None:
    """The timers of the state it has come to."""
    state = referral.status
    if state is State.PROPOSED and before is not State.PROPOSED:
        referral.clinician_deadline = now + clinician_time(referral, tenant)
        enqueue_for(session, referral, CLINICIAN_WINDOW, referral.clinician_deadline)
    elif state in BEFORE_RELEASE - {State.PROPOSED} or (state in RELEASED and referral.read_in_part):
        _look_by(session, referral, now + REASSESS_EVERY)


def _look_by(session: Session, referral: Referral, latest: datetime) -> None:
    """A look at the chart then at the latest: somebody who opens it each day puts none off."""
    waits = Job.state == "ready", Job.leased_until.is_(None), Job.run_at <= latest
    ours = Job.tenant_id == referral.tenant_id, Job.key == f"{REASSESS}/{referral.id}"
    if session.execute(sa.select(Job.id).where(*ours, *waits)).first() is None:
        enqueue_for(session, referral, REASSESS, latest)


def enqueue_for(session: Session, referral: Referral, kind: str, run_at: datetime) -> None:
    """One job of this kind for this referral; asking again moves it."""
    enqueue(
        session,
        referral.tenant_id,
        kind,
        f"{kind}/{referral.id}",
        {"referral": str(referral.id)},
        run_at=run_at,
    )


def write_back_soon(session: Session, referral: Referral, now: datetime) -> None:
    """Have the EHR told."""
    enqueue_for(session, referral, WRITE_BACK, now)
