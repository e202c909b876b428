"""The referral as the HL7 Physical Activity guide wants it."""

from __future__ import annotations

from datetime import datetime

import pytest

from mappings.canonical import RESOURCE_IDENTIFIER, resource_identifier
from mappings.errors import InvalidResource
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.service_request import service_request
from mappings.to_fhir.validate import checked
from tests.mappings.to_fhir.builders import a_summary, some_facts


def test_an_unsigned_proposal_is_a_draft_order_for_the_exercise_service() -> None:
    resource = checked(service_request(some_facts(), "draft"))
    assert (resource["status"], resource["intent"]) == ("draft", "order")
    assert resource["subject"]["reference"] == "Patient/ada-refer"
    assert resource["requester"]["reference"] == "Practitioner/dr-lind"
    assert resource["performer"] == [
        {"reference": "Organization/stride-exercise-service", "display": "Exercise Service"}
    ]
    assert resource["encounter"] == {"reference": "Encounter/ada-refer-visit"}
    assert resource["supportingInfo"] == [
        {"reference": "Observation/ada-refer-evs-week"},
        {"reference": "Observation/ada-refer-ecog"},
    ]


def test_wb_5_the_business_identifier_follows_from_tenant_patient_episode_and_kind() -> None:
    facts = some_facts()
    expected = resource_identifier("city", "ada-refer", facts.episode_id, "service-request")
    assert service_request(facts, "draft")["identifier"] == [{"system": RESOURCE_IDENTIFIER, "value": expected}]


def test_a_re_join_writes_another_service_request_that_replaces_the_old() -> None:
    first, second = some_facts(), some_facts(revision=2, replaces=Ref("ServiceRequest/old"))
    assert service_request(second, "active")["replaces"] == [{"reference": "ServiceRequest/old"}]
    assert service_request(second, "active")["identifier"] != service_request(first, "active")["identifier"]


def test_the_moment_of_writing_keeps_the_hospitals_offset() -> None:
    assert service_request(some_facts(), "draft")["authoredOn"] == "2026-11-25T23:40:00+10:30"


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = some_facts(authored_on=datetime(2026, 11, 25, 12, 0))  # noqa: DTZ001
    with pytest.raises(InvalidResource, match="time zone"):
        service_request(naive, "draft")


@pytest.mark.parametrize(
    "requester",
    ["Device/stride", "Organization/city-hospital", "Patient/ada-refer", "dr-lind", ""],
    ids=["software", "organisation", "patient", "no type", "nobody"],
)
def test_nobody_but_a_practitioner_may_request(requester: str) -> None:
    with pytest.raises(InvalidResource, match="only a Practitioner"):
        service_request(some_facts(requester=Ref(requester)), "draft")


@pytest.mark.parametrize(
    "requester",
    ["PractitionerRole/r1", "https://ehr.example.org/fhir/Practitioner/1", "Practitioner/1/_history/2"],
    ids=["a role", "absolute", "a version"],
)
def test_a_practitioner_may_be_named_in_any_literal_form(requester: str) -> None:
    assert service_request(some_facts(requester=Ref(requester)), "draft")["requester"]["reference"] == requester


def test_without_a_condition_the_reason_is_said_in_words() -> None:
    resource = checked(service_request(some_facts(reason=None, reason_text="Breast cancer"), "draft"))
    assert "reasonReference" not in resource
    assert resource["reasonCode"] == [{"text": "Breast cancer"}]


def test_pa_sr_1_without_any_reason_nothing_is_written() -> None:
    with pytest.raises(InvalidResource, match="reason"):
        service_request(some_facts(reason=None, reason_text=""), "draft")


@pytest.mark.parametrize(
    ("destination", "code", "category", "detail"),
    [
        ("D1", "229065009", "91251008", None),
        ("D2", "229065009", "91251008", "306170007"),
        ("D3", "390893007", "409063005", "229095001"),
        ("D4", "229065009", "409063005", "719858009"),
        ("D5", "390893007", "409063005", None),
        ("D0", "390893007", "409063005", None),
    ],
)
def test_the_destination_decides_what_is_asked_for(
    destination: str, code: str, category: str, detail: str | None
) -> None:
    resource = checked(service_request(some_facts(summary=a_summary(destination=destination)), "draft"))
    assert resource["code"]["coding"][0]["code"] == code
    assert [c["coding"][0]["code"] for c in resource["category"]] == ["PhysicalActivity", category]
    assert [d["coding"][0]["code"] for d in resource.get("orderDetail", [])] == ([detail] if detail else [])


def test_the_programme_is_told_what_to_take_care_of_but_not_what_has_no_effect() -> None:
    note = service_request(some_facts(), "draft")["note"][0]
    assert "TRT-03" in note["text"]
    assert "HEM-04" not in note["text"]
    assert note["authorReference"]["reference"] == "Organization/stride-exercise-service"
    assert note["time"] == "2026-11-25T23:40:00+10:30"


def test_a_referral_without_precautions_has_no_note() -> None:
    quiet = a_summary(findings=[], min_supervision=0)
    assert "note" not in service_request(some_facts(summary=quiet), "draft")


@pytest.mark.parametrize(("phase", "priority"), [("P1", "urgent"), ("P2", "routine"), ("P6", "routine")])
def test_only_prehabilitation_is_urgent(phase: str, priority: str) -> None:
    assert service_request(some_facts(summary=a_summary(phase=phase)), "draft")["priority"] == priority


def test_the_plan_runs_for_as_many_weeks_as_it_says() -> None:
    period = service_request(some_facts(), "draft")["occurrencePeriod"]
    assert period == {"start": "2026-12-09", "end": "2027-03-03"}
