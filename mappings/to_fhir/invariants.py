"""What the HL7 Physical Activity profiles ask beyond plain R4. Source: standards.md part 3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from mappings.to_fhir.codes import (
    CARE_PLAN_CATEGORY,
    PA_CARE_PLAN,
    PA_CODES,
    PA_GOAL,
    PA_SERVICE_REQUEST,
    PA_TASK,
    UCUM,
    Json,
)

_REQUEST_STATUS: Final = frozenset({"draft", "active", "on-hold", "revoked", "completed", "entered-in-error"})
_REQUEST_INTENT: Final = frozenset({"original-order", "order", "filler-order"})
_REASON_STATUS: Final = frozenset({"rejected", "on-hold", "cancelled", "failed"})
_PEOPLE: Final = frozenset({"Practitioner", "PractitionerRole"})
_WITH_ORGANIZATION: Final = _PEOPLE | {"Organization"}
_NOTE_AUTHORS: Final = frozenset({"Practitioner", "Organization"})


def broken_invariants(resource: Json) -> Iterator[str]:
    """Each rule of the profiles in `meta.profile` that the resource breaks."""
    for profile in resource.get("meta", {}).get("profile", ()):
        if check := _CHECKS.get(profile):
            yield from _shared(resource)
            yield from check(resource)


def _shared(resource: Json) -> Iterator[str]:
    for name in ("implicitRules", "modifierExtension"):
        if name in resource:
            yield f"{name}: not allowed by the profile"
    for note in resource.get("note", ()):
        author = note.get("authorReference")
        if not author or _type(author) not in _NOTE_AUTHORS:
            yield "note.author: must be a Practitioner or an Organization"
        if "time" not in note:
            yield "note.time: missing"


def _service_request(resource: Json) -> Iterator[str]:
    if resource.get("status") not in _REQUEST_STATUS:
        yield "status: not in the profile's value set"
    if resource.get("intent") not in _REQUEST_INTENT:
        yield "intent: must be an order"
    if not _has(resource, "category", PA_CODES, "PhysicalActivity"):
        yield "category: PhysicalActivity is missing"
    if not resource.get("code"):
        yield "code: missing"
    if "authoredOn" not in resource:
        yield "authoredOn: missing"
    if _type(resource.get("requester")) not in _PEOPLE:
        yield "requester: must be a Practitioner or PractitionerRole"
    if not resource.get("reasonCode") and not resource.get("reasonReference"):
        yield "pa-sr-1: a reason is missing"
    for name in ("doNotPerform", "specimen"):
        if name in resource:
            yield f"{name}: not allowed by the profile"


def _care_plan(resource: Json) -> Iterator[str]:
    if not resource.get("text", {}).get("div"):
        yield "text: the narrative is missing"
    if resource.get("text", {}).get("status") not in {"generated", "additional"}:
        yield "text.status: must be generated or additional"
    if resource.get("intent") != "plan":
        yield "intent: must be plan"
    if not _has(resource, "category", CARE_PLAN_CATEGORY, "assess-plan"):
        yield "category: assess-plan is missing"
    if not _has(resource, "category", PA_CODES, "PhysicalActivity"):
        yield "category: PhysicalActivity is missing"


def _goal(resource: Json) -> Iterator[str]:
    if not _has(resource, "category", PA_CODES, "PhysicalActivity"):
        yield "category: PhysicalActivity is missing"
    for target in resource.get("target", ()):
        quantity = target.get("detailQuantity")
        if not quantity or "value" not in quantity:
            yield "target.detailQuantity: missing"
        elif quantity.get("system") != UCUM or not quantity.get("code"):
            yield "target.detailQuantity: must be in UCUM"


def _task(resource: Json) -> Iterator[str]:
    status = resource.get("status")
    if status in {"received", "ready"}:
        yield "status: not in the profile's value set"
    if ("statusReason" in resource) != (status in _REASON_STATUS):
        yield "pa-taskrm-1: statusReason goes with rejected, on-hold, cancelled and failed, and with nothing else"
    if resource.get("intent") != "order":
        yield "intent: must be order"
    for name in ("focus", "for", "authoredOn"):
        if name not in resource:
            yield f"{name}: missing"
    for name in ("requester", "owner"):
        if _type(resource.get(name)) not in _WITH_ORGANIZATION:
            yield f"{name}: must be a Practitioner, PractitionerRole or Organization"
    for name in ("businessStatus", "reasonCode"):
        if name in resource and not resource[name].get("text"):
            yield f"{name}.text: missing"


_CHECKS: Final[dict[str, Callable[[Json], Iterator[str]]]] = {
    PA_SERVICE_REQUEST: _service_request,
    PA_CARE_PLAN: _care_plan,
    PA_GOAL: _goal,
    PA_TASK: _task,
}


def _has(resource: Json, name: str, system: str, code: str) -> bool:
    return any(
        coding.get("system") == system and coding.get("code") == code
        for concept in resource.get(name, ())
        for coding in concept.get("coding", ())
    )


def _type(reference: Mapping[str, Any] | None) -> str:
    parts = str((reference or {}).get("reference", "")).split("/_history/")[0].split("/")
    return parts[-2] if len(parts) > 1 else ""
