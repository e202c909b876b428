"""What the service has written into this EHR, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fhirapp.demo_ehr.parameters import walk
from fhirapp.demo_ehr.settings import Resource
from fhirapp.demo_ehr.store import Store
from mappings.canonical import RESOURCE_IDENTIFIER

_KINDS: Final[Mapping[str, str]] = {
    "ServiceRequest": "Referral",
    "CarePlan": "Exercise plan",
    "Goal": "Goal",
    "Task": "Task",
    "Communication": "Message",
    "DetectedIssue": "Safety finding",
    "Flag": "Safety flag",
    "RiskAssessment": "Risk estimate",
}
_REMEMBERED: Final = 4


@dataclass(frozen=True, slots=True)
class Written:
    """One resource with the business identifier of the service."""

    kind: str
    word: str
    resource_id: str
    title: str
    status: str
    detail: str
    version: int
    at: datetime
    path: tuple[str, ...]  # statuses of the versions, oldest first, repeats left out


def written(store: Store, patient_id: str) -> list[Written]:
    """All of one patient, newest change first within each kind."""
    with store.lock:
        found = [
            _row(store, resource) for kind in _KINDS for resource in store.every(kind, patient_id) if is_ours(resource)
        ]
    order = list(_KINDS)
    return sorted(found, key=lambda one: (order.index(one.kind), -one.at.timestamp()))


def is_ours(resource: Resource) -> bool:
    """Whether the resource carries the business identifier of the service (WB-5)."""
    return RESOURCE_IDENTIFIER in walk(resource, ["identifier", "system"])


def _row(store: Store, resource: Resource) -> Written:
    kind = resource["resourceType"]
    versions = store.history(kind, resource["id"])
    statuses = [_status(one.resource or {}) for one in reversed(versions)]
    path = [status for number, status in enumerate(statuses) if number == 0 or status != statuses[number - 1]]
    return Written(
        kind=kind,
        word=_KINDS[kind],
        resource_id=resource["id"],
        title=_title(resource),
        status=_status(resource),
        detail=_detail(resource),
        version=versions[0].number,
        at=versions[0].written,
        path=tuple(path[-_REMEMBERED:]),
    )


def _status(resource: Mapping[str, Any]) -> str:
    return str(resource.get("status") or resource.get("lifecycleStatus") or "")


def _title(resource: Resource) -> str:
    for path in (
        "title",
        "description.text",
        "description",
        "code.text",
        "code.coding.display",
        "topic.text",
        "category.text",
        "prediction.outcome.text",
        "code.coding.code",
    ):
        for text in walk(resource, path.split(".")):
            if isinstance(text, str) and text:
                return text
    return ""


def _detail(resource: Resource) -> str:
    words = [*walk(resource, ["businessStatus", "text"]), *walk(resource, ["statusReason", "text"])]
    reasons = [*walk(resource, ["statusReason", "coding", "display"])] if len(words) < 2 else []
    owner = [*walk(resource, ["owner", "display"])]
    return " · ".join(dict.fromkeys(str(word) for word in [*words, *reasons, *owner]))
