"""The orders that are being written when the hook fires, in all the shapes that EHRs send."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec

from cds_hooks.errors import MalformedCall
from cds_hooks.ports import DraftOrder
from cds_hooks.schemas import decoded
from mappings.treatment_orders import may_be_treatment

# Where each kind of order says what is ordered. Source: trap 12; a protocol may come as CarePlan or RequestGroup.
_CONCEPTS: Final = ("medicationCodeableConcept", "code", "codeCodeableConcept", "vaccineCode")
_REFERENCES: Final = ("medicationReference", "codeReference")
_PARTS: Final = ("action", "activity", "detail", "resource", "orderDetail")
_MEDICATION: Final = re.compile(r"(?<![A-Za-z])Medication/[A-Za-z0-9\-.]{1,64}(?=$|/_history/)")
_MAX_DEPTH: Final = 6

Json = Mapping[str, Any]


def draft_orders(
    raw: msgspec.Raw,
    patient_id: str,
    selections: Collection[str] | None = None,
    medications: Mapping[str, Json] | None = None,
) -> tuple[DraftOrder, ...]:
    """The orders in the context. Half-filled ones are kept as they are; nothing here refuses a draft,
    except one that is for another patient: `MalformedCall`.

    They are not expected to be on the FHIR server: a drug is looked up in `contained`, in the Bundle and among
    `medications`; where it is in none of them the order says so.
    """
    if not bytes(raw):
        return ()
    resources = list(resources_in(decoded(raw)))
    nearby = {f"{one['resourceType']}/{one['id']}": one for one in resources if isinstance(one.get("id"), str)}
    nearby |= {reference: dict(one) for reference, one in (medications or {}).items()}
    orders = []
    for resource in resources:
        if resource["resourceType"] in ("Medication", "Patient", "Practitioner", "Organization"):
            continue
        _check_patient(resource, patient_id)
        orders.append(_order(resource, nearby, selections))
    return tuple(orders)


def resources_in(value: Any) -> Iterator[dict[str, Any]]:
    """Resources of a Bundle, with or without `type`, or of a bare list (CH-R5)."""
    entries = value.get("entry") if isinstance(value, dict) else value
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource", entry) if isinstance(entry, dict) else None
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            yield resource


def _check_patient(resource: Json, patient_id: str) -> None:
    for name in ("subject", "patient"):
        reference = _text(_mapping(resource.get(name)), "reference")
        kind, _, identity = reference.rpartition("/")
        if kind.rpartition("/")[2] == "Patient" and identity != patient_id:
            raise MalformedCall("a draft order is for another patient", "context.draftOrders")


def _order(resource: Json, nearby: Mapping[str, Json], selections: Collection[str] | None) -> DraftOrder:
    identity = _text(resource, "id")
    reference = f"{resource['resourceType']}/{identity}" if identity else ""
    concepts = list(_concepts(resource, resource, nearby, _MAX_DEPTH))
    codings = dict.fromkeys(pair for concept in concepts for pair in _codings(concept))
    return DraftOrder(
        reference=reference,
        resource_type=str(resource["resourceType"]),
        status=_text(resource, "status"),
        codings=tuple(codings),
        text=next(filter(None, map(_label, concepts)), ""),
        selected=selections is None or reference in selections,
        treatment=may_be_treatment(str(resource["resourceType"]), codings),
        unresolved=tuple(_unresolved(resource, nearby)),
    )


def _unresolved(resource: Json, nearby: Mapping[str, Json]) -> Iterator[str]:
    """Medications of the FHIR server that the order points at and that are not at hand."""
    for name in _REFERENCES:
        found = _MEDICATION.search(_text(_mapping(resource.get(name)), "reference"))
        if found and found[0] not in nearby:
            yield found[0]


def _concepts(part: Json, root: Json, nearby: Mapping[str, Json], depth: int) -> Iterator[Json]:
    for name in _CONCEPTS:
        yield from mappings_in(part.get(name))
    for name in _REFERENCES:
        found = _resolved(_text(_mapping(part.get(name)), "reference"), root, nearby)
        yield from mappings_in(found.get("code"))
    if depth:
        for name in _PARTS:
            for inner in mappings_in(part.get(name)):
                yield from _concepts(inner, root, nearby, depth - 1)


def _resolved(reference: str, root: Json, nearby: Mapping[str, Json]) -> Json:
    if reference.startswith("#"):
        contained = mappings_in(root.get("contained"))
        return next((one for one in contained if one.get("id") == reference[1:]), {})
    found = _MEDICATION.search(reference)
    return nearby.get(reference) or (nearby.get(found[0], {}) if found else {})


def _codings(concept: Json) -> Iterator[tuple[str, str]]:
    for coding in mappings_in(concept.get("coding")):
        if code := _text(coding, "code"):
            yield _text(coding, "system"), code


def _label(concept: Json) -> str:
    displays = (_text(coding, "display") for coding in mappings_in(concept.get("coding")))
    return _text(concept, "text") or next(filter(None, displays), "")


def _text(value: Json, name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) else ""


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def mappings_in(value: Any) -> Iterator[Json]:
    """The objects in a value that may be one object, a list of them (as the sandbox mixes up), or junk."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one
