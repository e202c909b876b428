"""What goes to the chart or our own record beside the referral: issues, risks, notices, origins, accesses."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime
from typing import Any

import pytest

from mappings.errors import InvalidResource
from mappings.to_fhir.audit_event import Access, Interaction, User, audit_event
from mappings.to_fhir.communication import Notice, communication
from mappings.to_fhir.detected_issue import detected_issues
from mappings.to_fhir.exercise_prescription import exercise_prescription
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.provenance import provenance
from mappings.to_fhir.risk_assessment import risk_assessments
from mappings.to_fhir.validate import checked
from tests.mappings.to_fhir.builders import ADELAIDE, a_summary, some_facts

NOW = datetime(2026, 11, 26, 0, 10, tzinfo=ADELAIDE)
LIND = User(Ref("Practitioner/dr-lind", "Dr Maren Lind"), role="clinician", token_id="4f9c1a")


def a_finding(effect: str, **more: Any) -> dict[str, Any]:
    inputs = [
        {"name": "platelets", "value": "8", "source": "Observation/p1"},
        {"name": "fever", "value": "no", "source": "QuestionnaireResponse/q1#fever"},
        {"name": "fever", "value": "no", "source": "QuestionnaireResponse/q1#chills"},
        {"name": "age", "value": "58", "source": ""},
    ]
    return {"rule": "HEM-01", "effect": effect, "text": "Critically low platelets", "inputs": inputs} | more


def an_access(**changes: Any) -> dict[str, Any]:
    members: dict[str, Any] = {
        "interaction": "create",
        "recorded": NOW,
        "client": "https://stride.example.org",
        "server": "https://ehr.example.org/fhir",
        "target": "ServiceRequest/4",
        "patient_id": "ada-refer",
    }
    return checked(audit_event(Access(**(members | changes))))


def test_the_exercise_prescription_is_for_the_patient_and_serves_the_goals() -> None:
    resource = checked(exercise_prescription(some_facts(), "active", ["Goal/a"]))
    assert resource["performer"] == [{"reference": "Patient/ada-refer", "display": "Ada Marlow"}]
    assert resource["code"]["coding"][0]["code"] == "229065009"
    assert resource["extension"][0]["valueReference"] == {"reference": "Goal/a"}
    assert resource["occurrenceTiming"]["repeat"] == {
        "boundsPeriod": {"start": "2026-12-09", "end": "2027-03-03"},
        "frequency": 3,
        "period": 1,
        "periodUnit": "wk",
        "duration": 20,
        "durationUnit": "min",
    }
    assert "Move on 3 days a week" in resource["patientInstruction"]


def test_there_is_no_exercise_prescription_without_a_dose() -> None:
    with pytest.raises(InvalidResource, match="dose"):
        exercise_prescription(some_facts(summary=a_summary(prescription=None)), "draft")


@pytest.mark.parametrize(
    ("effect", "severity"),
    [("HOLD-E", "high"), ("HOLD", "high"), ("CLEAR", "moderate"), ("SUP", None), ("MOD", None), ("INFO", None)],
)
def test_only_what_holds_or_asks_for_clearance_is_an_issue(effect: str, severity: str | None) -> None:
    issues = detected_issues(some_facts(summary=a_summary(findings=[a_finding(effect)])))
    assert [checked(issue)["severity"] for issue in issues] == ([severity] if severity else [])


def test_an_issue_points_once_at_each_resource_that_it_rests_on() -> None:
    [issue] = detected_issues(some_facts(summary=a_summary(findings=[a_finding("HOLD")])))
    assert issue["evidence"] == [
        {"detail": [{"reference": "Observation/p1"}]},
        {"detail": [{"reference": "QuestionnaireResponse/q1"}]},
    ]


def test_an_issue_that_only_asks_for_something_missing_is_preliminary() -> None:
    summary = a_summary(findings=[a_finding("CLEAR", missing=True)])
    assert detected_issues(some_facts(summary=summary))[0]["status"] == "preliminary"


def test_the_tier_is_the_rules_own_and_a_refused_estimate_is_not_written() -> None:
    tier, estimate = (checked(item) for item in risk_assessments(some_facts()))
    assert tier["code"]["coding"][0]["code"] == "T3"
    assert "prediction" not in tier
    assert estimate["method"]["text"] == "Stride risk model risk-1"


def test_a_probability_is_written_in_percent_as_r4_has_it() -> None:
    prediction = risk_assessments(some_facts())[1]["prediction"][0]
    assert prediction["probabilityDecimal"] == 8.12
    assert prediction["qualitativeRisk"]["text"] == "low"


def test_only_a_model_s_part_is_labelled_and_only_when_asked_for() -> None:
    assert not any("meta" in item for item in risk_assessments(some_facts()))
    tier, estimate = risk_assessments(some_facts(), ai_tag=True)
    assert "meta" not in tier
    assert estimate["meta"]["security"][0]["code"] == "AIAST"


def test_a_notice_says_to_whom_how_and_when() -> None:
    notice = Notice(1, Ref("Patient/ada-refer"), "email", "Exercise referral", "You can say no.", NOW)
    resource = checked(communication(some_facts(), "completed", notice, ("ServiceRequest/sr",)))
    assert resource["medium"][0]["coding"][0]["code"] == "EMAILWRIT"
    assert resource["sent"] == "2026-11-26T00:10:00+10:30"
    assert resource["about"] == [{"reference": "ServiceRequest/sr"}]
    unsent = Notice(2, Ref("Patient/ada-refer"), "sms", "Exercise referral", "You can say no.", None)
    assert "sent" not in communication(some_facts(), "preparation", unsent)


def test_software_is_never_the_author_but_its_versions_are_named() -> None:
    resource = checked(provenance(some_facts(), ["ServiceRequest/4/_history/1"], activity="CREATE", recorded=NOW))
    assert [agent["who"]["reference"] for agent in resource["agent"]] == [
        "Practitioner/dr-lind",
        "Organization/stride-exercise-service",
    ]
    named = [entity["what"]["display"] for entity in resource["entity"]]
    assert named == ["Stride safety rules 2026.11", "Stride risk model risk-1", "Stride adherence model adherence-1"]
    assert "security" not in resource["meta"]


def test_an_origin_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidResource, match="something"):
        provenance(some_facts(), [], activity="CREATE", recorded=NOW)


@pytest.mark.parametrize(
    ("interaction", "client", "server"),
    [
        ("create", "110153", "110152"),
        ("update", "110153", "110152"),
        ("search", "110153", "110152"),
        ("read", "110152", "110153"),
    ],
)
def test_source_and_destination_change_places_for_a_read(interaction: Interaction, client: str, server: str) -> None:
    agents = an_access(interaction=interaction)["agent"]
    roles = [agent["type"]["coding"][0]["code"] for agent in agents]
    assert roles == [client, server]


def test_the_token_is_never_in_an_audit_event_only_its_id() -> None:
    person = an_access(user=LIND)["agent"][2]
    assert person["policy"] == ["4f9c1a"]
    assert (person["requestor"], person["role"]) == (True, [{"text": "clinician"}])


def test_a_search_keeps_the_query_that_was_sent() -> None:
    event = an_access(interaction="search", target="Observation?code=777-3&patient=ada-refer")
    query = next(entity["query"] for entity in event["entity"] if "query" in entity)
    assert b64decode(query) == b"Observation?code=777-3&patient=ada-refer"


@pytest.mark.parametrize(
    ("http_status", "outcome"), [(201, "0"), (304, "0"), (401, "4"), (412, "4"), (500, "8"), (503, "8")]
)
def test_a_failed_access_is_written_and_claims_no_success(http_status: int, outcome: str) -> None:
    event = an_access(http_status=http_status)
    assert event["outcome"] == outcome
    assert ("meta" in event) == (outcome == "0")
    assert ("outcomeDesc" in event) == (outcome != "0")


def test_the_profile_follows_from_what_was_done_and_whether_a_patient_is_meant() -> None:
    assert an_access()["meta"]["profile"][0].endswith("IHE.BasicAudit.PatientCreate")
    assert an_access(patient_id=None)["meta"]["profile"][0].endswith("IHE.BasicAudit.Create")


def test_a_create_that_failed_has_no_id_to_point_at() -> None:
    event = an_access(target="ServiceRequest", http_status=503)
    assert event["entity"][0]["what"] == {"type": "ServiceRequest", "display": "ServiceRequest"}
    assert an_access()["entity"][0]["what"] == {"reference": "ServiceRequest/4"}


def test_an_estimate_says_how_sure_it_is_and_the_tier_how_much_help_is_needed() -> None:
    tier, estimate = risk_assessments(some_facts())
    assert estimate["note"][0]["text"].startswith("Confidence: reduced.")
    assert estimate["prediction"][0]["rationale"] == "Albumin 40 g/L"
    assert tier["mitigation"] == "Minimum supervision: 2 of 4"


def test_the_label_of_software_stands_on_an_origin_too_when_asked_for() -> None:
    resource = checked(provenance(some_facts(), ["Goal/a"], activity="UPDATE", recorded=NOW, ai_tag=True))
    assert resource["reason"][0]["coding"][0]["code"] == "AIAST"
    assert resource["meta"]["security"][0]["code"] == "AIAST"


def test_an_estimate_says_what_it_rests_on_and_what_was_not_known() -> None:
    estimate = {**a_summary()["estimates"]["risk"], "basis": ["Observation/w", "Condition/hf"], "missing": ["waist_cm"]}
    resource = checked(risk_assessments(some_facts(summary=a_summary(estimates={"risk": estimate})))[1])
    assert resource["basis"] == [{"reference": "Observation/w"}, {"reference": "Condition/hf"}]
    assert [note["text"] for note in resource["note"]][1] == "Not known: Waist."
    whole = {**estimate, "missing": []}
    resource = risk_assessments(some_facts(summary=a_summary(estimates={"risk": whole})))[1]
    assert resource["note"][1]["text"] == "All that the model asks for is known."
