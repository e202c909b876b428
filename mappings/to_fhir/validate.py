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
    return _passed(resource, faults_of(resource))


def checked_change(before: Json, after: Json) -> Json:
    """The changed resource, when the change itself broke nothing.

    A record system may keep what we once wrote in a form that strict R4 refuses (a moment without its zone, a
    member of its own). That must not stop us from revoking a referral: only faults that `before` did not
    have count. Raises `InvalidResource` for those.
    """
    known = set(faults_of(before))
    return _passed(after, tuple(fault for fault in faults_of(after) if fault not in known))


def faults_of(resource: Json) -> tuple[str, ...]:
    """Everything that is wrong with a resource, by element; empty when it may be sent."""
    model = _MODELS.get(str(resource.get("resourceType")))
    if model is None:
        return (f"we never write a {resource.get('resourceType')}",)
    try:
        parsed = model.model_validate(resource)
    except ValidationError as error:
        return (*_places(error), *broken_invariants(resource))
    return (*wrong_codes(parsed), *broken_invariants(resource))


def _passed(resource: Json, faults: tuple[str, ...]) -> Json:
    if faults:
        raise InvalidResource("; ".join(faults))
    return resource


def _places(error: ValidationError) -> list[str]:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return [f"{'.'.join(str(part) for part in item['loc'])}: {item['type']}" for item in found]
