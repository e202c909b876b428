"""Brings the EHR to what a referral's state means: however often it runs, each resource is there once.

A pass reads the referral, compares the FHIR table with what is known to be in the EHR, and creates or updates what
differs: all that is new in one transaction where the EHR offers it, else one resource at a time, remembering each
before it goes on. A crash between two writes costs a repetition, never a duplicate: a create is announced in the
database first, looked for by its business identifier, and conditional where the EHR offers that. A change that comes
in the middle (an opt-out) starts another pass. Nothing is ever deleted: what must not stand is revoked, cancelled or
entered in error. Source: standards.md WB-1 to WB-10; docs/decisions/0007-write-back-converges.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.ehr.capabilities import Capabilities
from fhirapp.ehr.client import EhrClient, Stored
from fhirapp.ehr.errors import EhrConflict, EhrError, EhrRefused, EhrUnavailable
from fhirapp.jobs.table import LEASE
from fhirapp.referrals.fhir_status import SERVICE_REQUEST, Wanted
from fhirapp.referrals.referral import ACCEPTED, EhrResource
from fhirapp.tenants import Tenants
from fhirapp.write_back.beside import is_left, steps_beside, type_beside
from fhirapp.write_back.building import new_resource
from fhirapp.write_back.change import Changes, Ears
from fhirapp.write_back.errors import WriteBackUnfinished
from fhirapp.write_back.memory import Memory, Overtaken
from fhirapp.write_back.origins import CREATE, UPDATE, Origins
from fhirapp.write_back.together import Together
from fhirapp.write_back.work import Work, mark_of, type_of
from mappings.canonical import RESOURCE_IDENTIFIER

log = logging.getLogger("stride.write_back")

THEIRS_TAKES: Final = timedelta(hours=1)
MAX_PASSES: Final = 5


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Writes for every door: the worker with a system token, the app's page with the clinician's."""

    sessions: Sessions
    tenants: Tenants
    sealer: Sealer
    clock: Callable[[], datetime]
    ears: Ears | None = None
    capabilities: Capabilities | None = None

    @property
    def _memory(self) -> Memory:
        return Memory(self.sessions, self.sealer, self.clock)

    def converge(self, tenant_id: str, referral_id: UUID, ehr: EhrClient, *, beside: bool = True) -> int:
        """Bring the EHR to the referral's state; returns the referral's version that is now there.

        Without `beside` (a person's own access seldom reaches so far) what is written beside the referral is left to
        the worker.

        Raises an `EhrError`; what was written by then is remembered. Raises `WriteBackUnfinished` when an earlier
        create may still be under way. What only a person can decide is kept as a conflict and holds nothing else up.
        """
        capabilities = self.capabilities or Capabilities(self.sessions, self.clock)
        memory, capability = self._memory, capabilities.learn(tenant_id, ehr)
        for _ in range(MAX_PASSES):
            work = memory.begin(self.tenants[tenant_id], referral_id, capability)
            try:
                _Pass(work, ehr, memory, self.ears, beside).run()
            except Overtaken:
                continue
            if memory.version(work) == work.referral.version:
                return work.referral.version
        raise WriteBackUnfinished("the referral keeps changing")


@dataclass(slots=True)
class _Pass:
    """One comparison of the table with the EHR, and what follows from it."""

    work: Work
    ehr: EhrClient
    memory: Memory
    ears: Ears | None
    beside: bool = True

    def run(self) -> None:
        """Create, change, and tell where it came from; a refusal of one resource does not keep back the others."""
        fresh = self._create_together()
        refused: EhrRefused | None = None
        for kind, wanted in self.work.steps():
            try:
                fresh += self._bring(kind, wanted)
            except EhrRefused as error:
                refused = refused or error
                if kind == SERVICE_REQUEST:
                    break  # everything else hangs on it
        self._origins.tell(self.work, self.ehr, fresh=fresh)
        self._bring_beside()
        if refused is not None:
            raise refused

    def _bring_beside(self) -> None:
        """Holds and notices. What the EHR refuses of them is remembered, and nobody is called for it."""
        steps = steps_beside(self.work, self.memory.clock())
        if not self.beside:
            if any(is_left(kind, wanted, self.work.known.get(kind)) for kind, wanted in steps):
                self.memory.again(self.work)
            return
        for kind, wanted in list(steps):
            try:
                self._bring(kind, wanted)
            except EhrUnavailable:
                raise
            except EhrError as error:
                log.warning("tenant %s: the EHR takes no %s: %s", self.work.tenant.id, type_of(kind), error)
                self.memory.refused(self.work, kind)

    @property
    def _origins(self) -> Origins:
        return Origins(self.memory)

    @property
    def _changes(self) -> Changes:
        return Changes(self.work, self.ehr, self.memory, self.ears)

    # ------------------------------------------------------------ all at once

    def _create_together(self) -> list[str]:
        """Create in one transaction what nobody has begun to create; the rows of origins that are new with it."""
        work, together = self.work, Together(self.memory, self._origins)
        new = {kind: wanted for kind, wanted in work.steps() if wanted.create and kind not in work.known}
        if self.beside and new:
            for kind, wanted in steps_beside(work, self.memory.clock(), request_comes=SERVICE_REQUEST in new):
                if wanted.create and kind not in work.known:
                    new[kind] = wanted
        if not together.offered(work) or len(new) < 2 or not self._request_at_hand(new):
            return []
        fresh: list[str] = []
        for kind in [kind for kind in new if self._must_look_first(kind)]:
            if self._find(kind) is not None:
                fresh += self._bring(kind, new.pop(kind))
        return fresh + (together.create(work, new, self.ehr) if len(new) > 1 else [])

    def _request_at_hand(self, new: dict[str, Wanted]) -> bool:
        return SERVICE_REQUEST in new or self.work.reference(SERVICE_REQUEST) is not None

    def _must_look_first(self, kind: str) -> bool:
        """The server looks by itself where it creates conditionally; an accepted suggestion may not be there yet."""
        theirs = kind == SERVICE_REQUEST and self.work.referral.signed_by == ACCEPTED
        if theirs and self._find(kind) is None:
            self._wait_for_theirs(kind)
        return theirs or not self.work.capability.creates_once(type_of(kind))

    # ------------------------------------------------------------ one by one

    def _bring(self, kind: str, wanted: Wanted) -> list[str]:
        """One resource to its status; the rows of origins that were announced for it."""
        work, row = self.work, self.work.known.get(kind)
        if row is not None and row.reference is not None:
            if row.status == mark_of(wanted, kind):
                return []
            return self._updated(kind, wanted, self._changes.read(kind, wanted, row))
        found = self._find(kind) if self._may_be_there(kind, row, wanted) else None
        if found is None and row is not None:
            if self.memory.clock() - row.written_at < LEASE:
                raise WriteBackUnfinished("a create may still be under way")
            self.memory.forget(work, kind)
        if found is not None:
            return self._updated(kind, wanted, found)
        return self._created(kind, wanted) if wanted.create and self._hangs_on_something(kind) else []

    def _may_be_there(self, kind: str, row: EhrResource | None, wanted: Wanted) -> bool:
        if row is not None or wanted.create or kind == SERVICE_REQUEST:
            return True
        return self.work.reference(SERVICE_REQUEST) is not None  # else nothing of this referral was ever in the EHR

    def _hangs_on_something(self, kind: str) -> bool:
        """Nothing is created beside a ServiceRequest that this EHR does not let us create."""
        if kind == SERVICE_REQUEST or type_beside(kind):
            return True
        return self.work.reference(SERVICE_REQUEST) is not None

    def _wait_for_theirs(self, kind: str) -> None:
        """An accepted suggestion is the EHR's to carry out: its ServiceRequest may not be searchable yet.

        Raises `WriteBackUnfinished` for an hour after the acceptance; then it was not carried out, and so that nothing
        is lost the referral is written like any other.
        """
        referral = self.work.referral
        accepted = referral.signed_by == ACCEPTED and referral.signed_at
        if kind == SERVICE_REQUEST and accepted and self.memory.clock() - accepted < THEIRS_TAKES:
            raise WriteBackUnfinished("the record system has not shown yet what it made from our suggestion")

    def _find(self, kind: str) -> Stored | None:
        """Look for it by its business identifier: an EHR may have made it from our suggestion, or a worker died."""
        work, resource_type = self.work, type_of(kind)
        searchable = not work.capability.known or resource_type in work.capability.search_identifier
        hits = self.ehr.find_all(
            resource_type,
            RESOURCE_IDENTIFIER,
            work.identifier(kind),
            patient=None if searchable else work.referral.patient_id,
        )
        return self._changes.only_one(kind, hits)

    def _created(self, kind: str, wanted: Wanted) -> list[str]:
        self._wait_for_theirs(kind)
        resource = new_resource(self.work, kind, wanted, self.memory.sealer)
        if resource is None:
            return []
        conditional = self.work.capability.creates_once(type_of(kind))
        notes = self._origins.announced(self.work, CREATE, [kind])
        fresh = [row for row in notes if row not in self.work.known]
        self.memory.announce(self.work, [kind, *notes], notes=notes)
        self._changes.update(kind, wanted, self._create(kind, resource, conditional=conditional))
        return fresh

    def _create(self, kind: str, resource: dict[str, Any], *, conditional: bool) -> Stored:
        """Create it, after a look that found nothing. A refusal has done nothing, and nothing is remembered of it."""
        try:
            stored = self.ehr.create(resource, conditional=conditional)
        except EhrRefused:
            self.memory.forget(self.work, kind)
            raise
        except EhrConflict:  # somebody was quicker, or several that are void carry the identifier still
            return self._find(kind) or self.ehr.create(resource, conditional=False)
        # Without a condition somebody may have been quicker between our look and our create (WB-4).
        return stored if conditional else self._find(kind) or stored

    def _updated(self, kind: str, wanted: Wanted, stored: Stored | None) -> list[str]:
        """Change it where it differs, and announce that the change is told."""
        if stored is None:
            return []
        if not self._changes.needed(kind, wanted, stored):
            self._changes.update(kind, wanted, stored)
            return []
        notes = self._origins.announced(self.work, UPDATE, [kind])
        fresh = [row for row in notes if row not in self.work.known]
        if notes:
            self.memory.announce(self.work, notes, notes=notes)
        self._changes.update(kind, wanted, stored)
        return fresh
