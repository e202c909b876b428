"""What a referral's resources are written from, and the pieces that they all share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from mappings.canonical import RESOURCE_IDENTIFIER, resource_identifier
from mappings.errors import InvalidResource
from mappings.to_fhir.codes import Json

SERVICE_REQUEST: Final = "service-request"
EXERCISE_PRESCRIPTION: Final = "exercise-prescription"
CARE_PLAN: Final = "care-plan"
GOAL_ACTIVITY: Final = "goal-activity"
GOAL_STRENGTH: Final = "goal-strength"
NAVIGATOR_TASK: Final = "navigator-task"

_TYPE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to a resource in the EHR, with the name that people know it by."""

    reference: str  # "Practitioner/dr-lind"
    display: str = ""

    @property
    def type(self) -> str:
        """The resource type that it points to; "" when it cannot be told."""
        found = _TYPE.search(self.reference)
        return found[1] if found else ""

    def json(self) -> Json:
        """The FHIR Reference."""
        return {"reference": self.reference} | ({"display": self.display} if self.display else {})


@dataclass(frozen=True, slots=True)
class ReferralFacts:
    """Everything that the resources of one referral are written from."""

    tenant_id: str
    patient_id: str
    patient_display: str
    episode_id: UUID
    authored_on: datetime  # aware
    requester: Ref  # Practitioner or PractitionerRole; the profile allows nobody else
    owner: Ref  # the exercise-service Organization, which owns the Tasks
    reason: Ref | None  # the Condition that the referral is for
    reason_text: str  # its name; the reason where there is no Condition to point at
    encounter: Ref | None
    summary: Mapping[str, Any]  # the JSON of models.summary
    plan_start: date
    supporting: tuple[Ref, ...] = ()  # the Observations that the proposal rests on
    replaces: Ref | None = None  # the ServiceRequest of an earlier offer, when the patient re-joins
    identity: str = ""  # the patient id that identifiers are made from, where the record was merged into another
    revision: int = 1  # counts the ServiceRequests of one episode; a re-join writes a new one

    @property
    def patient(self) -> Ref:
        """The patient, as a reference."""
        return Ref(f"Patient/{self.patient_id}", self.patient_display)

    def identifier_of(self, kind: str) -> str:
        """The business identifier of one resource of this referral, the same every time (WB-5)."""
        name = kind if self.revision == 1 else f"{kind}#{self.revision}"
        return resource_identifier(self.tenant_id, self.identity or self.patient_id, self.episode_id, name)

    def identifiers(self, kind: str) -> list[Json]:
        """The same as a FHIR `identifier`."""
        return [{"system": RESOURCE_IDENTIFIER, "value": self.identifier_of(kind)}]


def instant(moment: datetime) -> str:
    """A FHIR dateTime with its offset. Raises `InvalidResource` for a moment without a zone."""
    if moment.utcoffset() is None:
        raise InvalidResource("a moment without a time zone cannot be written")
    return moment.isoformat(timespec="seconds")
