"""What people do to a referral: clinicians and patients here, navigators and programmes in `navigating.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from fhirapp.alarms.known import told_at
from fhirapp.messages.texts import REFERRAL, REJOIN
from fhirapp.referrals.errors import HoldOpen, StandingOrderLapsed, TransitionNotAllowed
from fhirapp.referrals.judging import (
    LOST_RECORD,
    PATIENT_WINDOW,
    REASSESS,
    RESCREEN_EVERY,
    enqueue_for,
    record_assessment,
)
from fhirapp.referrals.navigating import AFTER_COMPLETION, Navigating
from fhirapp.referrals.notices import write_notice
from fhirapp.referrals.reasons import ONLY_THE_PATIENT, REASONS
from fhirapp.referrals.referral import Actor, Referral, rules_to_clear
from fhirapp.referrals.status import RESUMABLE, Action, Role, State, allowed
from fhirapp.referrals.store import Referrals
from fhirapp.referrals.time_to_say_no import patient_time

CLEARANCE_VALID: Final = timedelta(days=30)  # rules.md section 1: an override lasts 30 days at most


IN_THE_EHR: Final = "record system"  # how a referral was signed when the clinician made its order active there
COME_BACK: Final = "come_back"  # the kind of the job that opens a new referral for a patient who asked for it
SAID_YES: Final = "said_yes"  # in the history: the patient need not be waited for


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did in the record system, as moves of the referral."""

    event: str  # the word in the history
    steps: tuple[tuple[Action, State], ...]
    code: str = ""  # why, where it ends the referral
    details: Mapping[str, Any] = field(default_factory=dict)  # codes and ids, never free text


@dataclass(frozen=True, slots=True)
class Actions(Navigating):
    """Everything that may be done; pages, hooks and the worker call nothing else."""

    # ------------------------------------------------------------ clinician

    def sign(self, referral_id: UUID, *, actor: Actor, now: datetime, how: str = "clinician") -> None:
        """A clinician signs: the referral goes out and the patient is told.

        Raises `TransitionNotAllowed` if somebody moved it first, `HoldOpen` where safety forbids it.
        """
        with self._moving(referral_id, "sign", actor, now, how=how) as (session, referral):
            referral.requester = actor.reference or referral.requester
            referral.requester_display = actor.display or referral.requester_display
            target = resumed_at(referral)
            referral.move(Action.SIGN, target, actor=actor, at=now)
            if target is State.OPT_OUT_OPEN:
                self._signed(session, referral, how, now)
            else:
                referral.offers += target in (State.OFFERED, State.WAITLISTED)  # the hold took its Task back: a new one
                referral.signed_at, referral.signed_by = now, how
                enqueue_for(session, referral, REASSESS, now + RESCREEN_EVERY)

    def clear(self, referral_id: UUID, rules: list[str], *, actor: Actor, now: datetime) -> None:
        """A clinician answers CLEAR findings; valid for 30 days, then they are asked again."""
        with self._moving(referral_id, "clear", actor, now, rules=rules) as (_, referral):
            if actor.role is not Role.CLINICIAN:
                raise TransitionNotAllowed(referral.state, "clear", actor.role.value)
            still = set(referral.cleared_rules) if referral.cleared_until and now < referral.cleared_until else set()
            referral.cleared_rules = sorted(still | (set(rules) & rules_to_clear(referral.summary)))
            referral.cleared_until = now + CLEARANCE_VALID
            referral.version += 1
            record_assessment(referral, referral.summary, now=referral.assessed_at)

    def decline(self, referral_id: UUID, code: str, *, actor: Actor, now: datetime) -> None:
        """A clinician says no for this patient, with a coded reason; an active referral is revoked."""
        with self._moving(referral_id, "decline", actor, now, reason=code) as (session, referral):
            told = referral.signed_at is not None
            if REASONS[code].by == "patient":
                referral.move(Action.OPT_OUT, State.OPTED_OUT, actor=actor, at=now)
            else:
                referral.move(Action.DECLINE, State.DECLINED, actor=actor, at=now)
            self._ended(session, referral, code, now, tell=told)

    # ------------------------------------------------------------ service

    def sign_by_standing_order(self, referral_id: UUID, *, now: datetime, tenant_id: str) -> None:
        """Nobody acted: the tenant's standing order signs. Raises `StandingOrderLapsed` when it may not."""
        tenant, actor = self.tenants[tenant_id], Actor.service(tenant_id)
        order = tenant.standing_order
        with self._moving(referral_id, "sign_by_standing_order", actor, now) as (session, referral):
            if order is None or not order.covers(referral.destination, now, tenant.zone):
                raise StandingOrderLapsed(referral.destination)
            referral.requester, referral.requester_display = order.authoriser, order.display
            referral.move(Action.SIGN_BY_STANDING_ORDER, State.OPT_OUT_OPEN, actor=actor, at=now)
            self._signed(session, referral, "standing order", now)

    def enter_queue(self, referral_id: UUID, *, actor: Actor, now: datetime) -> None:
        """The patient's window has passed, or the patient has said yes: to the navigators."""
        with self._moving(referral_id, "enter_queue", actor, now) as (_, referral):
            referral.move(Action.ENTER_QUEUE, State.QUEUED, actor=actor, at=now)

    # ------------------------------------------------------------ patient

    def opt_out(
        self, referral_id: UUID, *, actor: Actor, now: datetime, code: str = "OO-NOTINT", via: str = ""
    ) -> bool:
        """The patient says no. False when the referral had ended already; saying no twice is no error.

        `via`: the channel on which they said it, on which it is confirmed.
        """
        try:
            with self._moving(referral_id, "opt_out", actor, now, reason=code) as (session, referral):
                referral.move(Action.OPT_OUT, State.OPTED_OUT, actor=actor, at=now)
                self._ended(session, referral, code, now, tell=True, via=via)
        except TransitionNotAllowed:
            return False
        return True

    def say_yes(self, referral_id: UUID, *, actor: Actor, now: datetime) -> None:
        """The patient need not wait for the end of the window: the chart is read at once, and the navigators begin.

        Raises `TransitionNotAllowed` where no window is open any more. A no stays possible.
        """
        with self._moving(referral_id, SAID_YES, actor, now) as (session, referral):
            if not allowed(Action.ENTER_QUEUE, referral.status, State.QUEUED, actor.role):
                raise TransitionNotAllowed(referral.state, SAID_YES, actor.role.value)
            referral.patient_deadline = now
            enqueue_for(session, referral, PATIENT_WINDOW, now)

    def come_back(self, referral_id: UUID, *, actor: Actor, now: datetime, via: str = "") -> None:
        """The patient wants to come back after a no: the chart is read at once, and a new referral opened if it may be.

        Nothing is released by it: the new referral is signed for like any other (decision 0051).
        """
        self.ask_again(referral_id, actor=actor, now=now)
        with self.sessions.begin() as session:
            referral = Referrals(session, actor.tenant_id).lock(referral_id)
            tenant = self.tenants[actor.tenant_id]
            write_notice(session, self.sealer, self.links, tenant, referral, REJOIN, at=now, channel=via)
            enqueue_for(session, referral, COME_BACK, now)

    # ------------------------------------------------------------ the record system

    def follow(self, referral_id: UUID, deed: Deed, *, actor: Actor, now: datetime) -> tuple[Action, ...]:
        """What somebody did in the record system, move by move; returns the moves that were made.

        It stops at the first move that safety forbids. Raises `TransitionNotAllowed`, or `HoldOpen` where not even the
        first may be made; then nothing has changed.
        """
        made: list[Action] = []
        with self._moving(referral_id, deed.event, actor, now, **deed.details) as (session, referral):
            was_open = referral.is_open
            for action, target in deed.steps:
                try:
                    referral.move(action, target, actor=actor, at=now)
                except HoldOpen:
                    if not made:
                        raise
                    break
                made.append(action)
            if Action.CLAIM in made:
                referral.owner, referral.owner_display = actor.reference or None, actor.display
            if deed.code and was_open and not referral.is_open:
                told = referral.signed_at is not None and deed.code != "OO-DIED"
                self._ended(session, referral, deed.code, now, tell=told)
            if referral.status is State.COMPLETED:
                referral.reoffer_at = now + AFTER_COMPLETION
        return tuple(made)

    def suspend(self, referral_id: UUID, by: str, *, actor: Actor, now: datetime, **details: Any) -> None:
        """Hold it for something that no rule of ours says: an order put on hold in the record system, a lost record."""
        with self._moving(referral_id, "ehr_hold", actor, now, by=by, **details) as (_, referral):
            referral.held_by = by
            referral.prescription_released = False
            if referral.status is State.HELD:
                referral.version += 1
            else:
                referral.move(Action.SUSPEND, State.HELD, actor=actor, at=now)

    def lift(self, referral_id: UUID, *, actor: Actor, now: datetime, **details: Any) -> None:
        """Take back `suspend`; where the referral goes from there the next assessment says, which is due at once."""
        with self._moving(referral_id, "ehr_lift", actor, now, **details) as (session, referral):
            if referral.held_by is None:
                raise TransitionNotAllowed(referral.state, "lift", actor.role.value)
            referral.held_by = None
            enqueue_for(session, referral, REASSESS, now)

    def move_to_record(self, referral_id: UUID, patient_id: str, *, now: datetime, tenant_id: str) -> bool:
        """Two records of one patient have become one: the referral goes on under the one that stays.

        False, and nothing done, where the other record has an open referral, or has said no and may not be asked yet:
        that is for a person.
        """
        actor = Actor.service(tenant_id)
        with self.sessions() as session:
            other = Referrals(session, tenant_id).newest_of(patient_id)
            if other is not None and (other.is_open or other.reason_code is not None):
                return False
        with self._moving(referral_id, "record_merged", actor, now, moved_to=patient_id) as (session, referral):
            referral.first_patient_id = referral.identity
            referral.patient_id = patient_id
            referral.ordinal = Referrals(session, tenant_id).next_ordinal(patient_id)
            referral.held_by = None if referral.held_by == LOST_RECORD else referral.held_by
            referral.version += 1
        return True

    def ask_again(self, referral_id: UUID, *, actor: Actor, now: datetime) -> None:
        """The patient, or a clinician, wants to be asked again: the embargo of a no ends today (pathway.md section 4).

        A closed referral stays closed; the next look at the chart opens a new one, if the patient is still eligible.
        """
        with self._moving(referral_id, "ask_again", actor, now) as (_, referral):
            if not may_ask_again(referral, actor.role):
                raise TransitionNotAllowed(referral.state, "ask_again", actor.role.value)
            referral.reoffer_at = now

    # ------------------------------------------------------------ shared ends

    def _signed(self, session: Session, referral: Referral, how: str, now: datetime) -> None:
        tenant = self.tenants[referral.tenant_id]
        referral.signed_at, referral.signed_by = now, how
        # The time to say no runs from when the patient can have known; until then this is only a first guess.
        referral.patient_deadline = max(now, (told_at(session, referral) or now) + patient_time(referral, tenant))
        write_notice(session, self.sealer, self.links, tenant, referral, REFERRAL, at=now)
        enqueue_for(session, referral, PATIENT_WINDOW, referral.patient_deadline)
        enqueue_for(session, referral, REASSESS, now + RESCREEN_EVERY)


def resumed_at(referral: Referral) -> State:
    """Where a signature takes a referral: to its start, or back to where a hold found it.

    One that had been offered goes back to contacting where the safety answers have run out: they are asked again first.
    """
    before = referral.resumes
    if before is None or before not in RESUMABLE:
        return State.OPT_OUT_OPEN
    if before is State.OFFERED and not referral.prescription_released:
        return State.CONTACTING
    return before


def may_ask_again(referral: Referral, role: Role) -> bool:
    """Whether a wish ends the embargo of a no: a patient's always, a clinician's unless only the patient may ask."""
    if referral.is_open or referral.status in (State.ERROR, State.DEPARTED):
        return False
    return role is Role.PATIENT or referral.reason_code not in ONLY_THE_PATIENT
