"""What a visitor can enter into a chart: a result, the safety answers, an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fhirapp.demo_ehr.chart_codes import LABORATORY, LOINC, QUESTIONS, RXNORM, TERMINOLOGY, UCUM, VITAL
from fhirapp.demo_ehr.settings import Resource
from mappings.canonical import SAFETY_QUESTIONS


@dataclass(frozen=True, slots=True)
class Enterable:
    """One kind of result that the form offers."""

    key: str
    label: str
    unit: str  # as a person reads it
    lowest: float
    highest: float


RESULTS: Final = (
    Enterable("platelets", "Platelets", "×10⁹/L", 0, 2000),
    Enterable("hb", "Haemoglobin", "g/L", 10, 250),
    Enterable("anc", "Neutrophils", "×10⁹/L", 0, 100),
    Enterable("temp", "Temperature", "°C", 30, 43),
)


@dataclass(frozen=True, slots=True)
class Order:
    """One order that the form offers to sign."""

    key: str
    label: str
    drug: str
    code: str
    dose: str


ORDERS: Final = (
    Order("paclitaxel", "Paclitaxel 80 mg/m², weekly", "paclitaxel", "56946", "80 mg/m2 once a week"),
    Order("oxaliplatin", "Oxaliplatin 85 mg/m², every 2 weeks", "oxaliplatin", "32592", "85 mg/m2 every 2 weeks"),
    Order("carboplatin", "Carboplatin AUC 5, every 3 weeks", "carboplatin", "40048", "AUC 5 every 3 weeks"),
    Order("letrozole", "Letrozole 2.5 mg, daily", "letrozole", "72965", "2.5 mg once a day"),
)


def result(patient_id: str, key: str, value: float, at: datetime) -> Resource:
    """A final result of now. Raises ValueError for a kind or value that the form does not offer."""
    offered = next((one for one in RESULTS if one.key == key), None)
    if offered is None or not offered.lowest <= value <= offered.highest:
        raise ValueError("no such result")
    code, display, unit = {**LABORATORY, **VITAL}[key]
    moment = at.isoformat(timespec="seconds")
    group = "laboratory" if key in LABORATORY else "vital-signs"
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": f"{TERMINOLOGY}/observation-category", "code": group}]}],
        "code": {"coding": [{"system": LOINC, "code": code, "display": display}]},
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": moment,
        "issued": moment,
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    }


def answers(patient_id: str, said: Mapping[str, str], at: datetime) -> Resource:
    """The completed safety questions. Raises ValueError unless each is answered yes or no."""
    if any(said.get(link_id) not in ("yes", "no") for link_id in QUESTIONS):
        raise ValueError("a question is not answered")
    items = [
        {"linkId": link_id, "text": text, "answer": [{"valueBoolean": said[link_id] == "yes"}]}
        for link_id, text in QUESTIONS.items()
    ]
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": SAFETY_QUESTIONS,
        "status": "completed",
        "subject": {"reference": f"Patient/{patient_id}"},
        "authored": at.isoformat(timespec="seconds"),
        "source": {"reference": f"Patient/{patient_id}"},
        "item": items,
    }


def order(patient_id: str, key: str, requester: str, at: datetime, *, status: str) -> Resource:
    """A medication order. Raises ValueError for one that the form does not offer."""
    chosen = next((one for one in ORDERS if one.key == key), None)
    if chosen is None:
        raise ValueError("no such order")
    drug = {"system": RXNORM, "code": chosen.code, "display": chosen.drug}
    return {
        "resourceType": "MedicationRequest",
        "id": f"draft-{chosen.key}",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"coding": [drug], "text": chosen.drug},
        "subject": {"reference": f"Patient/{patient_id}"},
        "authoredOn": at.isoformat(timespec="seconds"),
        "requester": {"reference": requester},
        "dosageInstruction": [{"text": chosen.dose}],
    }
