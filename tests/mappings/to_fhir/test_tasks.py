"""The navigator's Task and the Task that asks a programme."""

from __future__ import annotations

from mappings.canonical import resource_identifier
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.task import fulfilment_task, navigator_task
from mappings.to_fhir.validate import checked
from tests.mappings.to_fhir.builders import a_summary, some_facts


def test_the_navigators_task_is_owned_by_the_exercise_service() -> None:
    task = checked(navigator_task(some_facts(), "requested", "collect-data", "ServiceRequest/sr"))
    assert task["owner"]["reference"] == "Organization/stride-exercise-service"
    assert task["requester"]["reference"] == "Practitioner/dr-lind"
    assert task["basedOn"] == [{"reference": "ServiceRequest/sr"}]
    assert task["focus"] == {"reference": "ServiceRequest/sr"}
    assert task["businessStatus"]["text"] == "Collect data"
    assert task["businessStatus"]["coding"][0]["code"] == "collect-data"
    assert "profile" not in task.get("meta", {})


def test_a_business_status_in_plain_words_stays_words() -> None:
    task = navigator_task(some_facts(), "requested", "Waiting for Mr Ray", "ServiceRequest/sr")
    assert task["businessStatus"] == {"text": "Waiting for Mr Ray"}


def test_the_programme_is_asked_by_the_exercise_service_with_code_fulfill() -> None:
    programme = Ref("Organization/riverside-community-class", "Riverside")
    task = checked(fulfilment_task(some_facts(), "requested", "ServiceRequest/sr", programme, 1))
    assert task["code"]["coding"][0]["code"] == "fulfill"
    assert task["requester"]["reference"] == "Organization/stride-exercise-service"
    assert task["owner"] == {"reference": "Organization/riverside-community-class", "display": "Riverside"}
    assert "statusReason" not in task


def test_wb_5_each_programme_asked_has_a_task_of_its_own() -> None:
    programme = Ref("Organization/riverside-community-class")
    first, second = (
        fulfilment_task(some_facts(), "requested", "ServiceRequest/sr", programme, attempt) for attempt in (1, 2)
    )
    assert first["identifier"] != second["identifier"]


def test_prehabilitation_is_urgent_for_the_navigator_too() -> None:
    facts = some_facts(summary=a_summary(phase="P1"))
    assert navigator_task(facts, "requested", "new", "ServiceRequest/sr")["priority"] == "urgent"


def test_an_offer_is_part_of_the_navigators_work_and_the_navigators_task_has_a_code_of_its_own() -> None:
    programme = Ref("Organization/riverside-community-class")
    alone = fulfilment_task(some_facts(), "requested", "ServiceRequest/sr", programme, 1)
    part = fulfilment_task(some_facts(), "requested", "ServiceRequest/sr", programme, 1, part_of="Task/nt")
    assert "partOf" not in alone
    assert part["partOf"] == [{"reference": "Task/nt"}]
    task = navigator_task(some_facts(), "requested", "new", "ServiceRequest/sr")
    assert task["code"]["coding"][0]["code"] == "coordinate-referral"


def test_wb_5_a_task_is_found_again_by_the_name_of_its_kind() -> None:
    facts = some_facts()
    programme = Ref("Organization/riverside-community-class")
    task = navigator_task(facts, "requested", "new", "ServiceRequest/sr")
    offer = fulfilment_task(facts, "requested", "ServiceRequest/sr", programme, 3)
    for resource, kind in ((task, "navigator-task"), (offer, "fulfilment-task-3")):
        expected = resource_identifier("city", "ada-refer", facts.episode_id, kind)
        assert resource["identifier"][0]["value"] == expected
