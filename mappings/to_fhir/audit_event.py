"""Who saw or changed what in the EHR: IHE Basic Audit events, kept by us and never sent into the chart."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from mappings.to_fhir.audit_parts import BALP, DESTINATION, SOURCE, data, machine, patient, person, query
from mappings.to_fhir.codes import Json, coding
from mappings.to_fhir.facts import Ref, instant

Interaction = Literal["create", "read", "update", "search"]  # we never delete in an EHR

_REST: Final = "http://hl7.org/fhir/restful-interaction"
_REQUEST_ID: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_TYPES: Final[dict[Interaction, tuple[str, str, str]]] = {
    "create": ("Create", "create", "C"),
    "read": ("Read", "read", "R"),
    "update": ("Update", "update", "U"),
    "search": ("Query", "search-type", "E"),
}


@dataclass(frozen=True, slots=True)
class User:
    """The person behind an access, as the token names them; the token itself is never here."""

    who: Ref
    role: str = ""
    token_id: str = ""  # the `jti`: the "Minimal" variant of the guide


@dataclass(frozen=True, slots=True)
class Access:
    """One interaction with an EHR's FHIR server."""

    interaction: Interaction
    recorded: datetime
    client: str  # our address
    server: str  # the EHR's FHIR base
    target: str = ""  # "ServiceRequest/4", "ServiceRequest" before it has an id; of a search the query that was sent
    patient_id: str | None = None
    user: User | None = None  # None: a job without a person
    request_id: str = ""
    http_status: int = 200


def audit_event(access: Access) -> Json:
    """The AuditEvent of one access. A failed one is always written too, without a claim to a profile for success.

    Source: standards.md 6.5 (client and server change their roles for a read).
    """
    name, subtype, action = _TYPES[access.interaction]
    outcome = _outcome(access.http_status)
    resource: Json = {
        "resourceType": "AuditEvent",
        "type": coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation"),
        "subtype": [coding(_REST, subtype, subtype)],
        "action": action,
        "recorded": instant(access.recorded),
        "outcome": outcome,
        "agent": _agents(access),
        "source": {
            "site": access.client,
            "observer": {"display": "Stride"},
            "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
        },
        "entity": _entities(access),
    }
    if outcome == "0":
        resource["meta"] = {"profile": [f"{BALP}{'Patient' if access.patient_id else ''}{name}"]}
    else:
        resource["outcomeDesc"] = f"HTTP {access.http_status}"
    return resource


def _outcome(http_status: int) -> str:
    """0 success, 4 refused or wrong, 8 the other side failed."""
    if http_status < 400:
        return "0"
    return "4" if http_status < 500 else "8"


def _agents(access: Access) -> list[Json]:
    sends, receives = (DESTINATION, SOURCE) if access.interaction == "read" else (SOURCE, DESTINATION)
    agents = [machine(sends, "Stride", access.client), machine(receives, "EHR", access.server)]
    return [*agents, _person(access.user, access.interaction)] if access.user else agents


def _person(user: User, interaction: Interaction) -> Json:
    agent = person(user.who.json(), user.role, reads=interaction in ("read", "search"))
    return agent | {"policy": [user.token_id]} if user.token_id else agent


def _entities(access: Access) -> list[Json]:
    found: list[Json] = []
    if access.request_id:
        what = {"identifier": {"value": access.request_id}}
        found.append({"type": coding(_REQUEST_ID, "XrequestId"), "what": what})
    if access.interaction == "search":
        found.append(query() | {"query": b64encode(access.target.encode()).decode()})
    elif access.target:
        found.append(data(_what(access.target)))
    if access.patient_id:
        found.append(patient(access.patient_id))
    return found


def _what(target: str) -> Json:
    return {"reference": target} if "/" in target else {"type": target, "display": target}
