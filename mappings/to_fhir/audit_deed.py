"""Who saw or did what in our own pages, hooks and jobs: a row of the audit as an IHE Basic Audit event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from mappings.resource_types import RESOURCE_TYPES
from mappings.to_fhir.audit_parts import BALP, DESTINATION, SOURCE, data, machine, patient, person
from mappings.to_fhir.codes import Json, coding
from mappings.to_fhir.facts import instant

_ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
# Looking is a read; everything else changed something of ours.
_LOOKS: Final = ("page.", "hook.", "launch.", "chart.read", "audit.export", "export.")
_IN_THE_EHR: Final = ("ehr.", "chart.read")  # the service is the client there, and the EHR the server


@dataclass(frozen=True, slots=True)
class Deed:
    """One row of the audit. The service stands for the server; the client is the EHR, a browser, or itself."""

    id: int
    recorded: datetime
    action: str  # "page.referral", "referral.sign", "hook.patient-view"
    role: str
    actor: str  # "Practitioner/dr-lind", or what the service or a patient's link is called
    patient_id: str | None
    subject: str  # "ServiceRequest/4", the id of a referral, or ""
    outcome: str  # "ok" or a slug
    server: str  # our address
    ehr: str  # the EHR's FHIR base
    mac: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def looks(self) -> bool:
        """Whether somebody only saw something."""
        return self.action.startswith(_LOOKS)

    @property
    def interaction(self) -> str:
        """Read, Update, or Create where a resource of the EHR was made."""
        if self.looks:
            return "Read"
        return "Create" if self.details.get("made") else "Update"


def audit_deed(deed: Deed) -> Json:
    """The AuditEvent of one row. One that failed claims no profile, as those are for what was done.

    Source: standards.md 6.5; IHE ITI BALP 1.1.4, Create, Read, Update and their variants with a patient.
    """
    name = deed.interaction
    resource: Json = {
        "resourceType": "AuditEvent",
        "id": f"audit-{deed.id}",
        "type": coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation"),
        "subtype": [coding("http://hl7.org/fhir/restful-interaction", name.lower(), name.lower())],
        "action": name[0],
        "recorded": instant(deed.recorded),
        "outcome": "0" if deed.outcome == "ok" else "4",
        "agent": _agents(deed),
        "source": {
            "site": deed.server,
            "observer": {"display": "Stride"},
            "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
        },
        "entity": _entities(deed),
    }
    if deed.outcome == "ok":
        resource["meta"] = {"profile": [f"{BALP}{'Patient' if deed.patient_id else ''}{name}"]}
    else:
        resource["outcomeDesc"] = deed.outcome
    return resource


def _agents(deed: Deed) -> list[Json]:
    client, server = (DESTINATION, SOURCE) if deed.looks else (SOURCE, DESTINATION)
    if deed.action.startswith(_IN_THE_EHR):
        agents = [machine(client, "Stride", deed.server), machine(server, "EHR", deed.ehr)]
    else:
        agents = [_client(deed, client), machine(server, "Stride", deed.server)]
    if deed.role != "service":
        agents.append(person(_who(deed), deed.role, reads=deed.looks))
    return agents


def _client(deed: Deed, role: tuple[str, str]) -> Json:
    if deed.action.startswith(("hook.", "feedback.")):
        return machine(role, "EHR", deed.ehr)
    if deed.role == "service":
        return machine(role, "Stride", deed.server)
    unknown = {"_address": {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}}  # a browser's is not kept
    return machine(role, "Browser", "") | {"network": unknown}


def _who(deed: Deed) -> Json:
    if _is_reference(deed.actor):
        return {"reference": deed.actor}
    return {"display": deed.actor or deed.role}


def _entities(deed: Deed) -> list[Json]:
    about = data(_what(deed)) | {"detail": list(_details(deed))}
    return [about, patient(deed.patient_id)] if deed.patient_id else [about]


def _what(deed: Deed) -> Json:
    if _is_reference(deed.subject):
        return {"reference": deed.subject}
    if deed.subject:
        return {"identifier": {"system": deed.server, "value": deed.subject}, "display": deed.action}
    return {"display": deed.action}


def _details(deed: Deed) -> list[Json]:
    told = {"action": deed.action, "row": str(deed.id), "signature": deed.mac}
    told |= {name: str(value) for name, value in deed.details.items()}
    return [{"type": name, "valueString": value} for name, value in told.items() if value]


def _is_reference(text: str) -> bool:
    kind, _, id_ = text.partition("/")
    return kind in RESOURCE_TYPES and bool(id_) and "/" not in id_
