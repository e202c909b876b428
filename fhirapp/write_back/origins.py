"""Who stands behind each set of writes: one Provenance for what was created and one for what was changed.

A Provenance has no identifier in R4. Ours names the set of writes as a source, by which it is found again before it
is sent a second time. Source: standards.md 6.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from fhirapp.ehr.client import EhrClient, Stored, bundle_in
from fhirapp.ehr.errors import EhrError, EhrUnavailable
from fhirapp.jobs.table import LEASE
from fhirapp.referrals.status import Role
from fhirapp.write_back.beside import type_beside
from fhirapp.write_back.errors import WriteBackUnfinished
from fhirapp.write_back.memory import Memory
from fhirapp.write_back.work import PROVENANCE, Work
from mappings.canonical import RESOURCE_IDENTIFIER
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.provenance import provenance
from mappings.to_fhir.validate import checked

CREATE, UPDATE = "create", "update"
_ACTIVITIES: Final = {CREATE: "CREATE", UPDATE: "UPDATE"}


@dataclass(frozen=True, slots=True)
class Origins:
    """Announced with the first write of a pass, told at its end; what a crash left open is told by the next one."""

    memory: Memory

    def told_of(self, work: Work) -> bool:
        """Whether this site and this EHR want to know."""
        return work.tenant.write_back.provenance and work.capability.can("Provenance", "create")

    def row_of(self, work: Work, activity: str) -> str:
        """The kind under which one set of writes is remembered."""
        return f"{PROVENANCE}{work.referral.version}-{activity}"

    def announced(self, work: Work, activity: str, kinds: Iterable[str]) -> dict[str, str]:
        """Row and note to announce beside these writes; empty where nobody wants to know."""
        row = self.row_of(work, activity)
        kinds = [kind for kind in kinds if not type_beside(kind)]  # these say themselves whose word they are
        if not kinds or not self.told_of(work):
            return {}
        known = work.known.get(row)
        there = known.status.split(",") if known is not None and known.status else []
        return {row: ",".join(dict.fromkeys([*there, *kinds]))}

    def pending(self, work: Work) -> Iterator[tuple[str, str, list[str]]]:
        """Sets of writes that were not told yet: row, activity, and the kinds that are known to be there."""
        for row, known in list(work.known.items()):
            if not row.startswith(PROVENANCE) or known.reference is not None:
                continue
            kinds = [kind for kind in known.status.split(",") if kind and work.reference(kind)]
            yield row, row.rsplit("-", 1)[1], kinds

    def tell(self, work: Work, ehr: EhrClient, *, fresh: Iterable[str] = ()) -> None:
        """Write what is pending. `fresh` rows were announced in this very pass, so nobody can have sent them.

        An EHR that refuses to take one is not asked again for this set: our own audit trail has it anyway. A refusal of
        the search rises, for a person to see: forgotten, it would be sent a second time by the next pass.
        """
        new = set(fresh)
        for row, activity, kinds in self.pending(work):
            targets = [target for kind in kinds if (target := self._target(work, kind))]
            if not targets:
                self.memory.forget(work, row)
                continue
            found = None if row in new else self._found(work, ehr, row, targets)
            try:
                self._tell(work, ehr, row, activity, targets, found)
            except EhrUnavailable:
                raise
            except EhrError:
                self.memory.forget(work, row)

    def _found(self, work: Work, ehr: EhrClient, row: str, targets: list[str]) -> Stored | None:
        """One that was sent before; raises `WriteBackUnfinished` while it may still arrive."""
        found = self._find(work, ehr, row, targets[0])
        if found is None and self._may_be_under_way(work, row):
            raise WriteBackUnfinished("a Provenance may still be under way")
        return found

    def _tell(
        self, work: Work, ehr: EhrClient, row: str, activity: str, targets: list[str], found: Stored | None
    ) -> None:
        if found is None:
            self.memory.announce(work, [row])
            found = ehr.create(self.resource(work, row, activity, targets), conditional=False)
        self.memory.remember(work, row, work.known[row].status, found)

    def _may_be_under_way(self, work: Work, row: str) -> bool:
        age: timedelta = self.memory.clock() - work.known[row].written_at
        return age < LEASE

    def resource(self, work: Work, row: str, activity: str, targets: list[str]) -> dict[str, Any]:
        """The Provenance of one set of writes."""
        author, how = self._author(work, activity)
        made = provenance(
            work.facts,
            targets,
            activity=_ACTIVITIES[activity],
            recorded=self.memory.clock().astimezone(work.tenant.zone),
            author=author,
            ai_tag=work.tenant.write_back.ai_tag,
        )
        if how:
            made["reason"] = [{"text": how}, *made.get("reason", [])]
        identifier = {"system": RESOURCE_IDENTIFIER, "value": work.identifier(row)}
        mine = {"role": "source", "what": {"identifier": identifier, "display": "Stride referral"}}
        made["entity"] = [mine, *made.get("entity", [])]
        return checked(made)

    def _author(self, work: Work, activity: str) -> tuple[Ref, str]:
        """Who is answerable: whoever signed for what was created, whoever moved the referral for what was changed."""
        referral = work.referral
        if activity == CREATE and referral.signed_by:
            return work.facts.requester, f"Signed by: {referral.signed_by}"
        role, reference, display = work.mover
        if role == Role.PATIENT.value:
            return work.facts.patient, "The patient's decision"
        return (Ref(reference, display), "") if reference else (work.facts.owner, "By rule")

    def _target(self, work: Work, kind: str) -> str | None:
        row = work.known.get(kind)
        if row is None or row.reference is None:
            return work.planned.get(kind)
        return f"{row.reference}/_history/{row.version_id}" if row.version_id else row.reference

    def _find(self, work: Work, ehr: EhrClient, row: str, target: str) -> Stored | None:
        """One that names this set of writes; servers keep a target with its version or without."""
        value = work.identifier(row)
        for asked in dict.fromkeys((target.split("/_history/")[0], target)):
            for body in ehr.pages(f"Provenance?target={quote(asked, safe='')}"):
                for entry in bundle_in(body).get("entry") or ():
                    if _names(entry.get("resource") or {}, value):
                        return _stored(entry["resource"])
        return None


def _names(resource: Mapping[str, Any], value: str) -> bool:
    sources = (entity.get("what", {}).get("identifier", {}) for entity in resource.get("entity", ()))
    return any((one.get("system"), one.get("value")) == (RESOURCE_IDENTIFIER, value) for one in sources)


def _stored(resource: dict[str, Any]) -> Stored:
    return Stored(resource, f"Provenance/{resource['id']}", resource.get("meta", {}).get("versionId"))
