"""Which orders ask for exercise or physiotherapy: ours, and those that others write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mappings.canonical import RESOURCE_IDENTIFIER
from mappings.to_fhir.codes import EXERCISE_THERAPY, PA_CODES, SNOMED

_CODES: Final = frozenset(
    {
        (SNOMED, EXERCISE_THERAPY),
        (SNOMED, "390893007"),  # referral to physical activity programme
        (SNOMED, "229095001"),  # exercise class
        (SNOMED, "91251008"),  # physical therapy procedure
        (SNOMED, "306170007"),  # referral to physiotherapy service
        (SNOMED, "435551000124105"),  # counselling about physical activity
        (PA_CODES, "PhysicalActivity"),
    }
)
_ENDED: Final = frozenset({"revoked", "completed", "entered-in-error"})


def is_exercise_order(resource: Mapping[str, Any]) -> bool:
    """Whether a ServiceRequest, as JSON, asks for exercise or physiotherapy and has not ended."""
    if resource.get("resourceType") != "ServiceRequest" or str(resource.get("status")) in _ENDED:
        return False
    if resource.get("doNotPerform") is True:
        return False
    return is_ours(resource) or any(coding in _CODES for coding in _codings(resource))


def is_ours(resource: Mapping[str, Any]) -> bool:
    """Whether a resource carries our business identifier."""
    return any(one.get("system") == RESOURCE_IDENTIFIER for one in _objects(resource.get("identifier")))


def _codings(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("code", "category", "orderDetail"):
        for concept in _objects(resource.get(name)):
            for coding in _objects(concept.get("coding")):
                yield str(coding.get("system")), str(coding.get("code"))


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects in a value that is one, or a list with some."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one
