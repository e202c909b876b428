"""The two Tasks of a referral: the navigator's own, and the one that asks a programme."""

from __future__ import annotations

from mappings.to_fhir.codes import (
    PA_TASK,
    STRIDE_BUSINESS_STATUS,
    STRIDE_TASKS,
    TASK_CODE,
    Json,
    coding,
    concept,
)
from mappings.to_fhir.facts import NAVIGATOR_TASK, Ref, ReferralFacts, instant


def navigator_task(facts: ReferralFacts, status: str, business_status: str, service_request: str) -> Json:
    """The Task by which the exercise service coordinates a referral; base R4, with a code of our own.

    Source: pathway.md section 5 (NT).
    """
    code = concept(STRIDE_TASKS, "coordinate-referral", "Coordinate an exercise referral")
    resource = _task(facts, status, NAVIGATOR_TASK, code, service_request)
    resource["businessStatus"] = business_status_of(business_status)
    resource["requester"] = facts.requester.json()
    resource["owner"] = facts.owner.json()
    return resource


def fulfilment_task(
    facts: ReferralFacts,
    status: str,
    service_request: str,
    programme: Ref,
    attempt: int,
    *,
    part_of: str | None = None,
) -> Json:
    """The Task that asks one programme to take the patient; `attempt` counts the programmes asked (1, 2, ...).

    Source: standards.md 3.5 and 3.9.
    """
    code = concept(TASK_CODE, "fulfill", "Fulfill the focal request")
    resource = _task(facts, status, f"fulfilment-task-{attempt}", code, service_request)
    resource["meta"] = {"profile": [PA_TASK]}
    resource["requester"] = facts.owner.json()
    resource["owner"] = programme.json()
    if part_of:
        resource["partOf"] = [{"reference": part_of}]
    return resource


def business_status_of(words: str) -> Json:
    """A businessStatus: the words, and for one of our own codes (`collect-data`) the coding too."""
    if words and all(part.isalpha() and part.islower() for part in words.split("-")):
        text = words.replace("-", " ").capitalize()
        return {"coding": [coding(STRIDE_BUSINESS_STATUS, words, text)], "text": text}
    return {"text": words}


def _task(facts: ReferralFacts, status: str, kind: str, code: Json, service_request: str) -> Json:
    focus = {"reference": service_request}
    resource: Json = {
        "resourceType": "Task",
        "identifier": facts.identifiers(kind),
        "basedOn": [focus],
        "status": status,
        "intent": "order",
        "priority": "urgent" if facts.summary.get("phase") == "P1" else "routine",
        "code": code,
        "focus": focus,
        "for": facts.patient.json(),
        "authoredOn": instant(facts.authored_on),
    }
    if facts.encounter:
        resource["encounter"] = facts.encounter.json()
    return resource
