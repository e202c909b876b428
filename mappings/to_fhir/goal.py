"""What the plan aims at: Goals of the HL7 Physical Activity guide."""

from __future__ import annotations

from mappings.to_fhir.codes import LOINC, PA_GOAL, UCUM, Json, concept, physical_activity
from mappings.to_fhir.dose import dose_of, plan_end
from mappings.to_fhir.facts import GOAL_ACTIVITY, GOAL_STRENGTH, ReferralFacts


def goals(facts: ReferralFacts, status: str) -> list[Json]:
    """The activity goal and, where strength work is prescribed, the strength goal; none without a dose.

    The target is the dose that was prescribed, never a guideline's figure above it: a cap of the
    rules must not be overrun by a goal.

    Source: standards.md 3.3; prescription.md section 1.
    """
    dose = dose_of(facts.summary)
    if dose is None:
        return []
    found = []
    if dose.minutes_per_week:
        words = f"Be active for {dose.minutes_per_week} minutes a week, on {dose.days} days"
        measure = concept(LOINC, "82290-8", "Frequency of moderate to vigorous aerobic physical activity")
        found.append(_goal(facts, status, GOAL_ACTIVITY, words, measure, dose.minutes_per_week, "min/wk"))
    if dose.strength_days:
        words = f"Do strength exercises on {dose.strength_days} days a week"
        measure = concept(LOINC, "82291-6", "Frequency of muscle-strengthening physical activity")
        found.append(_goal(facts, status, GOAL_STRENGTH, words, measure, dose.strength_days, "d/wk"))
    return found


def goal(facts: ReferralFacts, kind: str, status: str) -> Json | None:
    """The goal of one kind (`goal-activity`, `goal-strength`); `None` when the dose has none of it."""
    return next((found for found in goals(facts, status) if found["identifier"] == facts.identifiers(kind)), None)


def _goal(facts: ReferralFacts, status: str, kind: str, words: str, measure: Json, value: int, unit: str) -> Json:
    resource: Json = {
        "resourceType": "Goal",
        "meta": {"profile": [PA_GOAL]},
        "identifier": facts.identifiers(kind),
        "lifecycleStatus": status,
        "category": [physical_activity()],
        "description": {"text": words},
        "subject": facts.patient.json(),
        "startDate": facts.plan_start.isoformat(),
        "target": [
            {
                "measure": measure,
                "detailQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
                "dueDate": plan_end(facts.summary, facts.plan_start).isoformat(),
            }
        ],
    }
    if facts.reason and facts.reason.type == "Condition":
        resource["addresses"] = [facts.reason.json()]
    return resource
