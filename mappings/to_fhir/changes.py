"""A change of status of a resource as it was read from the EHR."""

from __future__ import annotations

from copy import deepcopy
from typing import Final

from mappings.errors import InvalidResource
from mappings.to_fhir.codes import STATUS_REASON, Json
from mappings.to_fhir.reasons import reason_of
from mappings.to_fhir.task import business_status_of

NEEDS_REASON: Final = frozenset({"rejected", "on-hold", "cancelled", "failed"})
_TERMINAL: Final = frozenset({"rejected", "completed", "failed", "cancelled", "entered-in-error"})
_REQUEST_SAYS_WHY: Final = frozenset({"on-hold", "revoked", "entered-in-error"})
_GOAL_SAYS_WHY: Final = frozenset({"on-hold", "cancelled", "rejected", "entered-in-error"})
_TYPES: Final = {
    "service-request": "ServiceRequest",
    "exercise-prescription": "ServiceRequest",
    "care-plan": "CarePlan",
    "goal": "Goal",
    "goal-activity": "Goal",
    "goal-strength": "Goal",
    "navigator-task": "Task",
    "fulfilment-task": "Task",
}


def with_status(
    kind: str,
    resource: Json,
    status: str,
    *,
    reason: str | None = None,
    business_status: str | None = None,
) -> Json:
    """A copy of the resource in its new status; everything that we do not know stays as it was (WB-7).

    `kind` is that of the business identifier, with or without a number (`fulfilment-task-2`). `reason` is
    one of our codes or plain words; in a status that needs no explanation it is not written, and an old one
    is removed. Raises `InvalidResource` for a resource of another type, for a Task
    whose status needs a reason and has none, and for a way back that the guide does not allow.

    Source: standards.md 3.5 (pa-taskrm-1), 3.9, WB-7.
    """
    family = kind.split("#")[0].rstrip("0123456789").rstrip("-")
    expected = _TYPES.get(family)
    if expected is None or resource.get("resourceType") != expected:
        raise InvalidResource(f"a {resource.get('resourceType')} is no {kind}")
    changed = deepcopy(resource)
    if expected == "Task":
        return _task(changed, status, reason, business_status, fulfilment=family == "fulfilment-task")
    if expected == "Goal":
        return _goal(changed, status, reason)
    if expected == "CarePlan":
        return _plan(changed, status, reason)
    return _request(changed, status, reason)


def _plan(resource: Json, status: str, reason: str | None) -> Json:
    """R4 has no reason of status for a CarePlan, and its extension is not allowed there: each activity says why."""
    says_why = status in _REQUEST_SAYS_WHY
    for activity in resource.get("activity", []):
        if not isinstance(detail := activity.get("detail"), dict):
            continue
        if not says_why:
            detail.pop("statusReason", None)
        elif reason:
            detail["statusReason"] = reason_of(reason)
    return resource | {"status": status}


def _request(resource: Json, status: str, reason: str | None) -> Json:
    """R4 keeps the reason of a ServiceRequest's status in an extension."""
    kept = resource.get("extension", [])
    says_why = status in _REQUEST_SAYS_WHY
    if reason or not says_why:
        kept = [item for item in kept if item.get("url") != STATUS_REASON]
    if reason and says_why:
        kept = [*kept, {"url": STATUS_REASON, "valueCodeableConcept": reason_of(reason)}]
    return _put(resource, "extension", kept) | {"status": status}


def _goal(resource: Json, status: str, reason: str | None) -> Json:
    if status not in _GOAL_SAYS_WHY:
        resource = _put(resource, "statusReason", None)
    elif reason:
        resource = _put(resource, "statusReason", reason_of(reason)["text"])
    return resource | {"lifecycleStatus": status}


def _task(resource: Json, status: str, reason: str | None, business_status: str | None, *, fulfilment: bool) -> Json:
    before = resource.get("status")
    if fulfilment:
        _check_way(before, status)
    if status not in NEEDS_REASON:
        resource = _put(resource, "statusReason", None)
    elif reason:
        resource["statusReason"] = reason_of(reason)
    elif status != before or "statusReason" not in resource:
        raise InvalidResource(f"a Task that is {status} needs a reason")
    if business_status:
        resource["businessStatus"] = business_status_of(business_status)
    return resource | {"status": status}


def _check_way(before: object, status: str) -> None:
    """No programme is asked twice with one Task, and an ended one stays ended."""
    if status in (before, "entered-in-error"):
        return
    if before in _TERMINAL:
        raise InvalidResource(f"a Task that is {before} cannot become {status}")
    if status in {"draft", "requested"} and before not in {None, "draft"}:
        raise InvalidResource(f"a Task cannot go back to {status}")


def _put(resource: Json, name: str, value: object) -> Json:
    """The resource with the member set, or without it when there is nothing to say."""
    rest = {key: item for key, item in resource.items() if key != name}
    return rest | {name: value} if value else rest
