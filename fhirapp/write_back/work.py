"""What one pass of the write-back works from, and the steps that it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from fhirapp.ehr.capability import Capability
from fhirapp.referrals.fhir_status import (
    CARE_PLAN,
    FULFILMENT_TASK,
    GOALS,
    NAVIGATOR_TASK,
    PRESCRIPTION_KINDS,
    SERVICE_REQUEST,
    Wanted,
    fhir_of,
    programme_task,
)
from fhirapp.referrals.notices import Notice
from fhirapp.referrals.referral import EhrResource, Referral
from fhirapp.referrals.status import State
from fhirapp.tenants import Tenant
from fhirapp.write_back.beside import type_beside
from fhirapp.write_back.conflicts import EhrConflictRow
from mappings.canonical import resource_identifier
from mappings.to_fhir.facts import ReferralFacts
from models.text import N_

TYPES: Final[Mapping[str, str]] = {
    SERVICE_REQUEST: "ServiceRequest",
    NAVIGATOR_TASK: "Task",
    FULFILMENT_TASK: "Task",
    CARE_PLAN: "CarePlan",
    **dict.fromkeys(GOALS, "Goal"),
}
ORDER: Final = (SERVICE_REQUEST, *GOALS, CARE_PLAN, NAVIGATOR_TASK, FULFILMENT_TASK)
RISK: Final = "risk-"  # "risk-tier", "risk-risk", "risk-adherence"
PROVENANCE: Final = "provenance-"  # "provenance-3-create"
ENDED: Final = frozenset({"rejected", "completed", "failed", "cancelled", "entered-in-error"})
ASKED_ELSEWHERE: Final = N_("Another programme was asked")


@dataclass(frozen=True, slots=True)
class Work:
    """The referral as it was when the pass began, and what is known to be in the EHR."""

    tenant: Tenant
    referral: Referral
    facts: ReferralFacts
    known: dict[str, EhrResource]
    conflicts: dict[str, EhrConflictRow]
    capability: Capability
    mover: tuple[str, str, str] = ("", "", "")  # role, reference and name of who moved the referral last
    notices: tuple[Notice, ...] = ()  # that have come to their end, where this site has them written
    planned: dict[str, str] = field(default_factory=dict)  # kind -> urn:uuid, inside one transaction

    @property
    def wanted(self) -> Mapping[str, Wanted]:
        return fhir_of(self.referral.status, self.referral.resumes)

    def reference(self, kind: str) -> str | None:
        """Where a resource is, or will be when this transaction is done."""
        row = self.known.get(kind)
        return self.planned.get(kind) or (row.reference if row else None)

    def identifier(self, kind: str) -> str:
        """The business identifier of one resource of this referral (WB-5)."""
        return resource_identifier(self.tenant.id, self.referral.identity, self.referral.id, kind)

    def steps(self) -> Iterator[tuple[str, Wanted]]:
        """Each resource that should be in a certain status, in an order in which references resolve."""
        for kind in ORDER:
            wanted = self.wanted.get(kind)
            if wanted is None:
                continue
            wanted = self._possible(kind, wanted)
            if kind == FULFILMENT_TASK:
                yield from self._fulfilment(wanted)
            else:
                yield kind, wanted
        yield from self._risks()

    def _possible(self, kind: str, wanted: Wanted) -> Wanted:
        """Nothing is created that is not released yet, or that this EHR does not let us create."""
        unreleased = kind in PRESCRIPTION_KINDS and not self.referral.prescription_released
        if wanted.create and (unreleased or not self.capability.can(TYPES[kind], "create")):
            return replace(wanted, create=False)
        return wanted

    def _fulfilment(self, wanted: Wanted) -> Iterator[tuple[str, Wanted]]:
        """The Task of the programme asked last; one that still waits for an earlier programme is taken back."""
        newest = self.referral.offers
        for number in range(1, newest):
            kind = f"{FULFILMENT_TASK}-{number}"
            row = self.known.get(kind)
            before = row.status.split("|")[0] if row is not None else ""
            if row is not None and before not in ENDED:  # a programme that has had the patient has done its part (S19)
                status = "completed" if before == "in-progress" else "cancelled"
                yield kind, Wanted(status, business_status=ASKED_ELSEWHERE)
        if newest:
            row = self.known.get(kind := f"{FULFILMENT_TASK}-{newest}")
            reachable = programme_task(row.status.split("|")[0] if row is not None else "", wanted)
            if reachable is not None:
                yield kind, reachable

    def _risks(self) -> Iterator[tuple[str, Wanted]]:
        """Tier and estimates, where the site asks for them; written once with the referral, voided with it."""
        if self.referral.status is State.ERROR:
            written = [kind for kind in self.known if kind.startswith(RISK)]
            yield from ((kind, Wanted("entered-in-error")) for kind in written)
        request = self.wanted.get(SERVICE_REQUEST)
        asked = self.tenant.write_back.risk_assessments and self.capability.can("RiskAssessment", "create")
        if not asked or request is None or not request.create:
            return
        yield f"{RISK}tier", Wanted("final", create=True)
        for name, estimate in (self.referral.summary.get("estimates") or {}).items():
            if estimate and estimate.get("probability") is not None:
                yield f"{RISK}{name}", Wanted("final", create=True)


def type_of(kind: str) -> str:
    """The resource type of a kind: "fulfilment-task-2" is a Task."""
    if kind.startswith(RISK):
        return "RiskAssessment"
    if beside := type_beside(kind):
        return beside
    return "Provenance" if kind.startswith(PROVENANCE) else TYPES.get(kind, "Task")


def mark_of(wanted: Wanted, kind: str) -> str:
    """What is remembered as written: the status, and for a Task what it says to people."""
    return f"{wanted.status}|{wanted.business_status}" if type_of(kind) == "Task" else wanted.status


def status_of(resource: Mapping[str, Any]) -> str:
    """The status of a resource; a Goal calls it otherwise."""
    return str(resource.get("lifecycleStatus" if resource.get("resourceType") == "Goal" else "status", ""))


def differs(resource: Mapping[str, Any], wanted: Wanted, kind: str) -> bool:
    """Whether the EHR's resource is not yet as it should be."""
    if status_of(resource) != wanted.status:
        return True
    words = str(wanted.business_status or "")
    return type_of(kind) == "Task" and resource.get("businessStatus", {}).get("text") != words
