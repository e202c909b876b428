"""What a card suggests to create: the referral as a draft, and its plan when that may be released."""

from __future__ import annotations

from mappings.to_fhir.care_plan import care_plan
from mappings.to_fhir.codes import Json
from mappings.to_fhir.facts import ReferralFacts
from mappings.to_fhir.goal import goals
from mappings.to_fhir.service_request import service_request


def suggestion(facts: ReferralFacts, with_prescription: bool) -> tuple[Json, ...]:
    """The resources of one suggestion, in the order to create them.

    Each has a temporary id, and they refer to one another by `Type/temporary id`, so that the EHR can
    run them as one transaction. Without a prescription, or without leave to release it, the referral alone.

    Source: standards.md CH-A2, CH-A4, CH-A6.
    """
    referral = _with_temporary_id(service_request(facts, "draft"))
    aims = [_with_temporary_id(goal) for goal in goals(facts, "proposed")] if with_prescription else []
    if not with_prescription or not facts.summary.get("prescription"):
        return (referral,)
    plan = care_plan(facts, "draft", _reference(referral), [_reference(aim) for aim in aims])
    return (referral, *aims, _with_temporary_id(plan))


def _with_temporary_id(resource: Json) -> Json:
    """The business identifier serves as temporary id: it is unique, and a legal FHIR id."""
    kind, rest = resource["resourceType"], {k: v for k, v in resource.items() if k != "resourceType"}
    return {"resourceType": kind, "id": resource["identifier"][0]["value"], **rest}


def _reference(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
