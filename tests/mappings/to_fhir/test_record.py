"""What goes to the chart or our own record beside the referral: issues, risks, notices, origins, accesses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from mappings.errors import InvalidResource
from mappings.to_fhir.audit_deed import Deed, audit_deed
from mappings.to_fhir.communication import Notice, communication
from mappings.to_fhir.detected_issue import detected_issue, detected_issues, mitigated
from mappings.to_fhir.exercise_prescription import exercise_prescription
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.flag import ended, flag
from mappings.to_fhir.provenance import provenance
from mappings.to_fhir.risk_assessment import risk_assessments
from mappings.to_fhir.validate import checked
from tests.mappings.to_fhir.builders import ADELAIDE, a_summary, some_facts

NOW = datetime(2026, 11, 26, 0, 10, tzinfo=ADELAIDE)


def a_finding(effect: str, **more: Any) -> dict[str, Any]:
    inputs = [
        {"name": "platelets", "value": "8", "source": "Observation/p1"},
        {"name": "fever", "value": "no", "source": "QuestionnaireResponse/q1#fever"},
        {"name": "fever", "value": "no", "source": "QuestionnaireResponse/q1#chills"},
        {"name": "age", "value": "58", "source": ""},
    ]
    return {"rule": "HEM-01", "effect": effect, "text": "Critically low platelets", "inputs": inputs} | more


def a_deed(**changes: Any) -> dict[str, Any]:
    members: dict[str, Any] = {
        "id": 7,
        "recorded": NOW,
        "action": "ehr.write",
        "role": "service",
        "actor": "Stride",
        "patient_id": "ada-refer",
        "subject": "ServiceRequest/4",
        "outcome": "ok",
        "server": "https://stride.example.org",
        "ehr": "https://ehr.example.org/fhir",
    }
    return checked(audit_deed(Deed(**(members | changes))))


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


def test_a_notice_is_found_again_by_its_kind_and_names_the_request_that_it_is_about() -> None:
    notice = Notice(
        3, Ref("Patient/ada-refer"), "letter", "Exercise referral", "x", NOW, kind="patient-notice-referral"
    )
    resource = checked(communication(some_facts(), "completed", notice, based_on=("ServiceRequest/4",)))
    assert resource["basedOn"] == [{"reference": "ServiceRequest/4"}]
    assert resource["identifier"] == some_facts().identifiers("patient-notice-referral")
    assert "statusReason" not in resource


def test_a_notice_that_nobody_got_says_why() -> None:
    notice = Notice(3, Ref("Patient/ada-refer"), "", "Exercise referral", "x", None, not_done="No reason any more")
    resource = checked(communication(some_facts(), "not-done", notice))
    assert resource["statusReason"] == {"text": "No reason any more"}
    assert "medium" not in resource


def test_an_issue_that_has_passed_says_what_ended_it_and_keeps_all_else() -> None:
    issue = detected_issue(some_facts(), a_finding("HOLD"), "detected-issue-HEM-01", NOW, "ServiceRequest/4")
    assert issue["implicated"] == [{"reference": "ServiceRequest/4"}]
    theirs = {**issue, "id": "7", "extension": [{"url": "urn:theirs", "valueCode": "x"}]}
    passed = checked(mitigated(theirs, NOW, "The rules no longer find it"))
    assert passed["status"] == "amended"
    assert passed["mitigation"] == [
        {"action": {"text": "The rules no longer find it"}, "date": "2026-11-26T00:10:00+10:30"}
    ]
    assert {name: passed[name] for name in theirs if name != "status"} == {
        name: value for name, value in theirs.items() if name != "status"
    }


def test_a_flag_stands_from_the_day_of_the_finding_until_the_hold_has_gone() -> None:
    sign = checked(flag(some_facts(), a_finding("HOLD"), "flag-HEM-01", NOW))
    assert (sign["status"], sign["period"]) == ("active", {"start": "2026-11-26T00:10:00+10:30"})
    over = checked(ended({**sign, "id": "7"}, NOW))
    assert (over["status"], over["id"], set(over["period"])) == ("inactive", "7", {"start", "end"})


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
    ("action", "client", "server"),
    [("ehr.write", "110153", "110152"), ("chart.read", "110152", "110153"), ("page.referral", "110152", "110153")],
)
def test_source_and_destination_change_places_for_a_read(action: str, client: str, server: str) -> None:
    roles = [agent["type"]["coding"][0]["code"] for agent in a_deed(action=action)["agent"]]
    assert roles[:2] == [client, server]


@pytest.mark.parametrize(
    ("action", "made", "patient", "profile"),
    [
        ("ehr.write", True, "ada-refer", "PatientCreate"),
        ("ehr.write", False, "ada-refer", "PatientUpdate"),
        ("chart.read", False, "ada-refer", "PatientRead"),
        ("page.queue", False, None, "Read"),
    ],
)
def test_the_profile_follows_from_what_was_done_and_whether_a_patient_is_meant(
    action: str, made: bool, patient: str | None, profile: str
) -> None:
    event = a_deed(action=action, patient_id=patient, details={"made": True} if made else {})
    assert event["meta"]["profile"] == [
        f"https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.{profile}"
    ]


def test_who_did_it_is_named_by_their_role_and_no_token_is_known() -> None:
    person = a_deed(action="page.referral", role="clinician", actor="Practitioner/dr-lind")["agent"][2]
    assert (person["requestor"], person["role"]) == (True, [{"text": "clinician"}])
    assert "policy" not in person


def test_a_failed_deed_is_written_and_claims_no_success() -> None:
    event = a_deed(outcome="ehr-unavailable")
    assert (event["outcome"], event["outcomeDesc"]) == ("4", "ehr-unavailable")
    assert "meta" not in event


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
