"""Transactions and batches. Source: R4 http.html#transaction (WB-9)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fhirapp.demo_ehr import search
from fhirapp.demo_ehr.errors import FhirError, conflict, invalid
from fhirapp.demo_ehr.interactions import Answer, Interactions, checked
from fhirapp.demo_ehr.scopes import Access
from fhirapp.demo_ehr.settings import Resource

_ORDER = ("DELETE", "POST", "PUT", "PATCH", "GET")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a Bundle that asks for something."""

    position: int
    method: str
    kind: str
    resource_id: str
    query: str
    full_url: str
    resource: Any
    if_match: str | None
    if_none_exist: str | None


def process(
    api: Interactions, bundle: Any, access: Access, refused: Callable[[str, str], int] = lambda _method, _path: 0
) -> Resource:
    """The response Bundle. Raises the first failure of a transaction, of which then nothing stays.

    `refused` tells the status with which an entry of a batch is refused, 0 for none.
    """
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise invalid("Only a Bundle can be posted to the base.")
    if bundle.get("type") not in ("transaction", "batch"):
        raise invalid("The Bundle must be a transaction or a batch.")
    entries = [_entry(position, one) for position, one in enumerate(bundle.get("entry") or [])]
    if bundle["type"] == "batch":
        return _response("batch-response", [_alone(api, entry, access, refused) for entry in entries])
    with api.store.all_or_nothing():
        answers = _together(api, entries, access)
    return _response("transaction-response", [answers[entry.position] for entry in entries])


def rewritten(node: Any, places: Mapping[str, str]) -> Any:
    """A copy in which every reference to a temporary place is one to the real place."""
    if isinstance(node, list):
        return [rewritten(one, places) for one in node]
    if isinstance(node, dict):
        return {
            name: places.get(value, value)
            if name == "reference" and isinstance(value, str)
            else rewritten(value, places)
            for name, value in node.items()
        }
    return node


def _together(api: Interactions, entries: list[Entry], access: Access) -> dict[int, Resource]:
    places: dict[str, str] = {}
    new_ids: dict[int, str] = {}
    for entry in entries:
        _reserve(api, entry, places, new_ids)
    answers: dict[int, Resource] = {}
    for entry in sorted(entries, key=lambda one: (_ORDER.index(one.method), one.position)):
        body = _resolved(api, rewritten(entry.resource, places))
        answers[entry.position] = _perform(api, entry, body, access, new_ids.get(entry.position, ""))
    return answers


def _reserve(api: Interactions, entry: Entry, places: dict[str, str], new_ids: dict[int, str]) -> None:
    """Fix where each resource will be, before anything is written: references may go round in circles."""
    if entry.method not in ("POST", "PUT"):
        return
    checked(entry.kind, entry.resource)
    place = f"{entry.kind}/{entry.resource_id}"
    if entry.method == "POST":
        existing = api.existing(entry.kind, entry.if_none_exist) if entry.if_none_exist else None
        if existing is None:
            new_ids[entry.position] = secrets.token_hex(8)
        place = f"{entry.kind}/{existing['id'] if existing else new_ids[entry.position]}"
    if entry.full_url:
        if entry.full_url in places:
            raise invalid(f"Two entries have the fullUrl {entry.full_url}.")
        places[entry.full_url] = place


def _resolved(api: Interactions, node: Any) -> Any:
    """Conditional references, `Type?query`, as plain ones. Raises 412 unless exactly one matches."""
    if isinstance(node, list):
        return [_resolved(api, one) for one in node]
    if isinstance(node, dict):
        return {
            name: _resolved_reference(api, value)
            if name == "reference" and isinstance(value, str) and "?" in value
            else _resolved(api, value)
            for name, value in node.items()
        }
    return node


def _resolved_reference(api: Interactions, reference: str) -> str:
    kind, _, query = reference.partition("?")
    existing = api.existing(kind, query)
    if existing is None:
        raise conflict(f"The conditional reference {reference} matches nothing.")
    return f"{kind}/{existing['id']}"


def _alone(api: Interactions, entry: Entry, access: Access, refused: Callable[[str, str], int]) -> Resource:
    path = f"{entry.kind}{'/' if entry.resource_id else ''}{entry.resource_id}{'?' if entry.query else ''}{entry.query}"
    try:
        if status := refused(entry.method, path):
            raise FhirError(status, "processing", "A fault that was ordered.")
        return _perform(api, entry, entry.resource, access, "")
    except FhirError as error:
        return {"response": {"status": _line(error.status), "outcome": error.outcome()}}


def _perform(api: Interactions, entry: Entry, body: Any, access: Access, new_id: str) -> Resource:
    if entry.method == "GET" and entry.resource_id:
        answer = api.read(entry.kind, entry.resource_id, access)
        return {"resource": answer.version.resource, "response": _summary(answer)}
    if entry.method == "GET":
        found = api.search(entry.kind, search.pairs_of(entry.query), access)
        return {"resource": found, "response": {"status": _line(200)}}
    answer = _write(api, entry, body, access, new_id)
    return {"response": _summary(answer)}


def _write(api: Interactions, entry: Entry, body: Any, access: Access, new_id: str) -> Answer:
    if entry.method == "POST":
        return api.create(entry.kind, body, access, if_none_exist=entry.if_none_exist, new_id=new_id)
    if entry.method == "PUT" and entry.query:
        return api.update_where(entry.kind, search.pairs_of(entry.query), body, access)
    if entry.method == "PUT":
        return api.update(entry.kind, entry.resource_id, body, access, if_match=entry.if_match)
    if entry.method == "DELETE":
        return api.delete(entry.kind, entry.resource_id, access, if_match=entry.if_match)
    raise invalid(f"This server does no {entry.method} inside a Bundle.")


def _entry(position: int, raw: Any) -> Entry:
    request = raw.get("request") if isinstance(raw, dict) else None
    if not isinstance(request, dict) or request.get("method") not in _ORDER:
        raise invalid(f"Entry {position} of the Bundle has no request that this server can do.")
    path, _, query = str(request.get("url", "")).partition("?")
    kind, _, resource_id = path.strip("/").partition("/")
    return Entry(
        position=position,
        method=request["method"],
        kind=kind,
        resource_id=resource_id,
        query=query,
        full_url=str(raw.get("fullUrl") or ""),
        resource=raw.get("resource"),
        if_match=request.get("ifMatch"),
        if_none_exist=request.get("ifNoneExist"),
    )


def _summary(answer: Answer) -> Resource:
    return {
        "status": _line(answer.status),
        "location": answer.place,
        "etag": answer.version.etag,
        "lastModified": answer.version.written.isoformat(timespec="milliseconds"),
    }


def _line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


def _response(kind: str, entries: list[Resource]) -> Resource:
    bundle: Resource = {"resourceType": "Bundle", "type": kind}
    if entries:
        bundle["entry"] = entries
    return bundle
