"""The whole road in one place: a chart comes in, an open referral or the reason why not comes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cds_hooks.ports import HookCall, Offer
from cds_hooks.turn import Turn
from fhirapp.audit import audit, audit_directly
from fhirapp.cds_clients import remember
from fhirapp.db.base import Sessions
from fhirapp.db.direct import Direct, linked
from fhirapp.db.encrypted import Sealer
from fhirapp.predictions import Predictions
from fhirapp.referrals.card_memory import Told, face_of, seen_before
from fhirapp.referrals.cards import Offered, keep_card
from fhirapp.referrals.dispatching import advise
from fhirapp.referrals.facts import facts_of
from fhirapp.referrals.judging import CHECK, LOST_RECORD, enqueue_for, judge, write_back_soon
from fhirapp.referrals.notices import withdraw
from fhirapp.referrals.offering import may_reoffer, nothing_to_open, quiet_reason
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.standing import Standing, asks_for_clearance, digest_of, newest_of
from fhirapp.referrals.status import BEFORE_RELEASE, Action, Role, State
from fhirapp.referrals.store import Referrals
from fhirapp.referrals.time_to_say_no import note_stay
from fhirapp.retention.marks import mark_of
from fhirapp.tenants import Tenant, Tenants
from mappings.bundle import Chart
from mappings.canonical import episode_id
from mappings.from_fhir.person import Person, person_from
from mappings.from_fhir.snapshot import snapshot_from
from mappings.to_fhir.suggestion import suggestion
from models.decision import Decision, Estimate, NoProposal
from models.proposal import decide
from models.snapshot import PatientSnapshot
from models.summary import summary

SAME_LOOK: Final = timedelta(minutes=30)  # an EHR fires at each reload; one assessment of the same chart is enough
PRACTITIONERS: Final = ("Practitioner/", "PractitionerRole/")


class Estimators(Protocol):
    """The two models, and the reasons behind an estimate when somebody will see them."""

    def risk(self, snapshot: PatientSnapshot) -> Estimate | None: ...
    def adherence(self, snapshot: PatientSnapshot) -> Estimate | None: ...
    def with_drivers(self, estimate: Estimate, snapshot: PatientSnapshot) -> Estimate: ...


@dataclass(frozen=True)
class Judged:
    """A decision on a chart, and what of the person is needed beside it."""

    decision: Decision
    person: Person | None

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The JSON of the decision; made when it is asked for, since a look that changes nothing does without."""
        return summary(self.decision)

    @cached_property
    def digest(self) -> str:
        """A hash by which another assessment is known to be the same."""
        return digest_of(self.decision)


@dataclass(frozen=True, slots=True)
class Intake:
    """Every door leads here: hooks, the app's page, the worker. Satisfies `cds_hooks.ports.Intake`."""

    sessions: Sessions
    tenants: Tenants
    estimators: Estimators
    sealer: Sealer
    launch_url: str
    predictions: Predictions
    hasty: Direct
    turn: Turn = field(default_factory=Turn)

    def decide_on(self, tenant: Tenant, chart: Chart, unread: Iterable[str], *, now: datetime) -> Judged:
        """The decision on a chart; nothing is stored."""
        as_of = now.astimezone(tenant.zone)
        if tenant.concept_map is not None:
            tenant.concept_map.apply(chart)
        snapshot = snapshot_from(chart, as_of=as_of, unread=unread)
        decision = decide(snapshot, self.estimators, tenant.policy)
        return Judged(decision, person_from(chart))

    def explained(self, decision: Decision) -> Decision:
        """The same decision with the reasons behind its estimates (they cost a millisecond: only when shown)."""
        assessment = decision.assessment
        risk, adherence = (
            estimate and self.estimators.with_drivers(estimate, assessment.snapshot)
            for estimate in (assessment.risk, assessment.adherence)
        )
        return replace(decision, assessment=replace(assessment, risk=risk, adherence=adherence))

    def receive(self, call: HookCall, chart: Chart, *, now: datetime) -> Offer:
        """One hook call: decide, open or find the referral, and say whether there is something to show."""
        if call.dispatch is not None:
            return advise(self, call, call.dispatch, chart, now=now)
        tenant = self.tenants[call.tenant_id]
        judged = self.decide_on(tenant, chart, chart.unread, now=now)
        if call.client.dry_run:
            if call.pilot:
                self.noted_only(judged, call, now)
            return self._quiet(judged.decision, "dry run")
        offer = self._looked(tenant, judged, call, now) or self._settled(tenant, judged, call, now)
        if call.token is not None:
            call.token.spent = True
        return offer

    def noted_only(self, judged: Judged, call: HookCall, now: datetime) -> None:
        """A silent pilot leaves its verdict in the audit, to be compared with what people decided, and nothing else."""
        with self.hasty.connected() as link, link.writing():
            remember(link, call.tenant_id, call.token)
            audit_directly(link, _caller(call), f"hook.{call.hook}", **_noted(call, judged, "", "dry run", now))
        if call.token is not None:
            call.token.spent = True

    def _looked(self, tenant: Tenant, judged: Judged, call: HookCall, now: datetime) -> Offer | None:
        """The short way of a call that changes nothing: token, audit row and card, and no lock while it thinks.

        `None` when there is something to change. Nothing that it writes is missed after a power cut by more than
        those who look: docs/decisions.
        """
        assessment, card = judged.decision.assessment, None
        with self.turn.aside(), self.hasty.connected() as link:
            found = newest_of(link, tenant.id, call.patient_id)
            quiet = nothing_to_open(link, tenant.id, found, judged.decision, now)
            if not quiet:
                if (
                    found is None
                    or not found.is_open
                    or _new_signer(call, found)
                    or not self._as_before(found, judged, now)
                ):
                    return None
                told = found.told(assessment)
                face = face_of(call, told)
                quiet = seen_before(link, call, told, face, now)
                card = Offered(found.id, found.status is State.HELD, face)
            about = found.id if found and found.is_open else ""
            with link.writing():
                remember(link, tenant.id, call.token)
                audit_directly(link, _caller(call), f"hook.{call.hook}", **_noted(call, judged, about, quiet, now))
                if card is not None and not quiet:
                    keep_card(link, call, card, now)
        if quiet or found is None or card is None:
            return self._quiet(judged.decision, quiet, found.id if found and found.is_open else None)
        referral = found.as_referral(tenant.id, call.patient_id, judged.summary)
        return self._offer(tenant, referral, judged, card, now)

    def _settled(self, tenant: Tenant, judged: Judged, call: HookCall, now: datetime) -> Offer:
        """The whole way: the referral is opened or moved, in one transaction that waits for the disk."""
        card = None
        with self.turn.aside(), self.sessions.begin() as session:
            referral = self.settle(
                session, tenant, judged, now=now, occasion=call.hook, encounter=call.encounter_id, once=True
            )
            quiet = quiet_reason(referral, judged.decision)
            if referral is not None and not quiet and _new_signer(call, referral):
                referral.requester, referral.requester_display = call.user, _name_of(call.user or "", tenant)
            with linked(session) as link:
                remember(link, tenant.id, call.token)
                if referral is not None and not quiet:
                    told = Told.by(referral)
                    face = face_of(call, told)
                    quiet = seen_before(link, call, told, face, now)
                    card = Offered(referral.id, referral.status is State.HELD, face)
                about = referral.id if referral else ""
                audit(session, _caller(call), f"hook.{call.hook}", **_noted(call, judged, about, quiet, now))
                if card is not None and not quiet:
                    keep_card(link, call, card, now)
        if referral is None or card is None or quiet:
            return self._quiet(judged.decision, quiet or "nothing to propose", referral.id if referral else None)
        return self._offer(tenant, referral, judged, card, now)

    def _offer(self, tenant: Tenant, referral: Referral, judged: Judged, card: Offered, now: datetime) -> Offer:
        """What is shown. Out of any transaction: nobody waits while the suggestion is made and checked."""
        return Offer(
            decision=self.explained(judged.decision),
            episode_id=referral.id,
            show=True,
            card_id=card.card_id,
            suggestion_id=card.suggestion_id,
            suggestion=self._suggested(tenant, referral, now) if referral.status is State.PROPOSED else (),
            app_context=card.handle,
            launch_url=self.launch_url,
            clinician_deadline=_local(referral.clinician_deadline, tenant),
            opt_out_deadline=_still_ahead(referral.patient_deadline, tenant, now),
        )

    def settle(
        self,
        session: Session,
        tenant: Tenant,
        judged: Judged,
        *,
        now: datetime,
        occasion: str,
        encounter: str | None = None,
        once: bool = False,
    ) -> Referral | None:
        """Open the referral once, or find the open one, and let the verdict move it.

        With `once` the same chart is assessed once in `SAME_LOOK`.
        `None` when there is nothing to open: not eligible, or closed and not yet to be offered again.
        """
        patient_id = judged.decision.assessment.snapshot.patient_id
        referral = Referrals(session, tenant.id).newest_of(patient_id)
        if referral is None or not referral.is_open:
            if isinstance(judged.decision, NoProposal) or not may_reoffer(referral, now, judged.decision.assessment):
                return None
            if referral is None and mark_of(session, tenant.id, patient_id).forbids(now):
                return None
            ordinal = Referrals(session, tenant.id).next_ordinal(patient_id)
            referral = self._open(session, tenant, judged, ordinal, encounter, now)
            if not referral.is_open:
                return None  # opened and closed by somebody else in this moment
        elif once and self._as_before(referral, judged, now):
            return referral
        if judged.person is not None:
            referral.person = self.sealer.seal(_kept(judged.person), f"referral/{referral.id}/person")
        if judged.decision.assessment.snapshot.deceased:
            self._departed(session, tenant, referral, now)
            return referral
        if not judged.decision.assessment.snapshot.record_active:
            self._record_lost(session, tenant, referral, now)
            return referral
        note_stay(referral, judged.decision.assessment.snapshot)
        referral.assessment_digest = judged.digest  # before it is written, so that it is written once
        judge(session, tenant, referral, judged.summary, now=now, occasion=occasion)
        self.predictions.keep(session, referral, judged.decision.assessment, now)
        return referral

    def _as_before(self, referral: Referral | Standing, judged: Judged, now: datetime) -> bool:
        """Whether this is the chart of a moment ago: then there is nothing to keep, and no reason to hold the lock.

        Not where a clearance is asked for or a release is past: there time and people change what the same chart means.
        """
        assessment = judged.decision.assessment
        if referral.status not in BEFORE_RELEASE or now - referral.assessed_at >= SAME_LOOK:
            return False
        snapshot = assessment.snapshot
        if asks_for_clearance(assessment) or snapshot.deceased or not snapshot.record_active:
            return False
        if judged.digest != referral.assessment_digest:
            return False
        sealed = referral.person and self.sealer.open(referral.person, f"referral/{referral.id}/person")
        return judged.person is None or sealed == _kept(judged.person)

    def _departed(self, session: Session, tenant: Tenant, referral: Referral, now: datetime) -> None:
        """The patient has died: every message and every work on the referral stops at once."""
        service, before = Actor.service(tenant.id), referral.status
        referral.move(Action.DEPART, State.DEPARTED, actor=service, at=now)
        referral.reason_code = "OO-DIED"
        withdraw(session, referral)
        Referrals(session, tenant.id).note(referral, "depart", actor=service, at=now, before=before, reason="OO-DIED")
        write_back_soon(session, referral, now)

    def _record_lost(self, session: Session, tenant: Tenant, referral: Referral, now: datetime) -> None:
        """The record was closed or merged into another: held, never ended, until it is known where the patient is."""
        if referral.held_by is None:
            service, before = Actor.service(tenant.id), referral.status
            referral.held_by = LOST_RECORD
            if before is not State.HELD:
                referral.move(Action.SUSPEND, State.HELD, actor=service, at=now)
            Referrals(session, tenant.id).note(
                referral, "ehr_hold", actor=service, at=now, before=before, by=LOST_RECORD
            )
            write_back_soon(session, referral, now)
        enqueue_for(session, referral, CHECK, now)

    def _open(
        self, session: Session, tenant: Tenant, judged: Judged, ordinal: int, encounter: str | None, now: datetime
    ) -> Referral:
        """A new episode; when another process opened it in the same moment, that one."""
        patient_id = judged.decision.assessment.snapshot.patient_id
        new = Referral(
            id=episode_id(tenant.id, patient_id, ordinal),
            tenant_id=tenant.id,
            patient_id=patient_id,
            ordinal=ordinal,
            state=State.IDENTIFIED.value,
            is_open=True,
            version=0,
            opened_at=now,
            state_since=now,
            assessed_at=now,
            verdict=judged.summary["verdict"],
            tier=judged.summary["tier"],
            destination=judged.summary["destination"],
            prescription_released=False,
            summary=judged.summary,
            encounter=encounter,
            requester=tenant.responsible_clinician.reference,
            requester_display=tenant.responsible_clinician.display,
            cleared_rules=[],
            inpatient=False,
            offers=0,
        )
        try:
            with session.begin_nested():
                session.add(new)
        except IntegrityError:
            # On PostgreSQL the other may have come between our look and our number: ask for theirs, not for ours.
            found = Referrals(session, tenant.id).newest_of(patient_id)
            if found is None:
                raise
            return found
        return new

    def _suggested(self, tenant: Tenant, referral: Referral, now: datetime) -> tuple[dict[str, Any], ...]:
        earlier = None
        if referral.ordinal > 1:  # a first offer replaces nothing, and costs no look
            with self.sessions() as session:
                earlier = Referrals(session, tenant.id).earlier_request(referral)
        facts = facts_of(tenant, referral, self.sealer, now=now, replaces=earlier)
        return suggestion(facts, with_prescription=referral.prescription_released)

    def _quiet(self, decision: Decision, reason: str, episode_id: UUID | None = None) -> Offer:
        return Offer(
            decision=decision,
            episode_id=episode_id,
            show=False,
            card_id=uuid4(),
            suggestion_id=uuid4(),
            quiet_reason=reason,
        )


def _new_signer(call: HookCall, referral: Referral | Standing) -> bool:
    """Whether a clinician looks who is not yet the one that the referral would be signed by."""
    clinician = call.user is not None and call.user.startswith(PRACTITIONERS)
    return clinician and referral.status is State.PROPOSED and call.user != referral.requester


def _caller(call: HookCall) -> Actor:
    return Actor(call.tenant_id, Role.CLINICIAN, call.user or "")


def _noted(call: HookCall, judged: Judged, about: UUID | str, quiet: str, now: datetime) -> dict[str, Any]:
    """What the audit says of a call."""
    return {
        "at": now,
        "patient_id": call.patient_id,
        "subject": about,
        "hook_instance": call.hook_instance,
        "verdict": judged.decision.assessment.verdict.value,
        "quiet": quiet,
    }


def _name_of(reference: str, tenant: Tenant) -> str:
    """The name under which the tenant's settings know somebody; "" for everybody else, never another's name."""
    known = (tenant.responsible_clinician, tenant.on_call, *tenant.navigators.values())
    return next((person.display for person in known if person.reference == reference), "")


def _still_ahead(moment: datetime | None, tenant: Tenant, now: datetime) -> datetime | None:
    """The day on a card; none for a window that was over when a hold came in between."""
    return _local(moment, tenant) if moment is not None and moment > now else None


def _local(moment: datetime | None, tenant: Tenant) -> datetime | None:
    return moment.astimezone(tenant.zone) if moment else None


def _kept(person: Person) -> dict[str, Any]:
    return {
        "name": person.name or "",
        "birth_date": str(person.birth_date or ""),
        "sex": person.sex or "",
        "identifier": person.identifier or "",
        "language": person.language or "",
        "phone": person.phone or "",
        "email": person.email or "",
        "interpreter": bool(person.interpreter),
        "address": list(person.address),
    }
