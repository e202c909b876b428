"""Every kind of resource that we write, in every state that it can be in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from mappings.to_fhir.audit_deed import Deed, audit_deed
from mappings.to_fhir.care_plan import care_plan
from mappings.to_fhir.changes import NEEDS_REASON, with_status
from mappings.to_fhir.communication import Notice, communication
from mappings.to_fhir.detected_issue import detected_issue, detected_issues, mitigated
from mappings.to_fhir.exercise_prescription import exercise_prescription
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.flag import ended, flag
from mappings.to_fhir.goal import goals
from mappings.to_fhir.provenance import provenance
from mappings.to_fhir.risk_assessment import risk_assessments
from mappings.to_fhir.service_request import service_request
from mappings.to_fhir.suggestion import suggestion
from mappings.to_fhir.task import fulfilment_task, navigator_task
from tests.mappings.to_fhir.builders import ADELAIDE, a_summary, some_facts

Json = dict[str, Any]
NOW = datetime(2026, 11, 26, 0, 10, tzinfo=ADELAIDE)
PROGRAMME = Ref("Organization/riverside-community-class", "Riverside Community Exercise Class")


def everything_we_write() -> dict[str, Json]:
    """Name of the case -> the instance."""
    return dict(
        [
            *_referrals(),
            *_plans(),
            *_goals(),
            *_navigator_tasks(),
            *_fulfilment_tasks(),
            *_suggestions(),
            *_prescriptions(),
            *_assessments(),
            *_notices(),
            *_origins(),
            *_deeds(),
        ]
    )


def _referrals() -> Iterator[tuple[str, Json]]:
    for status in ("draft", "active", "completed"):
        yield f"referral-{status}", service_request(some_facts(), status)
    for status in ("on-hold", "revoked", "entered-in-error"):
        active = service_request(some_facts(), "active")
        yield f"referral-{status}", with_status("service-request", active, status, reason="OO-TRANSP")
    for destination in ("D0", "D1", "D2", "D4", "D5"):
        facts = some_facts(summary=a_summary(destination=destination, phase="P1"))
        yield f"referral-to-{destination}", service_request(facts, "draft")
    bare = some_facts(
        reason=None, reason_text="Breast cancer", encounter=None, supporting=(), summary=a_summary(prescription=None)
    )
    yield "referral-without-dose-or-condition", service_request(bare, "active")
    again = some_facts(revision=2, replaces=Ref("ServiceRequest/old"))
    yield "referral-that-replaces", service_request(again, "active")


def _plans() -> Iterator[tuple[str, Json]]:
    for status in ("draft", "active", "completed"):
        yield f"plan-{status}", care_plan(some_facts(), status, "ServiceRequest/sr", ["Goal/a", "Goal/b"])
    for status in ("on-hold", "revoked"):
        plan = care_plan(some_facts(), "active", "ServiceRequest/sr", [])
        yield f"plan-{status}", with_status("care-plan", plan, status, reason="OO-UNWELL")


def _goals() -> Iterator[tuple[str, Json]]:
    for status in ("proposed", "active", "completed"):
        for number, goal in enumerate(goals(some_facts(), status)):
            yield f"goal-{number}-{status}", goal
    for status in ("on-hold", "cancelled"):
        changed = with_status("goal-activity", goals(some_facts(), "active")[0], status, reason="OO-TIME")
        yield f"goal-{status}", changed


def _navigator_tasks() -> Iterator[tuple[str, Json]]:
    task = navigator_task(some_facts(), "requested", "collect-data", "ServiceRequest/sr")
    yield "navigator-requested", task
    for status in ("accepted", "in-progress", "completed", "failed", "cancelled", "on-hold", "entered-in-error"):
        reason = "OO-LOST" if status in NEEDS_REASON else None
        yield f"navigator-{status}", with_status("navigator-task", task, status, reason=reason)


def _fulfilment_tasks() -> Iterator[tuple[str, Json]]:
    task = fulfilment_task(some_facts(), "requested", "ServiceRequest/sr", PROGRAMME, 1, part_of="Task/nt")
    yield "offer-requested", task
    for status in ("accepted", "rejected", "cancelled", "entered-in-error"):
        reason = "No place before spring" if status in NEEDS_REASON else None
        yield f"offer-{status}", with_status("fulfilment-task-1", task, status, reason=reason)
    running = with_status("fulfilment-task-1", task, "in-progress", business_status="Second week")
    yield "offer-in-progress", running
    for status in ("on-hold", "failed", "completed"):
        reason = "On a journey" if status in NEEDS_REASON else None
        yield f"offer-{status}", with_status("fulfilment-task-1", running, status, reason=reason)


def _suggestions() -> Iterator[tuple[str, Json]]:
    for name, with_prescription in (("suggestion-with-plan", True), ("suggestion-alone", False)):
        for resource in suggestion(some_facts(), with_prescription):
            yield f"{name}-{resource['resourceType']}-{resource['id'][:8]}", resource


def _prescriptions() -> Iterator[tuple[str, Json]]:
    for status in ("draft", "active"):
        yield f"prescription-{status}", exercise_prescription(some_facts(), status, ["Goal/a", "Goal/b"])
    active = exercise_prescription(some_facts(), "active")
    yield "prescription-revoked", with_status("exercise-prescription", active, "revoked", reason="OO-ACTIVE")


def _assessments() -> Iterator[tuple[str, Json]]:
    held = some_facts(summary=a_summary(findings=findings_that_hold()))
    for issue in detected_issues(held):
        yield f"issue-{issue['code']['coding'][0]['code']}", issue
    hold = findings_that_hold()[0]
    issue = detected_issue(held, hold, "detected-issue-RULE.2", NOW, "ServiceRequest/sr")
    yield "issue-against-a-referral", issue
    yield "issue-that-has-passed", mitigated(issue, NOW, "The exercise safety rules no longer find it")
    sign = flag(held, hold, "flag-RULE", NOW)
    yield "flag-of-a-hold", sign
    yield "flag-that-has-passed", ended(sign, NOW)
    for number, assessment in enumerate(risk_assessments(held, ai_tag=True)):
        yield f"risk-{number}", assessment


def findings_that_hold() -> list[Json]:
    """One finding of each effect, with the values that it rests on."""
    effects = ("HOLD-E", "HOLD", "CLEAR", "SUP", "MOD", "INFO")
    return [
        {
            "rule": f"RULE-{effect}",
            "effect": effect,
            "text": f"A finding with effect {effect}",
            "missing": effect == "CLEAR",
            "inputs": [
                {"name": "platelets", "value": "8", "unit": "10*9/L", "source": "Observation/ada-refer-platelets"},
                {"name": "fever", "value": "no", "source": "QuestionnaireResponse/ada-refer-safety-answers#fever"},
                {"name": "age", "value": "58", "source": ""},
            ],
        }
        for effect in effects
    ]


def _notices() -> Iterator[tuple[str, Json]]:
    patient = Ref("Patient/ada-refer", "Ada Marlow")
    for number, medium in enumerate(("email", "sms", "letter", "phone", "in-person", "video"), start=1):
        notice = Notice(number, patient, medium, "Exercise referral", "You can say no with one step.", NOW)
        yield f"notice-{medium}", communication(some_facts(), "completed", notice, ("ServiceRequest/sr",))
    sent = Notice(7, patient, "letter", "Exercise referral", "You can say no.", NOW, kind="patient-notice-referral")
    yield "notice-of-a-request", communication(some_facts(), "completed", sent, based_on=("ServiceRequest/sr",))
    withdrawn = replace(sent, medium="", sent=None, not_done="There was no reason to send it any more")
    yield "notice-not-sent", communication(some_facts(), "not-done", withdrawn, based_on=("ServiceRequest/sr",))
    lind = Ref("Practitioner/dr-lind", "Dr Maren Lind")
    alert = Notice(9, lind, "email", "Held", "Platelets of 8.", None, category="alert", urgent=True)
    yield "notice-of-a-hold", communication(some_facts(), "preparation", alert)


def _origins() -> Iterator[tuple[str, Json]]:
    targets = ["ServiceRequest/sr", "Goal/a"]
    yield "origin-create", provenance(some_facts(), targets, activity="CREATE", recorded=NOW)
    hospital = Ref("Organization/city-hospital")
    yield (
        "origin-update-tagged",
        provenance(some_facts(), targets, activity="UPDATE", recorded=NOW, organization=hospital, ai_tag=True),
    )


def _deeds() -> Iterator[tuple[str, Json]]:
    """Rows of our own audit: pages, hooks, jobs, with a patient and without."""
    rows = (
        ("page.referral", "navigator", "Practitioner/nav-ray", "ada-refer", "4f9c1a2e", {"rows": 3}),
        ("page.queue", "navigator", "Practitioner/nav-ray", None, "", {"referrals": ["a", "b"]}),
        ("hook.patient-view", "clinician", "Practitioner/dr-lind", "ada-refer", "", {"verdict": "refer"}),
        ("page.opt-out", "patient", "patient's link", "ada-refer", "4f9c1a2e", {}),
        ("referral.sign", "clinician", "Practitioner/dr-lind", "ada-refer", "4f9c1a2e", {}),
        ("referral.open", "service", "Stride", "ada-refer", "ServiceRequest/sr", {}),
        ("ehr.write", "service", "Stride", "ada-refer", "ServiceRequest/sr", {"status": "active"}),
        ("ehr.write", "service", "Stride", "ada-refer", "Goal/a", {"status": "proposed", "made": True}),
        ("chart.read", "service", "Stride", "ada-refer", "4f9c1a2e", {"occasion": "patient window ended"}),
        ("feedback.accepted", "clinician", "Practitioner/dr-lind", None, "card", {}),
    )
    for number, (action, role, actor, patient, subject, details) in enumerate(rows, start=1):
        deed = Deed(
            number, NOW, action, role, actor, patient, subject, "ok", "https://stride.example.org",
            "https://demo-ehr.example.org/fhir", "a" * 64, details,
        )  # fmt: skip
        yield f"audit-deed-{number}-{action}", audit_deed(deed)
    refused = Deed(
        9, NOW, "launch.card", "clinician", "", "ada-refer", "", "ignored", "https://stride.example.org", "https://b"
    )
    yield "audit-failed-deed", audit_deed(refused)
