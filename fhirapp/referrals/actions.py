"""What people do to a referral. Each: lock, move, note, audit, enqueue; one commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from fhirapp.audit import audit
from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.errors import StandingOrderLapsed, TransitionNotAllowed
from fhirapp.referrals.judging import PATIENT_WINDOW, enqueue_for, record_assessment, write_back_soon
from fhirapp.referrals.links import OptOutLinks
from fhirapp.referrals.notices import write_notice
from fhirapp.referrals.reasons import REASONS, reoffer_at
from fhirapp.referrals.referral import Actor, ContactAttempt, Referral, SafetyAnswers, rules_to_clear
from fhirapp.referrals.status import Action, Role, State
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenants

CLEARANCE_VALID: Final = timedelta(days=30)  # rules.md section 1: an override lasts 30 days at most


@dataclass(frozen=True, slots=True)
class Actions:
    """Everything that may be done; pages, hooks and the worker call nothing else."""

    sessions: Sessions
    tenants: Tenants
    sealer: Sealer
    links: OptOutLinks

    @contextmanager
    def _moving(
        self, referral_id: UUID, action: str, actor: Actor, now: datetime, **details: Any
    ) -> Iterator[tuple[Session, Referral]]:
        """One change: locked before, noted, audited and handed to the write-back after."""
        with self.sessions.begin() as session:
            store = Referrals(session, actor.tenant_id)
            referral = store.lock(referral_id)
            before, version = referral.status, referral.version
            yield session, referral
            store.note(referral, action, actor=actor, at=now, before=before, **details)
            audit(
                session, actor, f"referral.{action}", at=now, patient_id=referral.patient_id, subject=referral.id,
                **details,
            )  # fmt: skip
            if referral.version != version:
                write_back_soon(session, referral, now)

    # ------------------------------------------------------------ clinician

    def sign(self, referral_id: UUID, *, actor: Actor, now: datetime, how: str = "clinician") -> None:
        """A clinician signs: the referral goes out and the patient is told.

        Raises `TransitionNotAllowed` if somebody moved it first, `HoldOpen` where safety forbids it.
        """
        with self._moving(referral_id, "sign", actor, now, how=how) as (session, referral):
            referral.requester = actor.reference or referral.requester
            referral.requester_display = actor.display or referral.requester_display
            referral.move(Action.SIGN, State.OPT_OUT_OPEN, actor=actor, at=now)
            self._signed(session, referral, how, now)

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

    def opt_out(self, referral_id: UUID, *, actor: Actor, now: datetime, code: str = "OO-NOTINT") -> bool:
        """The patient says no. False when the referral had ended already; saying no twice is no error."""
        try:
            with self._moving(referral_id, "opt_out", actor, now, reason=code) as (session, referral):
                referral.move(Action.OPT_OUT, State.OPTED_OUT, actor=actor, at=now)
                self._ended(session, referral, code, now, tell=True)
        except TransitionNotAllowed:
            return False
        return True

    # ------------------------------------------------------------ navigator

    def claim(self, referral_id: UUID, *, actor: Actor, now: datetime) -> None:
        """A navigator takes a referral from the queue; the second of two gets `TransitionNotAllowed`."""
        with self._moving(referral_id, "claim", actor, now) as (_, referral):
            referral.move(Action.CLAIM, State.CONTACTING, actor=actor, at=now)
            referral.owner, referral.owner_display = actor.reference, actor.display

    def log_attempt(
        self,
        referral_id: UUID,
        *,
        channel: str,
        outcome: str,
        note: str = "",
        next_at: datetime | None = None,
        actor: Actor,
        now: datetime,
    ) -> None:
        """One try to reach the patient. The note is free text and kept sealed."""
        with self._moving(referral_id, "contact_attempt", actor, now, channel=channel, outcome=outcome) as (s, r):
            s.add(
                ContactAttempt(
                    tenant_id=actor.tenant_id,
                    referral_id=r.id,
                    at=now,
                    channel=channel,
                    outcome=outcome,
                    by=actor.reference,
                    by_display=actor.display,
                    next_at=next_at,
                    note=self.sealer.seal({"note": note}, f"attempt/{r.id}") if note else None,
                )
            )

    def give_up(self, referral_id: UUID, *, actor: Actor, now: datetime) -> None:
        """The patient could not be reached; the next clinical contact may bring them back."""
        with self._moving(referral_id, "give_up", actor, now) as (_, referral):
            referral.move(Action.GIVE_UP, State.UNREACHABLE, actor=actor, at=now)

    def keep_answers(self, referral_id: UUID, resource: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
        """Keep safety answers (a QuestionnaireResponse); the caller has the chart assessed again after."""
        with self._moving(referral_id, "answers", actor, now) as (session, referral):
            session.add(
                SafetyAnswers(
                    tenant_id=actor.tenant_id,
                    referral_id=referral.id,
                    patient_id=referral.patient_id,
                    at=now,
                    by=actor.reference,
                    resource=dict(resource),
                )
            )

    def offer(self, referral_id: UUID, programme_id: str, *, actor: Actor, now: datetime) -> None:
        """Ask a programme. Raises `HoldOpen` without valid answers; never under the supervision that is needed."""
        tenant = self.tenants[actor.tenant_id]
        with self._moving(referral_id, "offer", actor, now, programme=programme_id) as (_, referral):
            site = tenant.programme(programme_id)
            if site is None or site.supervision < int(referral.summary["min_supervision"]):
                raise TransitionNotAllowed(referral.state, f"offer to {programme_id}", actor.role.value)
            referral.move(Action.OFFER, State.OFFERED, actor=actor, at=now)
            referral.programme = programme_id
            referral.offers += 1

    def answer_of_programme(self, referral_id: UUID, answer: Action, *, actor: Actor, now: datetime) -> None:
        """What the programme said: accepted, rejected, or only a place on its waiting list."""
        targets = {Action.ACCEPT: State.BOOKED, Action.REJECT: State.REJECTED, Action.WAITLIST: State.WAITLISTED}
        with self._moving(referral_id, f"programme_{answer.value}", actor, now) as (_, referral):
            referral.move(answer, targets[answer], actor=actor, at=now)

    def close(self, referral_id: UUID, code: str, *, actor: Actor, now: datetime) -> None:
        """A navigator ends the referral with a coded reason: the patient's no, or that it cannot go on."""
        with self._moving(referral_id, "close", actor, now, reason=code) as (session, referral):
            if code in ("OO-DIED", "OO-MOVED"):
                referral.move(Action.DEPART, State.DEPARTED, actor=actor, at=now)
            elif code == "OO-LOST":
                referral.move(Action.DISCONTINUE, State.DISCONTINUED, actor=actor, at=now)
            else:
                referral.move(Action.OPT_OUT, State.OPTED_OUT, actor=actor, at=now)
            self._ended(session, referral, code, now, tell=code not in ("OO-DIED", "OO-MOVED", "OO-LOST"))

    # ------------------------------------------------------------ shared ends

    def _signed(self, session: Session, referral: Referral, how: str, now: datetime) -> None:
        tenant = self.tenants[referral.tenant_id]
        referral.signed_at, referral.signed_by = now, how
        referral.patient_deadline = now + tenant.windows.patient
        write_notice(session, self.sealer, self.links, tenant, referral, "referral", at=now)
        enqueue_for(session, referral, PATIENT_WINDOW, referral.patient_deadline)

    def _ended(self, session: Session, referral: Referral, code: str, now: datetime, *, tell: bool) -> None:
        referral.reason_code = code
        referral.reoffer_at = reoffer_at(code, now)
        if tell:
            tenant = self.tenants[referral.tenant_id]
            write_notice(session, self.sealer, self.links, tenant, referral, "opted-out", at=now)
