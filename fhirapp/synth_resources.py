"""Resources of a made-up hospital, one function each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from fhirapp.synth_people import Person
from mappings.canonical import BASE

Json = dict[str, Any]

SNOMED: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
OURS: Final = f"{BASE}/CodeSystem/stride-observations"
PHYSICAL_FUNCTION: Final = "71959-1"
EXERCISE: Final = "229065009"
_ICD: Final = "http://hl7.org/fhir/sid/icd-10-cm"
_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-Act"


def result(person: Person, when: datetime, system: str, code: str, name: str = "", **value: Any) -> Json:
    """An Observation."""
    return made(
        person, "Observation", name or code, before=when, status="final", code=concept(system, code),
        effectiveDateTime=when.isoformat(), issued=when.isoformat(), **value,
    )  # fmt: skip


def points(score: float) -> Json:
    """T-points."""
    return {"value": score, "unit": "T", "system": "http://unitsofmeasure.org", "code": "{T}"}


def condition(person: Person, code: str, when: datetime) -> Json:
    """A confirmed diagnosis that is active."""
    status = "http://terminology.hl7.org/CodeSystem/condition-"
    return made(
        person, "Condition", code.replace(".", "-"), before=when, code=concept(_ICD, code),
        clinicalStatus=concept(f"{status}clinical", "active"),
        verificationStatus=concept(f"{status}ver-status", "confirmed"), recordedDate=when.isoformat(),
    )  # fmt: skip


def visit(person: Person, name: str, start: datetime, kind: str = "185349003") -> Json:
    """An outpatient visit of an hour."""
    return _encounter(person, name, start, "AMB", type=[concept(SNOMED, kind)])


def emergency_stay(person: Person, name: str, start: datetime) -> Json:
    """An inpatient stay that nobody had planned."""
    return _encounter(person, name, start, "IMP", priority=concept(f"{_ACT}Priority", "EM"))


def session(person: Person, name: str, start: datetime, *, came: bool) -> Json:
    """One planned session of exercise, and whether the patient came."""
    return made(
        person, "Appointment", name, before=start, status="fulfilled" if came else "noshow", start=start.isoformat(),
        serviceType=[concept(SNOMED, EXERCISE)], participant=[{"actor": {"reference": f"Patient/{person.id}"}}],
    )  # fmt: skip


def walking_aid(person: Person, name: str, when: datetime) -> Json:
    """The statement that a patient uses a walking aid from now on."""
    return made(
        person, "DeviceUseStatement", name, before=when, status="active", device={"display": "Rollator"},
        timingDateTime=when.isoformat(), recordedOn=when.isoformat(),
    )  # fmt: skip


def made(person: Person, kind: str, name: str, *, before: datetime, **content: Any) -> Json:
    """A resource of one patient that was last changed at `before`."""
    return {
        "resourceType": kind,
        "id": f"{person.id}-{name.lower()}",
        "meta": {"lastUpdated": before.isoformat()},
        "subject": {"reference": f"Patient/{person.id}"},
        **content,
    }


def concept(system: str, code: str) -> Json:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}]}


def _encounter(person: Person, name: str, start: datetime, kind: str, **content: Any) -> Json:
    classed = {"system": f"{_ACT}Code", "code": kind}
    period = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
    return made(
        person, "Encounter", name, before=start, status="finished", period=period, **content, **{"class": classed}
    )
