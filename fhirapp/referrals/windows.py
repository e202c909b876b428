"""What happens when a window ends: read the chart again, assess again, and only then go on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import orjson

from fhirapp.alarms.known import told_at
from fhirapp.audit import audit
from fhirapp.ehr.batches import Batches
from fhirapp.ehr.chart import chart_of
from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.connect import Ehrs
from fhirapp.ehr.errors import EhrUnavailable
from fhirapp.referrals.actions import SAID_YES, Actions
from fhirapp.referrals.errors import HoldOpen, StandingOrderLapsed, TransitionNotAllowed
from fhirapp.referrals.glances import patient_and_answers, state_of
from fhirapp.referrals.intake import Intake
from fhirapp.referrals.judging import (
    CLINICIAN_WINDOW,
    PATIENT_WINDOW,
    REASSESS,
    REASSESS_EVERY,
    RESCREEN_EVERY,
    enqueue_for,
)
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.status import BEFORE_RELEASE, RELEASED, Role, State
from fhirapp.referrals.store import Referrals
from fhirapp.referrals.time_to_say_no import patient_time, waits_for_discharge
from fhirapp.tenants import Tenant
from mappings.bundle import Part


@dataclass(frozen=True, slots=True)
class Windows:
    """The service's own part in a referral's life; each method is one job."""

    intake: Intake
    actions: Actions
    ehrs: Ehrs
    pool: Executor
    clock: Callable[[], datetime]
    batches: Batches

    def reassess(self, tenant_id: str, referral_id: UUID, *, occasion: str, ehr: EhrClient | None = None) -> Referral:
        """Read the chart afresh and let the rules speak again; raises `EhrUnavailable` without an answer."""
        tenant = self.intake.tenants[tenant_id]
        patient_id, answers = patient_and_answers(self.intake.sessions, tenant_id, referral_id)
        ours = [Part("answers", orjson.dumps(one)) for one in answers]
        client = ehr or self.ehrs.as_system(tenant)
        chart, refused = chart_of(
            client, patient_id, self.pool,
            also=ours, concepts=tenant.concept_map, at_once=partial(self.batches.answers, tenant_id),
        )  # fmt: skip
        now = self.clock()
        judged = self.intake.decide_on(tenant, chart, chart.unread | refused, now=now)
        with self.intake.sessions.begin() as session:
            audit(
                session, Actor.service(tenant_id), "chart.read", at=now, patient_id=patient_id, subject=referral_id,
                occasion=occasion,
            )  # fmt: skip
            referral = self.intake.settle(session, tenant, judged, now=now, occasion=occasion)
            return referral or Referrals(session, tenant_id).get(referral_id)

    def clinician_window_ended(self, tenant_id: str, referral_id: UUID) -> None:
        """Nobody signed and nobody declined: the standing order signs, if the patient is still fit for it."""
        if self._state(tenant_id, referral_id) is not State.PROPOSED:
            return
        referral = self.reassess(tenant_id, referral_id, occasion="clinician window ended")
        tenant = self.intake.tenants[tenant_id]
        if referral.status is not State.PROPOSED:
            return
        # What a hold has interrupted goes on only when a clinician says so; a standing order was not written for that.
        if tenant.release != "standing-order" or referral.resumes is not None:
            self._note(tenant, referral_id, "signature_needed")
            return
        try:
            self.actions.sign_by_standing_order(referral_id, now=self.clock(), tenant_id=tenant_id)
        except StandingOrderLapsed:
            self._note(tenant, referral_id, "standing_order_lapsed")
        except (TransitionNotAllowed, HoldOpen):
            return  # somebody decided in this very moment: their word stands

    def patient_window_ended(self, tenant_id: str, referral_id: UUID) -> None:
        """The patient did not say no: into the navigators' queue, unless the chart has changed."""
        if self._state(tenant_id, referral_id) is not State.OPT_OUT_OPEN or self._not_told_yet(tenant_id, referral_id):
            return
        referral = self.reassess(tenant_id, referral_id, occasion="patient window ended")
        if referral.status is not State.OPT_OUT_OPEN:
            return
        if waits_for_discharge(referral, self.intake.tenants[tenant_id]) and not self._said_yes(tenant_id, referral_id):
            self._look_for_discharge(tenant_id, referral_id)
            return
        if referral.read_in_part:
            raise EhrUnavailable("the chart could not be read whole: a hold may stand in the rest")
        try:
            self.actions.enter_queue(referral_id, actor=Actor.service(tenant_id), now=self.clock())
        except (TransitionNotAllowed, HoldOpen):
            return

    def _not_told_yet(self, tenant_id: str, referral_id: UUID) -> bool:
        """True while the patient cannot have known for the whole of their time to say no; then it is looked at again.

        A referral whose notice reached nobody does not go on silently (decision 0050).
        """
        now = self.clock()
        with self.intake.sessions.begin() as session:
            store, tenant = Referrals(session, tenant_id), self.intake.tenants[tenant_id]
            referral = store.lock(referral_id)
            if store.has_event(referral_id, SAID_YES):
                return False
            told = told_at(session, referral)
            ends = told and max(told + patient_time(referral, tenant), referral.patient_deadline or told)
            if ends is not None and ends <= now:
                return False
            if told is None:
                actor = Actor.service(tenant_id)
                store.note(referral, "not_told", actor=actor, at=now, before=referral.status)
            again = ends or now + REASSESS_EVERY
            referral.patient_deadline = again
            enqueue_for(session, referral, PATIENT_WINDOW, again)
            return True

    def _said_yes(self, tenant_id: str, referral_id: UUID) -> bool:
        with self.intake.sessions() as session:
            return Referrals(session, tenant_id).has_event(referral_id, SAID_YES)

    def _look_for_discharge(self, tenant_id: str, referral_id: UUID) -> None:
        """An inpatient's time to say no ends with the stay: it is looked for every day (pathway.md step 11)."""
        with self.intake.sessions.begin() as session:
            referral = Referrals(session, tenant_id).lock(referral_id)
            if referral.status is State.OPT_OUT_OPEN:
                referral.patient_deadline = self.clock() + REASSESS_EVERY
                enqueue_for(session, referral, PATIENT_WINDOW, referral.patient_deadline)

    def look_again(self, tenant_id: str, referral_id: UUID) -> None:
        """Everybody is looked at again: every day while something is missing, every 30 days once referred.

        New results bring the day forward: whoever hears of them makes this job due at once.
        """
        state = self._state(tenant_id, referral_id)
        if state in BEFORE_RELEASE - {State.PROPOSED}:
            self.reassess(tenant_id, referral_id, occasion="daily look")  # which sets the next day's look
        elif state in RELEASED:
            referral = self.reassess(tenant_id, referral_id, occasion="screened again")
            with self.intake.sessions.begin() as session:
                if referral.status in RELEASED and not referral.read_in_part:  # else tomorrow, as was set with the look
                    enqueue_for(session, referral, REASSESS, self.clock() + RESCREEN_EVERY)

    def come_back(self, tenant_id: str, referral_id: UUID) -> None:
        """A patient who had said no wants to come back: a new referral is opened if the chart allows it.

        Where a standing order lets the service refer by itself, the clinician's window has run once and nobody
        declined: it signs at once. Elsewhere the new referral waits for a clinician, like any other.
        """
        opened = self.reassess(tenant_id, referral_id, occasion="patient came back")
        tenant = self.intake.tenants[tenant_id]
        if opened.id == referral_id or opened.status is not State.PROPOSED or tenant.release != "standing-order":
            return
        with self.intake.sessions() as session:
            had_been_signed = Referrals(session, tenant_id).get(referral_id).signed_at is not None
        if had_been_signed:
            self.clinician_window_ended(tenant_id, opened.id)

    def _state(self, tenant_id: str, referral_id: UUID) -> State:
        return state_of(self.intake.sessions, tenant_id, referral_id)

    def _note(self, tenant: Tenant, referral_id: UUID, what: str) -> None:
        """Note why it was not signed, and try again tomorrow: the standing order may have been renewed by then."""
        with self.intake.sessions.begin() as session:
            store = Referrals(session, tenant.id)
            referral = store.lock(referral_id)
            actor = Actor(tenant.id, Role.SERVICE, "", "stride")
            store.note(referral, what, actor=actor, at=self.clock(), before=referral.status)
            enqueue_for(session, referral, CLINICIAN_WINDOW, self.clock() + REASSESS_EVERY)
