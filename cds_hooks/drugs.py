"""The drugs of draft orders that name them by reference: in what the client sent, else at its server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from cds_hooks.access import access_of
from cds_hooks.drafts import resources_in
from cds_hooks.ports import Charts, Client
from cds_hooks.schemas import HookRequest, decoded
from mappings.queries import Query

DRUGS: Final = "drugs"  # the key of a template that clients of 3.0 can fill in
_MAX_READ: Final = 20

Json = dict[str, Any]


def medications_of(
    request: HookRequest, client: Client, charts: Charts, wanted: Sequence[str], *, until: float
) -> dict[str, Json]:
    """Medications by reference, as far as they can be had; an order whose drug cannot is one of an unknown drug.

    Source: standards.md trap 12: contained, then prefetch, then the token, else unknown.
    """
    sent = (decoded(request.sent[key]) for key in (DRUGS, "medications") if key in request.sent)
    found = {f"Medication/{one['id']}": one for body in sent for one in _medications(body)}
    missing = [reference for reference in wanted if reference not in found][:_MAX_READ]
    access = access_of(request, client) if missing else None
    if access is not None and access.covers("Medication"):
        queries = [Query(reference, reference) for reference in missing]
        patient_id = request.context.patient_id
        fetched = charts.fetch(client, access.fhir_server, access.token, queries, patient_id, until=until)
        found |= {part.key: one for part in fetched.parts for one in _medications(decoded(msgspec.Raw(part.body)))}
    return {reference: found[reference] for reference in wanted if reference in found}


def _medications(body: Any) -> list[Json]:
    is_one = isinstance(body, dict) and body.get("resourceType") == "Medication"
    found = resources_in([body] if is_one else body)
    return [one for one in found if one["resourceType"] == "Medication" and isinstance(one.get("id"), str)]
