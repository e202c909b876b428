"""The last look at a resource before it leaves the house."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from mappings.errors import InvalidResource
from mappings.to_fhir.codes import Json
from mappings.to_fhir.invariants import broken_invariants

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

# What we write. Its models are loaded when the first one is checked: they take as long as half of a start, and a hook
# call needs none of them.
_WRITTEN: Final = frozenset((
    "AuditEvent", "CarePlan", "Communication", "DetectedIssue", "Flag", "Goal", "Provenance", "RiskAssessment",
    "ServiceRequest", "Task",
))  # fmt: skip


@cache
def _model(kind: str) -> type[BaseModel]:
    found: type[BaseModel] = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    return found


def load() -> None:
    """Load every model now, so that nobody waits for them later."""
    for kind in sorted(_WRITTEN):
        _model(kind)


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
    kind = str(resource.get("resourceType"))
    if kind not in _WRITTEN:
        return (f"we never write a {resource.get('resourceType')}",)
    from pydantic import ValidationError

    from mappings.to_fhir.bindings import wrong_codes

    try:
        parsed = _model(kind).model_validate(resource)
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
