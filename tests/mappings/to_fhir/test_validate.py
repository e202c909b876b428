"""The last look finds what the model library lets pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from mappings.errors import InvalidResource
from mappings.to_fhir.care_plan import care_plan
from mappings.to_fhir.changes import with_status
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.goal import goals
from mappings.to_fhir.service_request import service_request
from mappings.to_fhir.task import fulfilment_task, navigator_task
from mappings.to_fhir.validate import checked, checked_change
from tests.mappings.to_fhir.builders import some_facts


def referral() -> dict[str, Any]:
    return service_request(some_facts(), "draft")


def plan() -> dict[str, Any]:
    return care_plan(some_facts(), "draft", "ServiceRequest/sr", ["Goal/a"])


def goal() -> dict[str, Any]:
    return goals(some_facts(), "proposed")[0]


def offer() -> dict[str, Any]:
    return fulfilment_task(some_facts(), "requested", "ServiceRequest/sr", Ref("Organization/p"), 1)


def coordination() -> dict[str, Any]:
    return navigator_task(some_facts(), "requested", "new", "ServiceRequest/sr")


WHOLE = [referral, plan, goal, offer, coordination]


@pytest.mark.parametrize("make", WHOLE, ids=lambda make: make.__name__)
def test_what_we_write_passes_and_comes_back_unchanged(make: Callable[[], dict[str, Any]]) -> None:
    resource = make()
    assert checked(resource) is resource
    assert resource == make()


CODES = [
    (referral, "status", "bogus"),
    (referral, "priority", "soon"),
    (referral, "intent", "wish"),
    (plan, "status", "ready"),
    (goal, "lifecycleStatus", "open"),
    (offer, "status", "bogus"),
    (coordination, "status", "done"),
    (coordination, "intent", "must"),
]


@pytest.mark.parametrize(("make", "name", "code"), CODES, ids=lambda v: getattr(v, "__name__", v))
def test_a_code_outside_a_required_value_set_is_found(make: Callable[[], dict[str, Any]], name: str, code: str) -> None:
    with pytest.raises(InvalidResource, match=f"{name}: code not in the required value set"):
        checked(make() | {name: code})


def test_a_required_code_deep_inside_is_found() -> None:
    resource = plan()
    resource["activity"][1]["detail"]["scheduledTiming"]["repeat"]["periodUnit"] = "week"
    with pytest.raises(InvalidResource, match=r"activity\.detail\.scheduledTiming\.repeat\.periodUnit"):
        checked(resource)


@pytest.mark.parametrize("status", ["rejected", "in-progress", "on-hold", "failed", "completed", "cancelled"])
def test_the_statuses_that_the_library_cuts_off_its_list_are_known(status: str) -> None:
    assert checked(coordination() | {"status": status})["status"] == status


def test_a_comparator_that_r4_does_not_know_is_found() -> None:
    resource = goal()
    resource["target"][0]["detailQuantity"]["comparator"] = "~"
    with pytest.raises(InvalidResource, match=r"target\.detailQuantity\.comparator"):
        checked(resource)


TARGETS = [
    (referral, "subject", {"reference": "Practitioner/1"}),
    (referral, "encounter", {"reference": "Patient/1"}),
    (referral, "reasonReference", [{"reference": "Procedure/1"}]),
    (plan, "addresses", [{"reference": "Observation/1"}]),
    (coordination, "owner", {"reference": "Condition/1"}),
]


@pytest.mark.parametrize(("make", "name", "value"), TARGETS, ids=lambda v: getattr(v, "__name__", None))
def test_a_reference_to_a_type_that_is_not_allowed_is_found(
    make: Callable[[], dict[str, Any]], name: str, value: object
) -> None:
    with pytest.raises(InvalidResource, match=f"{name}: may not refer to"):
        checked(make() | {name: value})


BROKEN: list[tuple[Callable[[], dict[str, Any]], dict[str, Any], str]] = [
    (referral, {"intent": "proposal"}, "intent"),
    (referral, {"status": "unknown"}, "status"),
    (referral, {"requester": {"reference": "Device/d"}}, "requester"),
    (referral, {"requester": {"reference": "Organization/o"}}, "requester"),
    (referral, {"authoredOn": None}, "authoredOn"),
    (referral, {"reasonReference": None}, "pa-sr-1"),
    (referral, {"category": None}, "category: PhysicalActivity"),
    (referral, {"code": None}, "code"),
    (referral, {"doNotPerform": False}, "doNotPerform"),
    (referral, {"specimen": [{"reference": "Specimen/1"}]}, "specimen"),
    (referral, {"implicitRules": "https://example.org/rules"}, "implicitRules"),
    (referral, {"note": [{"text": "x", "time": "2026-11-25"}]}, "note.author"),
    (referral, {"note": [{"text": "x", "authorReference": {"reference": "Organization/o"}}]}, "note.time"),
    (plan, {"text": None}, "narrative"),
    (plan, {"text": {"status": "empty", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"}}, "text"),
    (plan, {"intent": "order"}, "intent"),
    (plan, {"category": None}, "assess-plan"),
    (goal, {"category": None}, "category"),
    (goal, {"target": [{"dueDate": "2027-01-01"}]}, "detailQuantity"),
    (goal, {"target": [{"detailQuantity": {"value": 60, "unit": "minutes"}}]}, "UCUM"),
    (goal, {"target": [{"detailQuantity": {"value": 60, "system": "http://unitsofmeasure.org"}}]}, "UCUM"),
    (offer, {"owner": None}, "owner"),
    (offer, {"requester": {"reference": "Patient/p"}}, "requester"),
    (offer, {"focus": None}, "focus"),
    (offer, {"for": None}, "for"),
    (offer, {"authoredOn": None}, "authoredOn"),
    (offer, {"intent": "plan"}, "intent"),
    (offer, {"status": "received"}, "status"),
    (offer, {"status": "rejected"}, "pa-taskrm-1"),
    (offer, {"statusReason": {"text": "why?"}}, "pa-taskrm-1"),
    (offer, {"businessStatus": {"coding": [{"code": "x"}]}}, "businessStatus.text"),
    (offer, {"reasonCode": {"coding": [{"code": "x"}]}}, "reasonCode.text"),
]


@pytest.mark.parametrize(
    ("make", "change", "words"), BROKEN, ids=[f"{m.__name__}-{next(iter(c))}-{w}" for m, c, w in BROKEN]
)
def test_a_broken_rule_of_the_profile_is_found(
    make: Callable[[], dict[str, Any]], change: dict[str, Any], words: str
) -> None:
    resource = {key: value for key, value in (make() | change).items() if value is not None}
    with pytest.raises(InvalidResource, match=words):
        checked(resource)


def test_a_resource_type_that_we_never_write_is_refused() -> None:
    with pytest.raises(InvalidResource, match="never write"):
        checked({"resourceType": "Medication"})


def test_the_message_names_elements_and_never_what_is_in_them() -> None:
    with pytest.raises(InvalidResource) as refused:
        checked(referral() | {"subject": {"reference": ["Ada Marlow"]}, "status": "Ada Marlow"})
    assert "Ada" not in str(refused.value)


QUIRKS = {
    "a moment without its zone": {"authoredOn": "2026-11-25T23:40:00"},
    "a member of its own": {"vendorThing": 1},
    "an empty string": {"patientInstruction": ""},
    "no requester any more": {"requester": None},
}


@pytest.mark.parametrize("quirk", QUIRKS.values(), ids=QUIRKS.keys())
def test_what_the_record_system_bent_does_not_stop_a_revocation(quirk: dict[str, Any]) -> None:
    read = {key: value for key, value in (referral() | quirk).items() if value is not None}
    with pytest.raises(InvalidResource):
        checked(read)
    revoked = with_status("service-request", read, "revoked", reason="OO-NEVER")
    assert checked_change(read, revoked)["status"] == "revoked"


def test_what_the_change_itself_breaks_is_still_refused() -> None:
    read = referral() | QUIRKS["a member of its own"]
    with pytest.raises(InvalidResource, match="pa-sr-1"):
        checked_change(read, {key: value for key, value in read.items() if key != "reasonReference"})
    with pytest.raises(InvalidResource, match="status"):
        checked_change(referral(), referral() | {"status": "bogus"})


@pytest.mark.parametrize("make", WHOLE, ids=lambda make: make.__name__)
def test_a_check_is_quick(make: Callable[[], dict[str, Any]]) -> None:
    resource = make()
    checked(resource)
    best = min(_seconds(lambda: checked(resource)) for _ in range(20))
    assert best < 0.0015, "0.4 ms on a quiet machine; a check that walks too far takes many times that"


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
