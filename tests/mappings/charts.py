"""Small FHIR resources for tests: a test says only what it is about."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mappings.bundle import Chart, Part, read_chart
from mappings.canonical import SAFETY_QUESTIONS, STRIDE_OBSERVATIONS
from mappings.from_fhir.snapshot import snapshot_from
from models.snapshot import Fact, PatientSnapshot, Reading

ZONE = ZoneInfo("Australia/Melbourne")
AS_OF = datetime(2026, 11, 25, 14, 30, tzinfo=ZONE)
PATIENT = "pat-1"

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
UCUM = "http://unitsofmeasure.org"

Json = dict[str, Any]


def concept(system: str, code: str, display: str | None = None) -> Json:
    coding = {"system": system, "code": code}
    return {"coding": [coding | ({"display": display} if display else {})]}


def quantity(value: float, unit: str, /, **more: Any) -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit} | more


def resource(kind: str, id_: str, **fields: Any) -> Json:
    made = {"resourceType": kind, "id": id_, "subject": {"reference": f"Patient/{PATIENT}"}} | fields
    return {name: value for name, value in made.items() if value is not None}


def patient(**fields: Any) -> Json:
    made = {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1961-04-02"} | fields
    return {name: value for name, value in made.items() if value is not None}


def observation(
    code: str, value: Json | None = None, /, *, system: str = LOINC, id_: str = "obs-1", **fields: Any
) -> Json:
    """A final observation of this morning."""
    given = {
        "status": "final",
        "code": concept(system, code),
        "effectiveDateTime": "2026-11-25T09:00:00+11:00",
    }
    if value is not None:
        given["valueQuantity"] = value
    return resource("Observation", id_, **(given | fields))


def local_observation(code: str, id_: str = "obs-1", **fields: Any) -> Json:
    return observation(code, system=STRIDE_OBSERVATIONS, id_=id_, **fields)


def condition(code: str, /, *, system: str = ICD, id_: str = "cond-1", **fields: Any) -> Json:
    """An active, confirmed condition of last May."""
    status = "http://terminology.hl7.org/CodeSystem/condition-"
    given: Json = {
        "clinicalStatus": concept(f"{status}clinical", "active"),
        "verificationStatus": concept(f"{status}ver-status", "confirmed"),
        "code": concept(system, code),
        "onsetDateTime": "2026-05-04",
    }
    for name, part in (("clinicalStatus", "clinical"), ("verificationStatus", "ver-status")):
        if isinstance(fields.get(name), str):
            fields[name] = concept(f"{status}{part}", fields[name])
    return resource("Condition", id_, **(given | fields))


def order(code: str, /, *, system: str = RXNORM, id_: str = "med-1", **fields: Any) -> Json:
    given: Json = {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(system, code),
        "authoredOn": "2026-11-20T10:00:00+11:00",
    }
    return resource("MedicationRequest", id_, **(given | fields))


def procedure(code: str, /, *, id_: str = "proc-1", **fields: Any) -> Json:
    given: Json = {
        "status": "completed",
        "code": concept(SNOMED, code),
        "performedDateTime": "2026-11-10",
    }
    return resource("Procedure", id_, **(given | fields))


def answers(*, id_: str = "qr-1", questionnaire: str = SAFETY_QUESTIONS, **said: bool | None) -> Json:
    """Answers of yesterday; `new_dyspnoea=True` answers the linkId `new-dyspnoea`."""
    items = [
        {"linkId": name.replace("_", "-"), "answer": [{"valueBoolean": value}]}
        if value is not None
        else {"linkId": name.replace("_", "-")}
        for name, value in said.items()
    ]
    return resource(
        "QuestionnaireResponse",
        id_,
        questionnaire=questionnaire,
        status="completed",
        authored="2026-11-24T18:00:00+11:00",
        item=items,
    )


def bundle(*resources: Json, kind: str = "searchset", **fields: Any) -> bytes:
    entries = [{"resource": one} for one in resources]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries} | fields).encode()


def chart_with(*resources: Json) -> Chart:
    """A chart of our patient and these."""
    first = () if any(one.get("resourceType") == "Patient" for one in resources) else (patient(),)
    return read_chart([Part("chart", bundle(*first, *resources))], patient_id=PATIENT)


def snapshot_with(*resources: Json, as_of: datetime = AS_OF) -> PatientSnapshot:
    return snapshot_from(chart_with(*resources), as_of=as_of)


def reading(alias: str, *resources: Json) -> Reading | None:
    """The newest reading of an input in a chart of these."""
    return snapshot_with(*resources).latest(alias)


def fault(*resources: Json) -> tuple[str, str] | None:
    """Input and reason of the only fault of a chart of these."""
    faults = snapshot_with(*resources).faults
    assert len(faults) <= 1, faults
    return (faults[0].input, faults[0].why) if faults else None


def facts(value_set: str, *resources: Json, as_of: datetime = AS_OF) -> list[Fact]:
    return list(snapshot_with(*resources, as_of=as_of).having(value_set))
