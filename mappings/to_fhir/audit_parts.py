"""What every AuditEvent of ours is made of. Source: standards.md 6.5; IHE ITI BALP 1.1.4."""

from __future__ import annotations

from typing import Final

from mappings.to_fhir.codes import Json, coding, concept

BALP: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
SOURCE, DESTINATION = ("110153", "Source Role ID"), ("110152", "Destination Role ID")
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_ENTITY: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def machine(role: tuple[str, str], name: str, address: str) -> Json:
    """The agent that is a program, at its address."""
    return {
        "type": concept(_DICOM, *role),
        "who": {"display": name},
        "requestor": False,
        "network": {"address": address, "type": "5"},
    }


def person(who: Json, role: str, *, reads: bool) -> Json:
    """The agent that is somebody: who was told something, or who did it."""
    kind = ("IRCP", "information recipient") if reads else ("AUT", "author (originator)")
    agent: Json = {"type": concept(_PARTICIPATION, *kind), "who": who, "requestor": True}
    return agent | {"role": [{"text": role}]} if role else agent


def data(what: Json) -> Json:
    """The entity that is a resource or a row."""
    return {
        "type": coding(_ENTITY, "2", "System Object"),
        "role": coding(_ROLE, "4", "Domain Resource"),
        "what": what,
    }


def patient(patient_id: str) -> Json:
    """The entity that is the patient whose record it was."""
    return {
        "type": coding(_ENTITY, "1", "Person"),
        "role": coding(_ROLE, "1", "Patient"),
        "what": {"reference": f"Patient/{patient_id}"},
    }
