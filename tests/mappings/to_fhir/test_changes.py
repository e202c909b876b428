"""A change of status touches what it must and keeps the rest."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.errors import InvalidResource
from mappings.to_fhir.care_plan import care_plan
from mappings.to_fhir.changes import NEEDS_REASON, with_status
from mappings.to_fhir.codes import STATUS_REASON
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.goal import goals
from mappings.to_fhir.service_request import service_request
from mappings.to_fhir.task import fulfilment_task, navigator_task
from mappings.to_fhir.validate import checked
from tests.mappings.to_fhir.builders import some_facts

TASK_STATUSES = [
    "draft",
    "requested",
    "accepted",
    "rejected",
    "in-progress",
    "on-hold",
    "completed",
    "failed",
    "cancelled",
    "entered-in-error",
]
FROM_THE_EHR = {
    "id": "77",
    "meta": {"versionId": "3", "security": [{"code": "R"}], "tag": [{"code": "kept"}]},
    "extension": [{"url": "https://vendor.example.org/x", "valueString": "theirs"}],
    "contained": [{"resourceType": "Patient", "id": "p"}],
    "vendorThing": {"a": [1.10, None]},
}


def a_request() -> dict[str, Any]:
    return service_request(some_facts(), "active")


def a_fulfilment(status: str = "requested") -> dict[str, Any]:
    task = fulfilment_task(some_facts(), status, "ServiceRequest/sr", Ref("Organization/p"), 1)
    return task | ({"statusReason": {"text": "full"}} if status in NEEDS_REASON else {})


def test_an_opted_out_referral_says_why_in_the_extension_that_r4_has_for_it() -> None:
    revoked = checked(with_status("service-request", a_request(), "revoked", reason="OO-TIME"))
    assert revoked["status"] == "revoked"
    [extension] = revoked["extension"]
    assert extension["url"] == STATUS_REASON
    assert extension["valueCodeableConcept"]["coding"][0]["code"] == "OO-TIME"
    assert extension["valueCodeableConcept"]["text"] == "No time: work or caring"


def test_a_reason_with_a_checked_snomed_concept_carries_both() -> None:
    revoked = with_status("service-request", a_request(), "revoked", reason="OO-TRANSP")
    codings = revoked["extension"][0]["valueCodeableConcept"]["coding"]
    assert [coding["code"] for coding in codings] == ["OO-TRANSP", "266934004"]


def test_a_reason_in_plain_words_stays_words() -> None:
    held = with_status("service-request", a_request(), "on-hold", reason="Platelets of 8")
    assert held["extension"][0]["valueCodeableConcept"] == {"text": "Platelets of 8"}


def test_the_reason_goes_when_the_referral_goes_on() -> None:
    held = with_status("service-request", a_request(), "on-hold", reason="Platelets of 8")
    assert "extension" not in with_status("service-request", held, "active")


def test_a_status_that_needs_no_explanation_never_gets_one() -> None:
    assert "extension" not in with_status("service-request", a_request(), "active", reason="OO-TIME")
    goal = goals(some_facts(), "proposed")[0]
    assert "statusReason" not in with_status("goal-activity", goal, "active", reason="OO-TIME")


def test_without_a_new_reason_the_old_one_stays_while_the_status_does() -> None:
    held = with_status("service-request", a_request(), "on-hold", reason="Platelets of 8")
    assert with_status("service-request", held, "on-hold") == held
    goal = with_status("goal-activity", goals(some_facts(), "active")[0], "on-hold", reason="Platelets of 8")
    assert with_status("goal-activity", goal, "on-hold") == goal


@pytest.mark.parametrize(
    ("kind", "resource", "status"),
    [
        ("service-request", service_request(some_facts(), "draft"), "active"),
        ("service-request", service_request(some_facts(), "active"), "revoked"),
        ("care-plan", care_plan(some_facts(), "draft", "ServiceRequest/sr", []), "active"),
        ("goal-activity", goals(some_facts(), "proposed")[0], "active"),
        ("navigator-task", navigator_task(some_facts(), "requested", "new", "ServiceRequest/sr"), "accepted"),
        ("fulfilment-task-2", a_fulfilment(), "accepted"),
    ],
    ids=["sign", "revoke", "plan", "goal", "navigator", "programme"],
)
def test_wb_7_everything_that_we_do_not_know_comes_back_as_it_was(
    kind: str, resource: dict[str, Any], status: str
) -> None:
    read = resource | deepcopy(FROM_THE_EHR)
    before = deepcopy(read)
    changed = with_status(kind, read, status, reason="OO-TIME" if status == "revoked" else None)
    mine = {"status", "lifecycleStatus", "extension"}
    assert {k: v for k, v in changed.items() if k not in mine} == {k: v for k, v in before.items() if k not in mine}
    assert FROM_THE_EHR["extension"][0] in changed["extension"]  # type: ignore[index]
    assert read == before, "the resource that was read must not change"


@given(st.sampled_from(TASK_STATUSES), st.sampled_from(TASK_STATUSES), st.booleans())
def test_pa_taskrm_1_a_reason_stands_exactly_where_the_status_needs_one(
    before: str, after: str, with_reason: bool
) -> None:
    try:
        task = with_status("fulfilment-task-1", a_fulfilment(before), after, reason="full" if with_reason else None)
    except InvalidResource:
        return
    assert ("statusReason" in checked(task)) == (after in NEEDS_REASON)


@pytest.mark.parametrize("status", sorted(NEEDS_REASON))
def test_a_task_status_that_needs_a_reason_is_refused_without_one(status: str) -> None:
    with pytest.raises(InvalidResource, match="needs a reason"):
        with_status("fulfilment-task-1", a_fulfilment("in-progress"), status)


def test_resuming_removes_the_reason_of_the_pause() -> None:
    paused = with_status("fulfilment-task-1", a_fulfilment("in-progress"), "on-hold", reason="On a journey")
    assert "statusReason" not in with_status("fulfilment-task-1", paused, "in-progress")


@pytest.mark.parametrize("before", ["accepted", "in-progress", "rejected", "on-hold", "completed", "cancelled"])
def test_a_programme_is_never_asked_again_with_the_same_task(before: str) -> None:
    with pytest.raises(InvalidResource):
        with_status("fulfilment-task-1", a_fulfilment(before), "requested")


@pytest.mark.parametrize("before", ["rejected", "completed", "failed", "cancelled"])
def test_an_ended_task_of_a_programme_stays_ended(before: str) -> None:
    with pytest.raises(InvalidResource, match="cannot become"):
        with_status("fulfilment-task-1", a_fulfilment(before), "in-progress")


def test_the_navigators_task_may_be_taken_up_again() -> None:
    task = navigator_task(some_facts(), "completed", "handed-over", "ServiceRequest/sr")
    again = with_status("navigator-task", task, "in-progress", business_status="re-opened")
    assert again["businessStatus"]["coding"][0]["code"] == "re-opened"


def test_a_cancelled_goal_says_why_and_a_running_one_does_not() -> None:
    goal = goals(some_facts(), "active")[0]
    cancelled = checked(with_status("goal-activity", goal, "cancelled", reason="OO-COST"))
    assert (cancelled["lifecycleStatus"], cancelled["statusReason"]) == ("cancelled", "Cost")
    assert "statusReason" not in with_status("goal-activity", cancelled, "active")


def test_each_activity_of_a_plan_says_why_since_the_extension_is_not_allowed_on_a_care_plan() -> None:
    plan = care_plan(some_facts(), "active", "ServiceRequest/sr", [])
    held = checked(with_status("care-plan", plan, "on-hold", reason="OO-UNWELL"))
    details = [activity["detail"] for activity in held["activity"] if "detail" in activity]
    assert details
    assert [detail["statusReason"]["text"] for detail in details] == ["Too unwell"] * len(details)
    assert "extension" not in held
    assert with_status("care-plan", held, "on-hold") == held
    assert with_status("care-plan", held, "active") == plan


@pytest.mark.parametrize("kind", ["care-plan", "no-such-kind", "goal"])
def test_a_resource_of_another_kind_is_refused(kind: str) -> None:
    with pytest.raises(InvalidResource, match="is no"):
        with_status(kind, a_request(), "active")
