"""Changing a resource that is in the EHR: nothing but its status, never over somebody else's decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from fhirapp.ehr.client import EhrClient, Stored
from fhirapp.ehr.errors import EhrConflict, EhrMissing, EhrRefused
from fhirapp.referrals.fhir_status import Wanted
from fhirapp.referrals.referral import EhrResource
from fhirapp.referrals.status import LABELS
from fhirapp.write_back.beside import changed_beside, type_beside
from fhirapp.write_back.building import new_resource
from fhirapp.write_back.conflicts import CHANGED, GONE, OURS, REFUSED, SEVERAL, THEIRS
from fhirapp.write_back.errors import WriteBackUnfinished
from fhirapp.write_back.memory import Memory, Overtaken
from fhirapp.write_back.merge import VOID, Verdict, verdict_on
from fhirapp.write_back.work import RISK, Work, differs, mark_of, status_of, type_of
from mappings.errors import InvalidResource
from mappings.to_fhir.changes import with_status
from mappings.to_fhir.validate import checked_change

Json = dict[str, Any]

MAX_CONFLICTS: Final = 3
_DELETED: Final = "deleted"


class Ears(Protocol):
    """Who is asked before something is changed that somebody else has changed: `closed_loop.hearing.Hearing`."""

    def hear(self, tenant_id: str, referral_id: UUID, kind: str, stored: Stored, *, writing: bool = False) -> str:
        """ "moved": the referral has followed what was done there; "keep": leave it; else it is ours to write."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Reads again, merges, and keeps for a person what cannot be merged (WB-6, WB-7)."""

    work: Work
    ehr: EhrClient
    memory: Memory
    ears: Ears | None = None

    def needed(self, kind: str, wanted: Wanted, stored: Stored) -> bool:
        """Whether a change may have to be written now."""
        return differs(stored.resource, wanted, kind) and self._verdict(kind, wanted, stored) is Verdict.WRITE

    def update(self, kind: str, wanted: Wanted, stored: Stored) -> None:
        """Bring it to its status, leaving all else in it as it is; or keep the disagreement."""
        for _ in range(MAX_CONFLICTS):
            if not differs(stored.resource, wanted, kind) or self._theirs(kind, stored):
                break
            verdict = self._verdict(kind, wanted, stored)
            if verdict is Verdict.ASK:
                self._disagree(kind, CHANGED, wanted, stored)
                return
            if verdict is Verdict.LEAVE:
                break
            try:
                stored = self._write(kind, wanted, stored)
                break
            except EhrConflict:
                stored = self.ehr.read(stored.reference)
            except EhrRefused:
                self._disagree(kind, REFUSED, wanted, stored)
                raise
        else:
            raise WriteBackUnfinished(f"{type_of(kind)} keeps changing in the EHR")
        self.memory.remember(self.work, kind, mark_of(wanted, kind), stored)

    def read(self, kind: str, wanted: Wanted, row: EhrResource) -> Stored | None:
        """What we wrote, as it is now; `None` where it was deleted and that is for a person to judge."""
        try:
            return self.ehr.read(str(row.reference))
        except EhrMissing as error:
            if error.status != 410 or not wanted.create:  # looked for by its identifier, then made again if needed
                self.memory.forget(self.work, kind)
                raise WriteBackUnfinished(f"{type_of(kind)} is no longer where it was") from None
        conflict = self.work.conflicts.get(kind)
        mark = mark_of(wanted, kind)
        if conflict is not None and conflict.settled_as(THEIRS, mark, _DELETED):
            return None
        if conflict is not None and conflict.settled_as(OURS, mark, _DELETED):
            self.memory.forget(self.work, kind)
            raise WriteBackUnfinished(f"{type_of(kind)} is made again, as was decided")
        self._disagree(kind, GONE, wanted, None)
        return None

    def only_one(self, kind: str, hits: Sequence[Stored]) -> Stored | None:
        """The one that counts. Doubles of our own, alike but for their ids, are entered in error; others are shown.

        Source: WB-4: search, create, search again, reconcile.
        """
        if len(hits) < 2:
            return hits[0] if hits else None
        first, others = hits[0], hits[1:]
        if any(_content(one.resource) != _content(first.resource) for one in others):
            self._note(kind, SEVERAL, "several", str(len(hits)), others[0].resource, first.resource)
            raise EhrRefused(
                f"{type_of(kind)}: {len(hits)} carry one identifier; see the conflicts in the navigators' pages"
            )
        for one in others:
            self.ehr.update(one, _voided(one.resource))
        return first

    # ------------------------------------------------------------ inside

    def _theirs(self, kind: str, stored: Stored) -> bool:
        """Whether somebody else's word stands there and stays; raises `Overtaken` when the referral followed it."""
        if self.ears is None or kind.startswith(RISK) or type_beside(kind):
            return False
        heard = self.ears.hear(self.work.tenant.id, self.work.referral.id, kind, stored, writing=True)
        if heard == "moved":
            raise Overtaken
        return heard == "keep"

    def _verdict(self, kind: str, wanted: Wanted, stored: Stored) -> Verdict:
        row, conflict = self.work.known.get(kind), self.work.conflicts.get(kind)
        theirs, mark = status_of(stored.resource), mark_of(wanted, kind)
        if conflict is not None and conflict.settled_as(THEIRS, mark, theirs):
            return Verdict.LEAVE
        forced = conflict is not None and conflict.settled_as(OURS, mark, theirs)
        base = row.status.split("|")[0] if row is not None else ""
        verdict = Verdict.WRITE if forced else verdict_on(type_of(kind), base, theirs, wanted.status)
        if verdict is Verdict.ASK and type_beside(kind):
            return Verdict.LEAVE  # who closed the sign of a hold there has seen it; the hold itself stands with us
        if verdict is Verdict.WRITE and self._changed(kind, wanted, stored.resource) is None:
            return Verdict.ASK  # a way that the guide does not allow, as from completed back to in-progress
        return verdict

    def _write(self, kind: str, wanted: Wanted, stored: Stored) -> Stored:
        changed = self._changed(kind, wanted, stored.resource)
        if changed is None:
            raise WriteBackUnfinished(f"{type_of(kind)} cannot be changed so")
        if stored.version_id is None:  # no If-Match here: look once more, so that the gap is as small as can be
            now = self.ehr.read(stored.reference)
            if now.resource != stored.resource:
                raise EhrConflict(f"{type_of(kind)}: changed since it was read")
        return self.ehr.update(stored, changed)

    def _changed(self, kind: str, wanted: Wanted, resource: Json) -> Json | None:
        """The resource in its new status; `None` where there is no way from the old one."""
        if kind.startswith(RISK):
            return {**resource, "status": wanted.status}
        if type_beside(kind):
            now = self.memory.clock()
            return checked_change(resource, changed_beside(self.work, kind, resource, wanted.status, now))
        referral = self.work.referral
        try:
            changed = with_status(
                kind,
                resource,
                wanted.status,
                reason=referral.reason_code or str(LABELS[referral.status]),
                business_status=str(wanted.business_status or "") or None,
            )
        except InvalidResource:
            return None
        return checked_change(resource, changed)

    def _disagree(self, kind: str, reason: str, wanted: Wanted, stored: Stored | None) -> None:
        theirs = stored.resource if stored is not None else None
        ours = self._changed(kind, wanted, theirs) if theirs is not None else self._anew(kind, wanted)
        ours = ours or {**(theirs or {}), "status": wanted.status}
        status = status_of(theirs) if theirs is not None else _DELETED
        self._note(kind, reason, mark_of(wanted, kind), status, theirs, ours)

    def _anew(self, kind: str, wanted: Wanted) -> Json | None:
        return new_resource(self.work, kind, wanted, self.memory.sealer)

    def _note(self, kind: str, reason: str, wanted: str, status: str, theirs: Json | None, ours: Json | None) -> None:
        self.memory.disagree(self.work, kind, reason, wanted=wanted, theirs=theirs, ours=ours, status=status)


def _content(resource: Json) -> Json:
    """What it says, without what the server adds to it."""
    return {name: value for name, value in resource.items() if name not in ("id", "meta", "text")}


def _voided(resource: Json) -> Json:
    member = "lifecycleStatus" if resource["resourceType"] == "Goal" else "status"
    return {**{name: value for name, value in resource.items() if name != "statusReason"}, member: VOID}
