"""What we write for the invented patients, from their own decisions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from fhirapp.demo_ehr.patients import ExampleChart, example_charts
from mappings.bundle import chart_of_bundle
from mappings.canonical import episode_id
from mappings.from_fhir.snapshot import snapshot_from
from mappings.to_fhir.care_plan import care_plan
from mappings.to_fhir.detected_issue import detected_issues
from mappings.to_fhir.exercise_prescription import exercise_prescription
from mappings.to_fhir.facts import Ref, ReferralFacts
from mappings.to_fhir.goal import goals
from mappings.to_fhir.risk_assessment import risk_assessments
from mappings.to_fhir.service_request import service_request
from mappings.to_fhir.suggestion import suggestion
from models.proposal import decide
from models.summary import summary
from tests.mappings.to_fhir.builders import ADELAIDE

Json = dict[str, Any]
TODAY = date(2026, 11, 25)


def written_for_the_demo() -> dict[str, Json]:
    """Name of the case -> the instance, for every eligible patient of the demo."""
    return dict(case for chart in example_charts(TODAY) for case in _written(chart))


def _written(chart: ExampleChart) -> Iterator[tuple[str, Json]]:
    facts = _facts(chart)
    name = chart.patient_id
    if facts.reason is None:
        return
    yield f"{name}-referral", service_request(facts, "draft")
    for issue in detected_issues(facts):
        yield f"{name}-{issue['code']['coding'][0]['code']}", issue
    for number, assessment in enumerate(risk_assessments(facts)):
        yield f"{name}-risk-{number}", assessment
    if facts.summary["prescription"]:
        yield f"{name}-plan", care_plan(facts, "draft", "ServiceRequest/sr", ["Goal/a"])
        yield f"{name}-prescription", exercise_prescription(facts, "draft", ["Goal/a"])
        for number, goal in enumerate(goals(facts, "proposed")):
            yield f"{name}-goal-{number}", goal
    for resource in suggestion(facts, facts.summary["release"]["prescription"]):
        yield f"{name}-suggested-{resource['resourceType']}-{resource['id'][:8]}", resource


def _facts(chart: ExampleChart) -> ReferralFacts:
    as_of = datetime(2026, 11, 25, 23, 40, tzinfo=ADELAIDE)
    snapshot = snapshot_from(chart_of_bundle(json.dumps(chart.bundle).encode()), as_of=as_of)
    decided = summary(decide(snapshot))
    condition = decided["eligibility"]["condition"]
    words = decided["eligibility"]["condition_text"]
    return ReferralFacts(
        tenant_id="city",
        patient_id=chart.patient_id,
        patient_display=chart.title,
        episode_id=episode_id("city", chart.patient_id, 1),
        authored_on=as_of,
        requester=Ref("Practitioner/dr-lind", "Dr Maren Lind"),
        owner=Ref("Organization/stride-exercise-service", "Exercise Service, City Hospital"),
        reason=Ref(condition, words) if condition else None,
        reason_text=words,
        encounter=None,
        summary=decided,
        plan_start=TODAY,
    )
