"""Which exercise orders an EHR is sending, and to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from cds_hooks.access import access_of
from cds_hooks.drafts import mappings_in, resources_in
from cds_hooks.errors import MalformedCall, MissingData
from cds_hooks.ports import Charts, Client, Dispatch
from cds_hooks.schemas import Context, HookRequest, decoded
from mappings.exercise_orders import is_exercise_order
from mappings.queries import Query

ORDER_DISPATCH: Final = "order-dispatch"
DISPATCHED: Final = "dispatched"  # the key of a template that clients of 3.0 can fill in
PERFORMER: Final = "performer"
_SEARCHED: Final = (DISPATCHED, "referrals")
_REFERENCE: Final = re.compile(
    r"(?:https?://[^\s?#]+/)?([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)

Json = dict[str, Any]


def dispatch_from(request: HookRequest, client: Client, charts: Charts, *, until: float) -> Dispatch | None:
    """The exercise orders that are being sent, whole as the EHR has them; None when there is none among them.

    They are looked for in what the client sent and read with its token where they are not there. Raises `MissingData`
    when that leaves it open whether one is for exercise, `MalformedCall` for an order of another patient.
    Source: CDS Hooks library, order-dispatch 1.1; older clients write `order` and `task`.
    """
    context = request.context
    wanted = [one for one in _orders(context) if one.startswith("ServiceRequest/")]
    found = {reference: order for reference, order in _sent(request) if reference in wanted}
    missing = [reference for reference in wanted if reference not in found]
    if missing:
        found |= _read(request, client, charts, missing, until)
    for order in found.values():
        _check_patient(order, context.patient_id)
    orders = tuple(found[one] for one in wanted if one in found and is_exercise_order(found[one]))
    if not orders:
        if any(one not in found for one in wanted):
            raise MissingData([DISPATCHED if client.prefetch == "3.0" else "referrals"])
        return None
    said = decoded(context.performer)
    performer = _reference(said) if isinstance(said, str) else ""
    if not performer:
        raise MalformedCall("performer is no reference", "context.performer")
    return Dispatch(performer, _name(request, orders, performer), orders, tuple(_tasks(context, orders)))


def _orders(context: Context) -> list[str]:
    """References in their order, each once, whatever version of the hook the client knows."""
    given = (decoded(raw) for raw in (context.dispatched_orders, context.dispatched, context.order) if bytes(raw))
    value = next((one for one in given if one is not None), None)
    listed = value if isinstance(value, list) else [value]
    found = [_reference(one) if isinstance(one, str) else "" for one in listed]
    if not all(found):
        raise MalformedCall("dispatchedOrders is no list of references", "context.dispatchedOrders")
    return list(dict.fromkeys(found))


def _reference(text: str) -> str:
    """`Type/id`, without server and version; "" for what is no literal reference."""
    found = _REFERENCE.fullmatch(text)
    return found[1] if found else ""


def _sent(request: HookRequest) -> Iterator[tuple[str, Json]]:
    for key in _SEARCHED:
        if key in request.sent:
            value = decoded(request.sent[key])
            for resource in resources_in(value) if _is_bundle(value) else resources_in([value]):
                yield f"{resource['resourceType']}/{resource.get('id')}", resource


def _is_bundle(value: Any) -> bool:
    return isinstance(value, dict) and value.get("resourceType") == "Bundle"


def _read(request: HookRequest, client: Client, charts: Charts, references: list[str], until: float) -> dict[str, Json]:
    access = access_of(request, client)
    if access is None or not access.covers("ServiceRequest"):
        return {}
    queries = [Query(reference, reference) for reference in references]
    patient_id = request.context.patient_id
    fetched = charts.fetch(client, access.fhir_server, access.token, queries, patient_id, until=until)
    bodies = {part.key: decoded(msgspec.Raw(part.body)) for part in fetched.parts}
    return {
        reference: body
        for reference, body in bodies.items()
        if isinstance(body, dict) and f"{body.get('resourceType')}/{body.get('id')}" == reference
    }


def _check_patient(resource: Mapping[str, Any], patient_id: str) -> None:
    for name in ("subject", "for"):
        for reference in mappings_in(resource.get(name)):
            kind, _, identity = _reference(str(reference.get("reference", ""))).partition("/")
            if kind == "Patient" and identity != patient_id:
                raise MalformedCall("a dispatched order is for another patient", "context.dispatchedOrders")


def _tasks(context: Context, orders: tuple[Json, ...]) -> Iterator[Json]:
    """The Tasks that go with these orders and that the EHR has already: one without id cannot be changed."""
    ours = {f"ServiceRequest/{order['id']}" for order in orders}
    for raw in (context.fulfillment_tasks, context.task):
        for task in mappings_in(decoded(raw)) if bytes(raw) else ():
            about = [one for name in ("focus", "basedOn") for one in mappings_in(task.get(name))]
            if not ours & {_reference(str(one.get("reference", ""))) for one in about}:
                continue
            _check_patient(task, context.patient_id)
            if task.get("resourceType") == "Task" and isinstance(task.get("id"), str):
                yield dict(task)


def _name(request: HookRequest, orders: tuple[Json, ...], performer: str) -> str:
    """What people call the performer: its own name, else what an order calls it; "" when nobody says."""
    sent = decoded(request.sent[PERFORMER]) if PERFORMER in request.sent else None
    if isinstance(sent, dict) and isinstance(sent.get("name"), str):
        return str(sent["name"])
    named = (one for order in orders for one in mappings_in(order.get("performer")))
    shown = (one.get("display") for one in named if _reference(str(one.get("reference", ""))) == performer)
    return next((str(one) for one in shown if isinstance(one, str)), "")
