"""Every code that we write, in one place: systems, profiles, concepts. Source: standards.md part 3."""

from __future__ import annotations

from typing import Any, Final

from mappings.canonical import BASE

Json = dict[str, Any]

SNOMED: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
PA_CODES: Final = "http://hl7.org/fhir/us/physical-activity/CodeSystem/pa-temporary-codes"
CARE_PLAN_CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category"
TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
STRIDE_TASKS: Final = f"{BASE}/CodeSystem/task-codes"
STRIDE_BUSINESS_STATUS: Final = f"{BASE}/CodeSystem/task-business-status"

_PA: Final = "http://hl7.org/fhir/us/physical-activity/StructureDefinition/"
PA_SERVICE_REQUEST: Final = f"{_PA}pa-servicerequest"
PA_CARE_PLAN: Final = f"{_PA}pa-careplan"
PA_GOAL: Final = f"{_PA}pa-goal"
PA_TASK: Final = f"{_PA}pa-task-for-referral-management"
US_CORE_SERVICE_REQUEST: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-servicerequest"

STATUS_REASON: Final = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
PERTAINS_TO_GOAL: Final = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"

# HL7's label for what software asserted; its AI transparency guide is a ballot, so it is off unless asked for.
AI_ASSERTED: Final[Json] = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}

EXERCISE_THERAPY: Final = "229065009"
_DISPLAYS: Final = {
    "390893007": "Referral to physical activity program",
    EXERCISE_THERAPY: "Exercise therapy",
    "229095001": "Exercise class",
    "409063005": "Counselling",
    "91251008": "Physical therapy procedure",
    "306170007": "Referral to physiotherapy service",
    "719858009": "Telehealth monitoring",
}


def coding(system: str, code: str, display: str = "") -> Json:
    """One Coding; without a display where we have none."""
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(system: str, code: str, display: str = "", text: str = "") -> Json:
    """One CodeableConcept with one coding."""
    return {"coding": [coding(system, code, display)]} | ({"text": text} if text else {})


def snomed(code: str) -> Json:
    """A SNOMED CT concept of ours, with its display."""
    return concept(SNOMED, code, _DISPLAYS[code])


def physical_activity() -> Json:
    """The category that the HL7 Physical Activity guide puts on everything."""
    return concept(PA_CODES, "PhysicalActivity", "Physical Activity")


# What a referral asks for, by destination: (code, category, order detail).
# Codes outside the guide's value set go to `orderDetail`: its binding of `code` is extensible.
# Source: pathway.md section 3; standards.md 3.1.
_BY_DESTINATION: Final[dict[str, tuple[str, str, str | None]]] = {
    "D1": (EXERCISE_THERAPY, "91251008", None),
    "D2": (EXERCISE_THERAPY, "91251008", "306170007"),
    "D3": ("390893007", "409063005", "229095001"),
    "D4": (EXERCISE_THERAPY, "409063005", "719858009"),
    "D5": ("390893007", "409063005", None),
}


def referral_codes(destination: str) -> tuple[str, str, str | None]:
    """Code, category and order detail (SNOMED CT) of a referral to this kind of programme."""
    return _BY_DESTINATION.get(destination, ("390893007", "409063005", None))
