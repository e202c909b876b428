"""The dose as an order to the patient: a second ServiceRequest, which no programme has to accept."""

from __future__ import annotations

from collections.abc import Sequence

from mappings.errors import InvalidResource
from mappings.to_fhir.codes import EXERCISE_THERAPY, PERTAINS_TO_GOAL, Json
from mappings.to_fhir.dose import Dose, dose_of
from mappings.to_fhir.facts import EXERCISE_PRESCRIPTION, ReferralFacts, instant
from mappings.to_fhir.narrative import Gettext, dose_in_words
from mappings.to_fhir.service_request import request_core


def exercise_prescription(
    facts: ReferralFacts, status: str, goals: Sequence[str] = (), *, gettext: Gettext | None = None
) -> Json:
    """The exercise prescription, with the patient as performer; it never has a Task.

    Raises `InvalidResource` when the summary holds no dose.

    Source: prescription.md section 11; standards.md 3.1 and 3.9.
    """
    dose = dose_of(facts.summary)
    if dose is None:
        raise InvalidResource("an exercise prescription needs a dose")
    resource = request_core(facts, status, EXERCISE_PRESCRIPTION, EXERCISE_THERAPY, "409063005")
    bounds = resource.pop("occurrencePeriod")
    resource["occurrenceTiming"] = {"repeat": {"boundsPeriod": bounds, **_frequency(dose)}}
    resource["performer"] = [facts.patient.json()]
    resource["patientInstruction"] = " ".join(line.render(gettext) for line in dose_in_words(dose))
    if goals:
        resource["extension"] = [{"url": PERTAINS_TO_GOAL, "valueReference": {"reference": goal}} for goal in goals]
    if dose.caps:
        resource["note"] = [
            {
                "authorReference": facts.owner.json(),
                "time": instant(facts.authored_on),
                "text": "\n".join(f"- Avoid: {cap}" if cap in dose.avoid else f"- {cap}" for cap in dose.caps),
            }
        ]
    return resource


def _frequency(dose: Dose) -> Json:
    """How often: the aerobic part; of a plan without one, the strength part."""
    if not dose.minutes_per_week:
        return {"frequency": max(dose.strength_days, 1), "period": 1, "periodUnit": "wk"}
    return {
        "frequency": dose.days,
        "period": 1,
        "periodUnit": "wk",
        "duration": dose.minutes,
        "durationUnit": "min",
    }
