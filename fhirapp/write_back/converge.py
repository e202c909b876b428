"""Brings the EHR to what a referral's state means: however often it runs, each resource is there once.

A pass reads the referral, compares the FHIR table with what is known to be in the EHR, and creates or updates one
resource at a time, remembering each before it goes on. A crash between two writes costs a repetition, never a
duplicate: a create is announced in the database first, looked for by its business identifier, and conditional.
A change that comes in the middle (an opt-out) starts another pass. Source: standards.md WB-3 to WB-7, WB-10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import sqlalchemy as sa

from fhirapp.audit import audit
from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.ehr.client import EhrClient, Stored
from fhirapp.ehr.errors import EhrConflict, EhrMissing, EhrUnavailable
from fhirapp.i18n import gettext_for
from fhirapp.jobs.table import LEASE
from fhirapp.referrals.facts import facts_of
from fhirapp.referrals.fhir_status import (
    CARE_PLAN,
    FHIR,
    FULFILMENT_TASK,
    GOALS,
    NAVIGATOR_TASK,
    PRESCRIPTION_KINDS,
    SERVICE_REQUEST,
    Wanted,
    programme_task,
)
from fhirapp.referrals.notices import person_of
from fhirapp.referrals.referral import ACCEPTED, Actor, EhrResource, Referral
from fhirapp.referrals.status import LABELS
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant, Tenants
from mappings.canonical import RESOURCE_IDENTIFIER, resource_identifier
from mappings.to_fhir.care_plan import care_plan
from mappings.to_fhir.changes import with_status
from mappings.to_fhir.facts import Ref, ReferralFacts
from mappings.to_fhir.goal import goal
from mappings.to_fhir.service_request import service_request
from mappings.to_fhir.task import fulfilment_task, navigator_task
from mappings.to_fhir.validate import checked, checked_change
from models.text import N_

TYPES: Final[Mapping[str, str]] = {
    SERVICE_REQUEST: "ServiceRequest",
    NAVIGATOR_TASK: "Task",
    FULFILMENT_TASK: "Task",
    CARE_PLAN: "CarePlan",
    **dict.fromkeys(GOALS, "Goal"),
}
ORDER: Final = (SERVICE_REQUEST, *GOALS, CARE_PLAN, NAVIGATOR_TASK, FULFILMENT_TASK)
ENDED: Final = frozenset({"rejected", "completed", "failed", "cancelled", "entered-in-error"})
ASKED_ELSEWHERE: Final = N_("Another programme was asked")
THEIRS_TAKES: Final = timedelta(hours=1)
MAX_PASSES: Final = 5
MAX_CONFLICTS: Final = 3


class WriteBackUnfinished(EhrUnavailable):
    """Something is still under way; another pass will see it."""


class _Overtaken(Exception):
    """The referral changed in the middle of a pass."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """What one pass works from: the referral as it was when the pass began."""

    tenant: Tenant
    referral: Referral
    facts: ReferralFacts
    known: dict[str, EhrResource]

    @property
    def wanted(self) -> Mapping[str, Wanted]:
        return FHIR[self.referral.status]

    def reference(self, kind: str) -> str | None:
        row = self.known.get(kind)
        return row.reference if row else None


class Ears(Protocol):
    """Who is asked before something is changed that somebody else has changed: `closed_loop.hearing.Hearing`."""

    def hear(self, tenant_id: str, referral_id: UUID, kind: str, stored: Stored, *, writing: bool = False) -> str:
        """ "moved": the referral has followed what was done there; "keep": leave it; else it is ours to write."""


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Writes for every door: the worker with a system token, the app's page with the clinician's."""

    sessions: Sessions
    tenants: Tenants
    sealer: Sealer
    clock: Callable[[], datetime]
    ears: Ears | None = None

    def converge(self, tenant_id: str, referral_id: UUID, ehr: EhrClient) -> int:
        """Bring the EHR to the referral's state; returns the referral's version that is now there.

        Raises an `EhrError`; what was written by then is remembered. Raises `WriteBackUnfinished` when an earlier
        create may still be under way.
        """
        for _ in range(MAX_PASSES):
            work = self._begin(tenant_id, referral_id)
            try:
                for kind, wanted in self._steps(work):
                    self._bring(work, kind, wanted, ehr)
            except _Overtaken:
                continue
            if self._version(tenant_id, referral_id) == work.referral.version:
                return work.referral.version
        raise WriteBackUnfinished("the referral keeps changing")

    def _begin(self, tenant_id: str, referral_id: UUID) -> _Pass:
        tenant = self.tenants[tenant_id]
        with self.sessions() as session:
            store = Referrals(session, tenant_id)
            referral = store.get(referral_id)
            facts = facts_of(tenant, referral, self.sealer, now=self.clock())
            return _Pass(tenant, referral, facts, store.resources(referral_id))

    def _version(self, tenant_id: str, referral_id: UUID) -> int:
        with self.sessions() as session:
            return Referrals(session, tenant_id).get(referral_id).version

    def _steps(self, work: _Pass) -> Iterator[tuple[str, Wanted]]:
        """Each resource that should be in a certain status, in an order in which references resolve."""
        for kind in ORDER:
            wanted = work.wanted.get(kind)
            if wanted is None:
                continue
            if kind in PRESCRIPTION_KINDS and wanted.create and not work.referral.prescription_released:
                wanted = Wanted(wanted.status, create=False, business_status=wanted.business_status)
            if kind == FULFILMENT_TASK:
                yield from self._fulfilment(work, wanted)
                continue
            yield kind, wanted

    def _fulfilment(self, work: _Pass, wanted: Wanted) -> Iterator[tuple[str, Wanted]]:
        """The Task of the programme asked last; one that still waits for an earlier programme is taken back."""
        newest = work.referral.offers
        for number in range(1, newest):
            kind = f"{FULFILMENT_TASK}-{number}"
            row = work.known.get(kind)
            if row is not None and row.status.split("|")[0] not in ENDED:
                yield kind, Wanted("cancelled", business_status=ASKED_ELSEWHERE)
        if newest:
            row = work.known.get(kind := f"{FULFILMENT_TASK}-{newest}")
            reachable = programme_task(row.status.split("|")[0] if row is not None else "", wanted)
            if reachable is not None:
                yield kind, reachable

    def _bring(self, work: _Pass, kind: str, wanted: Wanted, ehr: EhrClient) -> None:
        row = work.known.get(kind)
        words = str(wanted.business_status or "")
        if row is not None and row.reference is not None:
            if row.status != _mark(wanted, kind):
                self._update(work, kind, wanted, words, ehr, self._read_again(work, kind, row, ehr))
            return
        found = self._find(work, kind, row, wanted, ehr)
        if found is None and wanted.create:
            self._wait_for_theirs(work, kind)
            found = self._create(work, kind, wanted, words, ehr)
        if found is not None:
            self._update(work, kind, wanted, words, ehr, found)

    def _wait_for_theirs(self, work: _Pass, kind: str) -> None:
        """An accepted suggestion is the EHR's to carry out: its ServiceRequest may not be searchable yet.

        Raises `WriteBackUnfinished` for an hour after the acceptance; then it was not carried out, and so that nothing
        is lost the referral is written like any other.
        """
        accepted = work.referral.signed_by == ACCEPTED and work.referral.signed_at
        if kind == SERVICE_REQUEST and accepted and self.clock() - accepted < THEIRS_TAKES:
            raise WriteBackUnfinished("the record system has not shown yet what it made from our suggestion")

    def _find(self, work: _Pass, kind: str, row: EhrResource | None, wanted: Wanted, ehr: EhrClient) -> Stored | None:
        """Look for it by its business identifier: an EHR may have made it from our suggestion, or a worker died."""
        if row is None and not wanted.create and kind != SERVICE_REQUEST and work.reference(SERVICE_REQUEST) is None:
            return None  # nothing of this referral was ever in the EHR
        value = resource_identifier(work.tenant.id, work.referral.identity, work.referral.id, kind)
        found = ehr.find(_type(kind), RESOURCE_IDENTIFIER, value)
        if found is None and row is not None:
            if self.clock() - row.written_at < LEASE:
                raise WriteBackUnfinished("a create may still be under way")
            self._forget(work, kind)
        return found

    def _create(self, work: _Pass, kind: str, wanted: Wanted, words: str, ehr: EhrClient) -> Stored | None:
        # A programme's Task SHALL be released as "requested" first (standards.md 3.9); the update comes right after.
        first = Wanted("requested", business_status=wanted.business_status) if kind not in TYPES else wanted
        built = self._built(work, kind, first, words)
        if built is None:
            return None
        resource = checked(built)
        self._announce(work, kind)
        return ehr.create(resource)

    def _update(self, work: _Pass, kind: str, wanted: Wanted, words: str, ehr: EhrClient, stored: Stored) -> None:
        """Bring a resource that is in the EHR to its status, leaving all else in it as it is."""
        for _ in range(MAX_CONFLICTS):
            if not _differs(stored.resource, wanted, words, kind) or self._theirs(work, kind, stored):
                break
            changed = with_status(
                kind,
                stored.resource,
                wanted.status,
                reason=work.referral.reason_code or str(LABELS[work.referral.status]),
                business_status=words or None,
            )
            try:
                stored = ehr.update(stored, checked_change(stored.resource, changed))
                break
            except EhrConflict:
                stored = ehr.read(stored.reference)
        else:
            raise WriteBackUnfinished(f"{_type(kind)} keeps changing in the EHR")
        self._remember(work, kind, _mark(wanted, kind), stored)

    def _theirs(self, work: _Pass, kind: str, stored: Stored) -> bool:
        """Whether somebody else's word stands there and stays; raises `_Overtaken` when the referral followed it."""
        heard = self.ears.hear(work.tenant.id, work.referral.id, kind, stored, writing=True) if self.ears else ""
        if heard == "moved":
            raise _Overtaken
        return heard == "keep"

    def _read_again(self, work: _Pass, kind: str, row: EhrResource, ehr: EhrClient) -> Stored:
        try:
            return ehr.read(str(row.reference))
        except EhrMissing:
            self._forget(work, kind)
            raise WriteBackUnfinished(f"{_type(kind)} is no longer in the EHR") from None

    def _built(self, work: _Pass, kind: str, wanted: Wanted, words: str) -> dict[str, Any] | None:
        """The new resource; `None` where the prescription has nothing for it (no strength work, no strength goal)."""
        request = work.reference(SERVICE_REQUEST) or ""
        if kind == SERVICE_REQUEST:
            return service_request(work.facts, wanted.status)
        if kind in GOALS:
            return goal(work.facts, kind, wanted.status)
        if kind == CARE_PLAN:
            aims = [reference for aim in GOALS if (reference := work.reference(aim))]
            language = person_of(work.referral, self.sealer).get("language") or work.tenant.language
            return care_plan(work.facts, wanted.status, request, aims, gettext=gettext_for(language))
        if kind == NAVIGATOR_TASK:
            return navigator_task(work.facts, wanted.status, words, request)
        site = work.tenant.programme(work.referral.programme or "")
        if site is None:
            raise WriteBackUnfinished("the programme is no longer on file")
        owner = Ref(site.organization, site.name)
        attempt = work.referral.offers
        return fulfilment_task(
            work.facts, wanted.status, request, owner, attempt, part_of=work.reference(NAVIGATOR_TASK)
        )

    # ------------------------------------------------------------ memory

    def _announce(self, work: _Pass, kind: str) -> None:
        """Say in the database that a create begins, unless the referral has changed meanwhile."""
        with self.sessions.begin() as session:
            referral = Referrals(session, work.tenant.id).lock(work.referral.id)
            if referral.version != work.referral.version:
                raise _Overtaken
            row = self._row(session, work, kind)
            row.written_at = self.clock()
            session.flush()
            work.known[kind] = row

    def _remember(self, work: _Pass, kind: str, mark: str, stored: Stored) -> None:
        with self.sessions.begin() as session:
            row = self._row(session, work, kind)
            row.reference, row.version_id = stored.reference, stored.version_id
            row.status, row.written_at = mark, self.clock()
            audit(
                session, Actor.service(work.tenant.id), "ehr.write", at=row.written_at,
                patient_id=work.referral.patient_id, subject=stored.reference, status=mark,
            )  # fmt: skip
            session.flush()
            work.known[kind] = row

    def _forget(self, work: _Pass, kind: str) -> None:
        with self.sessions.begin() as session:
            session.execute(
                sa.delete(EhrResource).where(
                    EhrResource.tenant_id == work.tenant.id,
                    EhrResource.referral_id == work.referral.id,
                    EhrResource.kind == kind,
                )
            )
        work.known.pop(kind, None)

    def _row(self, session: Any, work: _Pass, kind: str) -> EhrResource:
        row = Referrals(session, work.tenant.id).resources(work.referral.id).get(kind)
        if row is None:
            row = EhrResource(
                tenant_id=work.tenant.id,
                referral_id=work.referral.id,
                kind=kind,
                reference=None,
                version_id=None,
                status="",
                written_at=self.clock(),
            )
            session.add(row)
        return row


def _type(kind: str) -> str:
    return TYPES.get(kind, "Task")  # "fulfilment-task-2"


def _mark(wanted: Wanted, kind: str) -> str:
    """What is remembered as written: the status, and for a Task what it says to people."""
    return f"{wanted.status}|{wanted.business_status}" if _type(kind) == "Task" else wanted.status


def _differs(resource: Mapping[str, Any], wanted: Wanted, words: str, kind: str) -> bool:
    status = resource.get("lifecycleStatus" if _type(kind) == "Goal" else "status")
    if status != wanted.status:
        return True
    return _type(kind) == "Task" and resource.get("businessStatus", {}).get("text") != words
