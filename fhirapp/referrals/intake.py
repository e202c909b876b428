"""The whole road in one place: a chart comes in, an open referral or the reason why not comes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final, Protocol
from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cds_hooks.ports import HookCall, Offer
from fhirapp.audit import audit
from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.predictions import Predictions
from fhirapp.referrals.card_memory import face_of, seen_before
from fhirapp.referrals.cards import Card
from fhirapp.referrals.dispatching import advise
from fhirapp.referrals.facts import facts_of
from fhirapp.referrals.judging import CHECK, LOST_RECORD, enqueue_for, judge, write_back_soon
from fhirapp.referrals.reasons import overridden
from fhirapp.referrals.referral import Actor, Referral, rules_to_clear
from fhirapp.referrals.status import BEFORE_RELEASE, Action, Role, State
from fhirapp.referrals.store import Referrals
from fhirapp.retention.marks import mark_of
from fhirapp.tenants import Tenant, Tenants
from mappings.bundle import Chart
from mappings.canonical import episode_id
from mappings.from_fhir.person import Person, person_from
from mappings.from_fhir.snapshot import snapshot_from
from mappings.to_fhir.suggestion import suggestion
from models.decision import Decision, Estimate, NoProposal, Proposal
from models.proposal import decide
from models.snapshot import PatientSnapshot
from models.summary import summary

SAME_LOOK: Final = timedelta(minutes=30)  # an EHR fires at each reload; one assessment of the same chart is enough
QUIET_STATES: Final = frozenset(State) - BEFORE_RELEASE
PRACTITIONERS: Final = ("Practitioner/", "PractitionerRole/")


class Estimators(Protocol):
    """The two models, and the reasons behind an estimate when somebody will see them."""

    def risk(self, snapshot: PatientSnapshot) -> Estimate | None: ...
    def adherence(self, snapshot: PatientSnapshot) -> Estimate | None: ...
    def with_drivers(self, estimate: Estimate, snapshot: PatientSnapshot) -> Estimate: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision on a chart, and what of the person is needed beside it."""

    decision: Decision
    summary: dict[str, Any]
    person: Person | None


@dataclass(frozen=True, slots=True)
class Intake:
    """Every door leads here: hooks, the app's page, the worker. Satisfies `cds_hooks.ports.Intake`."""

    sessions: Sessions
    tenants: Tenants
    estimators: Estimators
    sealer: Sealer
    launch_url: str
    predictions: Predictions

    def decide_on(self, tenant: Tenant, chart: Chart, unread: Iterable[str], *, now: datetime) -> Judged:
        """The decision on a chart; nothing is stored."""
        as_of = now.astimezone(tenant.zone)
        if tenant.concept_map is not None:
            tenant.concept_map.apply(chart)
        snapshot = snapshot_from(chart, as_of=as_of, unread=unread)
        decision = decide(snapshot, self.estimators, tenant.policy)
        return Judged(decision, summary(decision), person_from(chart))

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
            return self._quiet(judged.decision, "dry run")
        signer = call.user if call.user and call.user.startswith(PRACTITIONERS) else None
        card_id, suggestion_id, handle = uuid4(), uuid4(), token_urlsafe(32)
        with self.sessions.begin() as session:
            referral = self.settle(
                session, tenant, judged, now=now, occasion=call.hook, encounter=call.encounter_id, once=True
            )
            actor = Actor(tenant.id, Role.CLINICIAN, call.user or "")
            quiet, face = _quiet_reason(referral, judged.decision), ""
            if referral is not None and not quiet:
                face = face_of(call, referral)
                quiet = seen_before(session, call, referral, face, now)
            audit(
                session, actor, f"hook.{call.hook}", at=now, patient_id=call.patient_id,
                subject=referral.id if referral else "", hook_instance=call.hook_instance,
                verdict=judged.summary["verdict"], quiet=quiet,
            )  # fmt: skip
            if referral is None or quiet:
                return self._quiet(judged.decision, quiet or "nothing to propose", referral)
            if signer and referral.status is State.PROPOSED and signer != referral.requester:
                referral.requester, referral.requester_display = signer, _name_of(signer, tenant)
            session.add(
                Card(
                    id=card_id,
                    tenant_id=tenant.id,
                    referral_id=referral.id,
                    suggestion_id=suggestion_id,
                    hook=call.hook,
                    service_id=call.service_id,
                    hook_instance=call.hook_instance,
                    user=call.user,
                    at=now,
                    warned=referral.status is State.HELD,
                    handle_hash=handle_hash(handle),
                    face=face,
                )
            )
        # Out of the transaction: nothing that others wait for is locked while the suggestion is made and checked.
        resources = self._suggested(tenant, referral, now) if referral.status is State.PROPOSED else ()
        return Offer(
            decision=self.explained(judged.decision),
            episode_id=referral.id,
            show=True,
            card_id=card_id,
            suggestion_id=suggestion_id,
            suggestion=resources,
            app_context=handle,
            launch_url=self.launch_url,
            clinician_deadline=_local(referral.clinician_deadline, tenant),
            opt_out_deadline=_local(referral.patient_deadline, tenant),
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
            if isinstance(judged.decision, NoProposal) or not may_reoffer(referral, now, judged.summary["phase"]):
                return None
            if referral is None and mark_of(session, tenant.id, patient_id).forbids(now):
                return None
            ordinal = Referrals(session, tenant.id).next_ordinal(patient_id)
            referral = self._open(session, tenant, judged, ordinal, encounter, now)
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
        judge(session, tenant, referral, judged.summary, now=now, occasion=occasion)
        self.predictions.keep(session, referral, judged.decision.assessment, now)
        return referral

    def _as_before(self, referral: Referral, judged: Judged, now: datetime) -> bool:
        """Whether this is the chart of a moment ago: then there is nothing to keep, and no reason to hold the lock.

        Not where a clearance is asked for or a release is past: there time and people change what the same chart means.
        """
        if referral.status not in BEFORE_RELEASE or now - referral.assessed_at >= SAME_LOOK:
            return False
        if rules_to_clear(judged.summary) or judged.decision.assessment.snapshot.deceased:
            return False
        if judged.summary | {"as_of": ""} != referral.summary | {"as_of": ""}:
            return False
        sealed = referral.person and self.sealer.open(referral.person, f"referral/{referral.id}/person")
        return judged.person is None or sealed == _kept(judged.person)

    def _departed(self, session: Session, tenant: Tenant, referral: Referral, now: datetime) -> None:
        """The patient has died: every message and every work on the referral stops at once."""
        service, before = Actor.service(tenant.id), referral.status
        referral.move(Action.DEPART, State.DEPARTED, actor=service, at=now)
        referral.reason_code = "OO-DIED"
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
            offers=0,
        )
        try:
            with session.begin_nested():
                session.add(new)
        except IntegrityError:
            return Referrals(session, tenant.id).lock(episode_id(tenant.id, patient_id, ordinal))
        return new

    def _suggested(self, tenant: Tenant, referral: Referral, now: datetime) -> tuple[dict[str, Any], ...]:
        facts = facts_of(tenant, referral, self.sealer, now=now)
        return suggestion(facts, with_prescription=referral.prescription_released)

    def _quiet(self, decision: Decision, reason: str, referral: Referral | None = None) -> Offer:
        return Offer(
            decision=decision,
            episode_id=referral.id if referral else None,
            show=False,
            card_id=uuid4(),
            suggestion_id=uuid4(),
            quiet_reason=reason,
        )


def may_reoffer(closed: Referral | None, now: datetime, phase: str = "") -> bool:
    """Whether a new offer may be opened: there was none, its day has come, or treatment has reached a new phase."""
    if closed is None or closed.status is State.INELIGIBLE:
        return True
    if overridden(closed.reason_code, closed.state_since, str(closed.summary.get("phase") or ""), phase, now):
        return True
    return closed.reoffer_at is not None and now >= closed.reoffer_at


def _quiet_reason(referral: Referral | None, decision: Decision) -> str:
    if isinstance(decision, NoProposal):
        return "not eligible"
    if referral is None:
        return "said no before"
    if referral.status in QUIET_STATES:
        return f"already {referral.state}"
    assert isinstance(decision, Proposal)  # noqa: S101 - for the type checker
    return ""


def handle_hash(handle: str) -> str:
    """What is stored of an appContext handle."""
    return sha256(handle.encode()).hexdigest()


def _name_of(reference: str, tenant: Tenant) -> str:
    """The name under which the tenant's settings know somebody; "" for everybody else, never another's name."""
    known = (tenant.responsible_clinician, tenant.on_call, *tenant.navigators.values())
    return next((person.display for person in known if person.reference == reference), "")


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
