"""What a decision would put into an EHR, for somebody who looks at one chart: nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from fhirapp.referrals.fhir_status import FHIR, GOALS, NAVIGATOR_TASK, SERVICE_REQUEST
from fhirapp.referrals.status import State
from mappings.canonical import episode_id
from mappings.to_fhir.care_plan import care_plan
from mappings.to_fhir.detected_issue import detected_issues
from mappings.to_fhir.exercise_prescription import exercise_prescription
from mappings.to_fhir.facts import CARE_PLAN, Ref, ReferralFacts
from mappings.to_fhir.goal import goal
from mappings.to_fhir.risk_assessment import risk_assessments
from mappings.to_fhir.service_request import service_request
from mappings.to_fhir.task import navigator_task
from mappings.to_fhir.validate import checked

TENANT: Final = "assess"  # a chart on its own belongs to no hospital: these three names stand for its settings
SIGNER: Final = Ref("Practitioner/who-signs", "whoever signs")
SERVICE: Final = Ref("Organization/exercise-service", "the exercise service")

Json = dict[str, Any]


def would_write(summary: Mapping[str, Any], as_of: datetime) -> list[Json]:
    """The resources that this summary leads to, each valid, with its business identifier as a temporary id.

    Released: the referral as it is written when it is signed, with the plan where one may be released. Held or waiting
    for clearance: what would tell the clinician why. Nothing for a patient who is not eligible.
    """
    if not summary["eligibility"]["eligible"]:
        return []
    facts = _facts(summary, as_of)
    return [checked(_with_id(resource)) for resource in _resources(facts, summary)]


def _resources(facts: ReferralFacts, summary: Mapping[str, Any]) -> Iterator[Json]:
    yield from detected_issues(facts)
    yield from risk_assessments(facts)
    if not summary["release"]["referral"]:
        return
    table = FHIR[State.OPT_OUT_OPEN]
    request = f"ServiceRequest/{facts.identifier_of(SERVICE_REQUEST)}"
    yield service_request(facts, table[SERVICE_REQUEST].status)
    if summary["release"]["prescription"]:
        yield from _plan(facts, request)
    wanted = table[NAVIGATOR_TASK]
    yield navigator_task(facts, wanted.status, str(wanted.business_status), request)


def _plan(facts: ReferralFacts, request: str) -> Iterator[Json]:
    table = FHIR[State.OPT_OUT_OPEN]
    aims = [made for kind in GOALS if (made := goal(facts, kind, table[kind].status)) is not None]
    references = [f"Goal/{aim['identifier'][0]['value']}" for aim in aims]
    yield from aims
    yield exercise_prescription(facts, "draft", references)
    yield care_plan(facts, table[CARE_PLAN].status, request, references)


def _facts(summary: Mapping[str, Any], as_of: datetime) -> ReferralFacts:
    eligibility = summary["eligibility"]
    condition = eligibility.get("condition")
    patient_id = summary["patient"]
    return ReferralFacts(
        tenant_id=TENANT,
        patient_id=patient_id,
        patient_display="",
        episode_id=episode_id(TENANT, patient_id, 1),
        authored_on=as_of,
        requester=SIGNER,
        owner=SERVICE,
        reason=Ref(condition, eligibility.get("condition_text", "")) if condition else None,
        reason_text=eligibility.get("condition_text") or eligibility["reason"],
        encounter=None,
        summary=summary,
        plan_start=as_of.date(),
    )


def _with_id(resource: Json) -> Json:
    return {"resourceType": resource["resourceType"], "id": resource["identifier"][0]["value"], **resource}
