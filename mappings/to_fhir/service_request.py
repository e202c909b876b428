"""The referral itself: a ServiceRequest of the HL7 Physical Activity guide."""

from __future__ import annotations

from typing import Final

from mappings.errors import InvalidResource
from mappings.to_fhir.codes import (
    PA_SERVICE_REQUEST,
    US_CORE_SERVICE_REQUEST,
    Json,
    physical_activity,
    referral_codes,
    snomed,
)
from mappings.to_fhir.dose import period
from mappings.to_fhir.facts import SERVICE_REQUEST, ReferralFacts, instant

_MAY_REQUEST: Final = frozenset({"Practitioner", "PractitionerRole"})
_TOLD_TO_THE_PROGRAMME: Final = frozenset({"CLEAR", "SUP", "MOD"})


def service_request(facts: ReferralFacts, status: str) -> Json:
    """The referral to the exercise service. Raises `InvalidResource` when nobody may have asked for it.

    An unsigned proposal is `draft` with intent `order`: the profile knows no `proposal`.

    Source: standards.md 3.1; pathway.md section 5.
    """
    code, category, detail = referral_codes(str(facts.summary.get("destination", "")))
    resource = request_core(facts, status, SERVICE_REQUEST, code, category)
    if detail:
        resource["orderDetail"] = [snomed(detail)]
    resource["performer"] = [facts.owner.json()]
    if facts.supporting:
        resource["supportingInfo"] = [ref.json() for ref in facts.supporting]
    if facts.replaces:
        resource["replaces"] = [facts.replaces.json()]
    if precautions := _precautions(facts):
        resource["note"] = [
            {
                "authorReference": facts.owner.json(),
                "time": instant(facts.authored_on),
                "text": precautions,
            }
        ]
    return resource


def request_core(facts: ReferralFacts, status: str, kind: str, code: str, category: str) -> Json:
    """What both of our ServiceRequests share: who, for whom, when and why."""
    if facts.requester.type not in _MAY_REQUEST:
        raise InvalidResource(
            f"only a Practitioner or PractitionerRole may request, not {facts.requester.type or 'an unknown type'}"
        )
    resource: Json = {
        "resourceType": "ServiceRequest",
        "meta": {"profile": [PA_SERVICE_REQUEST, US_CORE_SERVICE_REQUEST]},
        "identifier": facts.identifiers(kind),
        "status": status,
        "intent": "order",
        "category": [physical_activity(), snomed(category)],
        "priority": _priority(facts),
        "code": snomed(code),
        "subject": facts.patient.json(),
        "occurrencePeriod": period(facts.summary, facts.plan_start),
        "authoredOn": instant(facts.authored_on),
        "requester": facts.requester.json(),
    }
    if facts.encounter:
        resource["encounter"] = facts.encounter.json()
    resource |= _reason(facts)
    return resource


def _reason(facts: ReferralFacts) -> Json:
    if facts.reason and facts.reason.type == "Condition":
        return {"reasonReference": [facts.reason.json()]}
    if facts.reason_text:
        return {"reasonCode": [{"text": facts.reason_text}]}
    raise InvalidResource("a referral needs its reason: a Condition, or words")


def _priority(facts: ReferralFacts) -> str:
    """Prehabilitation has days, not months: the date of the operation is set."""
    return "urgent" if facts.summary.get("phase") == "P1" else "routine"


def _precautions(facts: ReferralFacts) -> str:
    """What a programme must know before the first session; "" when there is nothing."""
    lines = [
        f"- {finding['text']} ({finding['rule']})"
        for finding in facts.summary.get("findings", ())
        if finding.get("effect") in _TOLD_TO_THE_PROGRAMME
    ]
    supervision = facts.summary.get("min_supervision")
    head = f"Minimum supervision: {supervision} (0 self-managed, 4 medically supervised)." if supervision else ""
    return "\n".join([*([head] if head else []), *(["Precautions:", *lines] if lines else [])])
