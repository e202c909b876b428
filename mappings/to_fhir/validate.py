"""The last look at a resource before it leaves the house."""

from __future__ import annotations

from typing import Final

from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.careplan import CarePlan
from fhir.resources.R4B.communication import Communication
from fhir.resources.R4B.detectedissue import DetectedIssue
from fhir.resources.R4B.goal import Goal
from fhir.resources.R4B.provenance import Provenance
from fhir.resources.R4B.riskassessment import RiskAssessment
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task
from pydantic import BaseModel, ValidationError

from mappings.errors import InvalidResource
from mappings.to_fhir.bindings import wrong_codes
from mappings.to_fhir.codes import Json
from mappings.to_fhir.invariants import broken_invariants

_MODELS: Final[dict[str, type[BaseModel]]] = {
    "AuditEvent": AuditEvent,
    "CarePlan": CarePlan,
    "Communication": Communication,
    "DetectedIssue": DetectedIssue,
    "Goal": Goal,
    "Provenance": Provenance,
    "RiskAssessment": RiskAssessment,
    "ServiceRequest": ServiceRequest,
    "Task": Task,
}


def checked(resource: Json) -> Json:
    """The same resource, when it may be sent.

    Raises `InvalidResource` when it is no valid R4, holds a code outside a required value set, refers to a
    type that is not allowed there, or breaks a rule of the profile that it claims. The message names
    elements, never their contents.
    """
    model = _MODELS.get(str(resource.get("resourceType")))
    if model is None:
        raise InvalidResource(f"we never write a {resource.get('resourceType')}")
    try:
        parsed = model.model_validate(resource)
    except ValidationError as error:
        raise InvalidResource(_where(error)) from None
    faults = [*wrong_codes(parsed), *broken_invariants(resource)]
    if faults:
        raise InvalidResource("; ".join(faults))
    return resource


def _where(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'])}: {item['type']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    )
