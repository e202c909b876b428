"""What a visitor can do to a referral in this EHR, in place of its clinicians and of the programme that was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fhirapp.demo_ehr.settings import Resource
from mappings.canonical import OPT_OUT_REASONS
from mappings.to_fhir.codes import STATUS_REASON

_NEEDS_REASON: Final = frozenset({"rejected", "on-hold", "cancelled", "failed"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One button: who would press it, and what becomes of the resource."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Hands:
    """What can be done to one resource now."""

    who: str
    choices: tuple[Choice, ...]
    reasons: Mapping[str, str]  # code: words; empty where any words will do


_REASONS: Final = {
    "CL-CONTRA": "Contraindicated",
    "CL-PALL": "Goals of care",
    "CL-CHOICE": "Prefers another plan",
    "CL-OTHER": "Another reason",
    "OO-NOTINT": "The patient is not interested",
}
_REQUEST: Final = (
    Choice("active", "Make active"),
    Choice("on-hold", "Put on hold"),
    Choice("revoked", "Revoke"),
    Choice("entered-in-error", "Mark as an error"),
)
_TASK: Final = (
    Choice("accepted", "Accept"),
    Choice("rejected", "Reject"),
    Choice("in-progress", "Begin or go on"),
    Choice("on-hold", "Pause"),
    Choice("completed", "Complete"),
    Choice("failed", "Give up"),
)
_PATIENT: Final = (
    Choice("died", "Record that the patient has died"),
    Choice("closed", "Close the record"),
    Choice("current", "Make the record current"),
)
_KINDS: Final[Mapping[str, tuple[str, tuple[Choice, ...], Mapping[str, str]]]] = {
    "ServiceRequest": ("As the clinician", _REQUEST, _REASONS),
    "CarePlan": ("As the clinician", _REQUEST[:3], {}),
    "Task": ("As the owner of the Task", _TASK, {}),
    "Patient": ("In the record", _PATIENT, {}),
}


def hands_on(resource: Resource) -> Hands | None:
    """What can be done; `None` for what nobody touches by hand."""
    if resource["resourceType"] not in _KINDS:
        return None
    who, choices, reasons = _KINDS[resource["resourceType"]]
    return Hands(who, tuple(one for one in choices if one.key != resource.get("status")), reasons)


def handled(resource: Resource, key: str, reason: str, now: datetime) -> Resource:
    """The resource after the button; raises ValueError for one that is not offered."""
    hands = hands_on(resource)
    if hands is None or key not in {one.key for one in hands.choices}:
        raise ValueError("no such button")
    kind = resource["resourceType"]
    if kind == "Patient":
        return _record(resource, key, now)
    changed: Resource = {**resource, "status": key}
    if kind == "Task":
        changed.pop("statusReason", None)
        if key in _NEEDS_REASON:
            changed["statusReason"] = {"text": reason or "No reason was given"}
    elif kind == "ServiceRequest":
        rest = [one for one in resource.get("extension", ()) if one.get("url") != STATUS_REASON]
        why = [{"url": STATUS_REASON, "valueCodeableConcept": _concept(reason)}] if reason in hands.reasons else []
        changed = _with(changed, "extension", [*rest, *(why if key != "active" else [])])
    return changed


def _concept(reason: str) -> dict[str, Any]:
    return {"coding": [{"system": OPT_OUT_REASONS, "code": reason}], "text": _REASONS[reason]}


def _record(patient: Resource, key: str, now: datetime) -> Resource:
    rest = {name: value for name, value in patient.items() if name not in ("deceasedBoolean", "deceasedDateTime")}
    if key == "died":
        return {**rest, "deceasedDateTime": now.date().isoformat()}
    return {**rest, "active": key == "current"}


def _with(resource: Resource, name: str, value: object) -> Resource:
    rest = {key: item for key, item in resource.items() if key != name}
    return rest | {name: value} if value else rest
