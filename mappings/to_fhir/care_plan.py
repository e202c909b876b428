"""The exercise plan: a CarePlan of the HL7 Physical Activity guide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from mappings.errors import InvalidResource
from mappings.to_fhir.codes import CARE_PLAN_CATEGORY, PA_CARE_PLAN, Json, concept, physical_activity
from mappings.to_fhir.dose import Dose, dose_of, period
from mappings.to_fhir.facts import CARE_PLAN, ReferralFacts, instant
from mappings.to_fhir.narrative import Gettext, narrative


def care_plan(
    facts: ReferralFacts,
    status: str,
    service_request: str,
    goals: Sequence[str],
    *,
    gettext: Gettext | None = None,
) -> Json:
    """The plan that belongs to a referral. Raises `InvalidResource` when the summary holds no dose.

    `gettext` puts the narrative into the patient's language; without one it is English.

    Source: standards.md 3.2; prescription.md section 11.
    """
    dose = dose_of(facts.summary)
    if dose is None:
        raise InvalidResource("a plan cannot be written without a prescription")
    resource: Json = {
        "resourceType": "CarePlan",
        "meta": {"profile": [PA_CARE_PLAN]},
        "text": narrative(dose, gettext),
        "identifier": facts.identifiers(CARE_PLAN),
        "status": status,
        "intent": "plan",
        "category": [
            concept(CARE_PLAN_CATEGORY, "assess-plan", "Assessment and Plan of Treatment"),
            physical_activity(),
        ],
        "title": "Exercise plan",
        "subject": facts.patient.json(),
        "period": period(facts.summary, facts.plan_start),
        "created": instant(facts.authored_on),
        "author": facts.requester.json(),
        "activity": [{"reference": {"reference": service_request}}, *_activities(dose)],
    }
    if facts.encounter:
        resource["encounter"] = facts.encounter.json()
    if facts.reason and facts.reason.type == "Condition":
        resource["addresses"] = [facts.reason.json()]
    if goals:
        resource["goal"] = [{"reference": goal} for goal in goals]
    if log := _log(facts):
        resource["note"] = [{"authorReference": facts.owner.json(), "time": instant(facts.authored_on), "text": log}]
    return resource


def _activities(dose: Dose) -> list[Json]:
    """The aerobic and the strength part, each with its timing."""
    found = []
    if dose.minutes_per_week:
        timing = {
            "repeat": {
                "frequency": dose.days,
                "period": 1,
                "periodUnit": "wk",
                "duration": dose.minutes,
                "durationUnit": "min",
            }
        }
        effort = f"Borg {dose.rpe_min}-{dose.rpe_max} of 6-20" if dose.rpe_min and dose.rpe_max else ""
        found.append(_activity("Aerobic exercise", timing, "; ".join([*map(str, dose.modes), effort]).strip("; ")))
    if dose.strength_days:
        timing = {"repeat": {"frequency": dose.strength_days, "period": 1, "periodUnit": "wk"}}
        words = f"{dose.sets} x {dose.repetitions}; {dose.load}".strip("; ")
        found.append(_activity("Resistance exercise", timing, words))
    return found


def _activity(name: str, timing: Json, words: str) -> Json:
    detail: Json = {"code": {"text": name}, "status": "not-started", "scheduledTiming": timing}
    if words:
        detail["description"] = words
    return {"detail": detail}


def _log(facts: ReferralFacts) -> str:
    """Which rule or table set each number, for the professional who reads the plan."""
    reasons = (facts.summary.get("prescription") or {}).get("reasons") or ()
    grouped = groupby(reasons, key=lambda reason: (str(reason.get("text", "")), str(reason.get("by", ""))))
    return "\n".join(_set_by(text, by, list(group)) for (text, by), group in grouped)


def _set_by(text: str, by: str, reasons: Sequence[Mapping[str, Any]]) -> str:
    """One line: `aerobic.minutes 20, weeks 12: why [table 2, P2]`; a number that only repeats the why is left out."""
    numbers = ", ".join(
        f"{reason.get('what', '')} {reason.get('value', '')}".strip()
        for reason in reasons
        if reason.get("value") not in (text, by)
    )
    return f"- {numbers + ': ' if numbers else ''}{text} [{by}]"
