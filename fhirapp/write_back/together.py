"""All new resources of a referral in one transaction, where the EHR offers that. Source: standards.md WB-9."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from fhirapp.ehr.client import EhrClient, Stored, if_none_exist
from fhirapp.ehr.errors import EhrConflict, EhrMissing, EhrRefused
from fhirapp.referrals.fhir_status import Wanted
from fhirapp.write_back.beside import type_beside
from fhirapp.write_back.building import first_of, new_resource
from fhirapp.write_back.memory import Memory
from fhirapp.write_back.origins import CREATE, Origins
from fhirapp.write_back.work import PROVENANCE, Work, mark_of, type_of

log = logging.getLogger("stride.write_back")

FOUND = ""  # the mark of what the EHR had already: in what status, a look will tell


@dataclass(frozen=True, slots=True)
class Together:
    """One Bundle instead of one request each; what it does not do is done one by one afterwards."""

    memory: Memory
    origins: Origins

    def offered(self, work: Work) -> bool:
        """Whether this EHR offers transactions, and the site lets us use them."""
        return work.capability.transaction and work.tenant.write_back.transactions

    def create(self, work: Work, new: Mapping[str, Wanted], ehr: EhrClient) -> list[str]:
        """Create them all; returns the rows of origins that went along.

        Raises `EhrUnavailable` where the outcome is unknown: what was announced is looked for by the next pass. A
        refusal has done nothing at all, and nothing is remembered of it.
        """
        entries, origin = self._planned(work, new)
        kinds = [kind for kind in entries if not type_beside(kind)]
        notes = {origin: ",".join(kinds)} if origin else {}
        self.memory.announce(work, [*entries, *notes], notes=notes)
        if origin:
            targets = [work.planned[kind] for kind in kinds]
            entries[origin] = _entry(self.origins.resource(work, origin, CREATE, targets), None)
        try:
            answers = ehr.transaction(list(entries.values()))
        except (EhrRefused, EhrConflict, EhrMissing) as error:
            log.info("no transaction (%s), one by one instead", error)
            self.memory.forget(work, *entries)
            return []
        finally:
            work.planned.clear()
        self._remember(work, list(entries), answers, new)
        return [origin] if origin else []

    def _planned(self, work: Work, new: Mapping[str, Wanted]) -> tuple[dict[str, dict[str, Any]], str]:
        """An entry for each resource that there is to create, and the row of their origin."""
        entries: dict[str, dict[str, Any]] = {}
        for kind, wanted in new.items():
            resource = new_resource(work, kind, wanted, self.memory.sealer)
            if resource is None:
                continue
            work.planned[kind] = f"urn:uuid:{uuid4()}"
            entries[kind] = _entry(resource, work.planned[kind], conditional=self._conditional(work, kind))
        row = self.origins.row_of(work, CREATE)
        fresh = self.origins.told_of(work) and row not in work.known
        return entries, row if fresh and any(not type_beside(kind) for kind in entries) else ""

    def _conditional(self, work: Work, kind: str) -> bool:
        return work.capability.creates_once(type_of(kind))

    def _remember(
        self, work: Work, kinds: Sequence[str], answers: Sequence[Stored | None], new: Mapping[str, Wanted]
    ) -> None:
        made = {}
        for kind, stored in zip(kinds, answers, strict=True):
            if stored is None:
                continue  # announced and not confirmed: it is looked for
            if kind.startswith(PROVENANCE):
                made[kind] = (work.known[kind].status, stored)
                continue
            mark = mark_of(first_of(kind, new[kind]), kind) if stored.created else FOUND
            made[kind] = (mark, replace(stored, resource={}))
        self.memory.remember_all(work, made)


def _entry(resource: dict[str, Any], full_url: str | None, *, conditional: bool = False) -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"]}
    if conditional:
        request["ifNoneExist"] = if_none_exist(resource)
    return {"fullUrl": full_url or f"urn:uuid:{uuid4()}", "resource": resource, "request": request}
