"""What navigators and programmes do to a referral, from the queue to its end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from fhirapp.alarms.raising import CLOCK, watch_clock
from fhirapp.referrals.contact import failed, not_yet
from fhirapp.referrals.errors import TransitionNotAllowed
from fhirapp.referrals.judging import (
    LOST,
    enqueue_for,
)
from fhirapp.referrals.moving import Moving
from fhirapp.referrals.referral import Actor, ContactAttempt, Referral, SafetyAnswers
from fhirapp.referrals.status import Action, Role, State
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant

MAY_STILL_ANSWER: Final = timedelta(days=30)
AFTER_COMPLETION: Final = timedelta(days=180)  # pathway.md section 5, S20
REASON_SETTLED: Final = "reason_settled"
IN_PROGRAMME: Final = frozenset({State.ENROLLED, State.PAUSED})
TARGETS: Final[Mapping[Action, State]] = {
    Action.BASELINE: State.BASELINE_DONE,
    Action.ENROL: State.ENROLLED,
    Action.PAUSE: State.PAUSED,
    Action.RESUME: State.ENROLLED,
    Action.TRANSFER: State.TRANSFERRED,
    Action.BACK_TO_CONTACT: State.CONTACTING,
    Action.COMPLETE: State.COMPLETED,
    Action.DISCONTINUE: State.DISCONTINUED,
    Action.DEPART: State.DEPARTED,
    Action.MARK_ERROR: State.ERROR,
}


@dataclass(frozen=True, slots=True)
class Navigating(Moving):
    """From the claim of a navigator to the last day of a programme, and the ends between."""

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
            watch_clock(s, self.tenants[actor.tenant_id], r, now)
            enqueue_for(s, r, CLOCK, now)  # it may have been the last one that was needed

    def give_up(self, referral_id: UUID, *, actor: Actor, now: datetime) -> None:
        """The patient could not be reached; for 30 days an answer brings them back (pathway.md section 5, S11)."""
        with self._moving(referral_id, "give_up", actor, now) as (session, referral):
            referral.move(Action.GIVE_UP, State.UNREACHABLE, actor=actor, at=now)
            enqueue_for(session, referral, LOST, now + MAY_STILL_ANSWER)

    def give_up_when_enough(self, referral_id: UUID, *, now: datetime, tenant_id: str) -> None:
        """Two weeks of enough tries, and nobody reached: the service itself gives up (pathway.md section 6, CLK-6)."""
        with self.sessions() as session:
            store = Referrals(session, tenant_id)
            referral, attempts = store.get(referral_id), store.attempts(referral_id)
        tried_in_vain = attempts and failed(attempts) == len(attempts)
        if referral.status is not State.CONTACTING or not tried_in_vain or attempts[-1].next_at is not None:
            return
        if not_yet(attempts, now, self.tenants[tenant_id].zone):
            return
        with suppress(TransitionNotAllowed):
            self.give_up(referral_id, actor=Actor.service(tenant_id), now=now)

    def lose(self, referral_id: UUID, *, now: datetime, tenant_id: str) -> None:
        """Nobody has answered for 30 days: the referral ends, and nobody is written to. One that has moved on stays."""
        with self.sessions() as session:
            referral = Referrals(session, tenant_id).get(referral_id)
        if referral.status is not State.UNREACHABLE or now - referral.state_since < MAY_STILL_ANSWER:
            return
        with self._moving(referral_id, "lost", Actor.service(tenant_id), now, reason="OO-LOST") as (session, referral):
            referral.move(Action.DISCONTINUE, State.DISCONTINUED, actor=Actor.service(tenant_id), at=now)
            self._ended(session, referral, "OO-LOST", now, tell=False)

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
        with self._moving(referral_id, "offer", actor, now, programme=programme_id) as (session, referral):
            site = tenant.programme(programme_id)
            if site is None or site.supervision < least_supervision(session, tenant, referral):
                raise TransitionNotAllowed(referral.state, f"offer to {programme_id}", actor.role.value)
            referral.move(Action.OFFER, State.OFFERED, actor=actor, at=now)
            referral.programme = programme_id
            referral.offers += 1

    def answer_of_programme(self, referral_id: UUID, answer: Action, *, actor: Actor, now: datetime) -> None:
        """What the programme said: accepted, rejected, or only a place on its waiting list."""
        targets = {Action.ACCEPT: State.BOOKED, Action.REJECT: State.REJECTED, Action.WAITLIST: State.WAITLISTED}
        with self._moving(referral_id, f"programme_{answer.value}", actor, now) as (_, referral):
            referral.move(answer, targets[answer], actor=actor, at=now)

    def carry_on(
        self, referral_id: UUID, action: Action, *, actor: Actor, now: datetime, why: str = "", on_word_of: str = ""
    ) -> None:
        """One move of the time in a programme, or an end that needs no coded no. `why` is a code, never free text.

        `on_word_of`: whose word the actor passes on. Raises `TransitionNotAllowed`, or `HoldOpen` where safety forbids.
        """
        said = {name: value for name, value in (("why", why), ("on_word_of", on_word_of)) if value}
        with self._moving(referral_id, action.value, actor, now, **said) as (session, referral):
            was_open = referral.is_open
            referral.move(action, TARGETS[action], actor=actor, at=now)
            if action is Action.COMPLETE:
                referral.reoffer_at = now + AFTER_COMPLETION
            elif action is Action.DEPART:
                self._ended(session, referral, why, now, tell=False)
            elif action is Action.DISCONTINUE:
                self._ended(session, referral, "PG-ENDED", now, tell=False)
            elif action is Action.MARK_ERROR and was_open:  # one that had ended keeps its reason, and how long it binds
                self._ended(session, referral, "CL-OTHER", now, tell=referral.signed_at is not None)

    def settle_reason(self, referral_id: UUID, *, actor: Actor, now: datetime) -> None:
        """What could be offered at once after a no was offered, or is left: nobody is reminded of it again."""
        with self._moving(referral_id, REASON_SETTLED, actor, now):
            pass

    def close(self, referral_id: UUID, code: str, *, actor: Actor, now: datetime) -> None:
        """A navigator ends the referral with a coded reason: the patient's no, or that it cannot go on."""
        with self._moving(referral_id, "close", actor, now, reason=code) as (session, referral):
            if code in ("OO-DIED", "OO-MOVED"):
                referral.move(Action.DEPART, State.DEPARTED, actor=actor, at=now)
            elif code == "OO-LOST" or referral.status in IN_PROGRAMME:  # S17 and S18 end in S21, with the reason
                referral.move(Action.DISCONTINUE, State.DISCONTINUED, actor=actor, at=now)
            else:
                referral.move(Action.OPT_OUT, State.OPTED_OUT, actor=actor, at=now)
            self._ended(session, referral, code, now, tell=code not in ("OO-DIED", "OO-MOVED", "OO-LOST"))


def least_supervision(session: Session, tenant: Tenant, referral: Referral) -> int:
    """The least supervision that a navigator may offer now.

    On a transfer no less than before, unless the programme itself has asked for the step: navigators route to the same
    or more (pathway.md section 7).
    """
    needed = int(referral.summary["min_supervision"])
    before = tenant.programme(referral.programme or "")
    if referral.status is not State.TRANSFERRED or before is None:
        return needed
    if Referrals(session, tenant.id).last_role(referral.id, Action.TRANSFER.value) == Role.PROGRAMME:
        return needed
    return max(needed, before.supervision)
