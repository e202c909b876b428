"""The record system knocks, over real HTTP: missed, repeated and forged notices do no harm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from fhirapp.closed_loop.knock import KNOCK
from fhirapp.closed_loop.subscriptions import CRITERIA, SECRET_HEADER, EhrSubscription
from fhirapp.db.base import Sessions
from fhirapp.demo.settings import TENANT
from fhirapp.ehr.capabilities import EhrCapability
from fhirapp.jobs.table import Job
from tests.journeys.test_closed_loop import PATIENT_ID, REVOKED, change, listen, the
from tests.world import World

SOON = timedelta(seconds=3)


@pytest.fixture
def subscribed(world: World) -> World:
    """A released referral, and an EHR that knocks."""
    world.released(PATIENT_ID)
    listen(world)
    world.stride.closed_loop.subscribe(TENANT)
    forget_jobs(world.stride.sessions)
    return world


def forget_jobs(sessions: Sessions) -> None:
    """No look is due by itself."""
    with sessions.begin() as session:
        session.query(Job).filter(Job.kind == KNOCK).delete()


def polls_due(world: World) -> int:
    with world.stride.sessions() as session:
        return session.query(Job).filter(Job.kind == KNOCK, Job.state == "ready").count()


def there(world: World) -> list[dict[str, Any]]:
    return sorted(world.ehr.api.store.every("Subscription"), key=lambda one: str(one["criteria"]))


def door_of(subscription: dict[str, Any]) -> tuple[str, str]:
    """The address and the secret that the EHR was given."""
    (line,) = subscription["channel"]["header"]
    return subscription["channel"]["endpoint"], line.removeprefix(f"{SECRET_HEADER}: ")


def knock(url: str, secret: str, body: Any = None) -> int:
    return requests.post(url, json=body, headers={SECRET_HEADER: secret}, timeout=10).status_code


def test_the_ehr_is_asked_once_to_knock_for_what_is_ours(subscribed: World) -> None:
    assert [(one["criteria"], one["status"]) for one in there(subscribed)] == [(c, "active") for c in sorted(CRITERIA)]
    assert all("payload" not in one["channel"] for one in there(subscribed)), "nothing of a patient travels"
    subscribed.stride.closed_loop.subscribe(TENANT)
    assert len(there(subscribed)) == len(CRITERIA)


def test_a_no_in_the_ehr_is_heard_within_seconds(subscribed: World) -> None:
    change(subscribed, the(subscribed, "ServiceRequest"), status="revoked")
    subscribed.ehr.subscriptions.wait()
    subscribed.pass_time(SOON)
    assert subscribed.referral(PATIENT_ID).state == "declined"
    assert subscribed.written(PATIENT_ID) == REVOKED


def test_a_hundred_notices_of_one_change_are_one_look_and_one_end(subscribed: World) -> None:
    change(subscribed, the(subscribed, "ServiceRequest"), status="revoked")
    url, secret = door_of(there(subscribed)[0])
    assert {knock(url, secret) for _ in range(100)} == {200}
    assert polls_due(subscribed) == 1
    subscribed.ehr.subscriptions.wait()
    before = len(subscribed.ehr.journal.since(0))
    subscribed.pass_time(SOON)
    assert subscribed.history(PATIENT_ID).count("ehr_move_service_request_revoked") == 1
    looks = [line for line in subscribed.ehr.journal.since(before) if line["path"].startswith("ServiceRequest?_id=")]
    assert len(looks) == 1


def test_a_forged_notice_is_an_address_that_is_not_there(subscribed: World) -> None:
    url, secret = door_of(there(subscribed)[0])
    assert knock(url, "guessed") == 404
    assert knock(url, "") == 404
    assert knock(f"{url}x", secret) == 404
    assert knock(url.replace(f"/{TENANT}/", "/other/"), secret) == 404
    assert polls_due(subscribed) == 0


def test_what_a_notice_says_is_never_believed(subscribed: World) -> None:
    url, secret = door_of(there(subscribed)[0])
    lie = {**the(subscribed, "ServiceRequest"), "status": "revoked"}
    assert knock(url, secret, lie) == 200
    subscribed.pass_time(SOON)
    assert subscribed.referral(PATIENT_ID).state == "opt_out_open"


def test_a_missed_notice_is_made_up_for_by_the_next_look(subscribed: World) -> None:
    for one in there(subscribed):
        change(subscribed, one, status="off")
    change(subscribed, the(subscribed, "ServiceRequest"), status="revoked")
    subscribed.ehr.subscriptions.wait()
    assert polls_due(subscribed) == 0
    listen(subscribed)
    assert subscribed.referral(PATIENT_ID).state == "declined"


def test_a_subscription_that_the_ehr_gave_up_is_woken_with_new_secrets(subscribed: World) -> None:
    asleep = there(subscribed)[0]
    old = door_of(asleep)
    change(subscribed, asleep, status="error")
    subscribed.stride.closed_loop.subscribe(TENANT)
    awake = there(subscribed)[0]
    assert (awake["id"], awake["status"]) == (asleep["id"], "active")
    assert door_of(awake) != old
    assert knock(*old) == 404, "the old secret is worth nothing"
    assert knock(*door_of(awake)) == 200


def test_one_that_is_about_to_end_is_renewed_and_one_that_is_gone_is_made_again(subscribed: World) -> None:
    first, second, _ = there(subscribed)
    with subscribed.stride.sessions.begin() as session:
        row = session.get_one(EhrSubscription, (TENANT, first["criteria"]))
        row.ends_at -= timedelta(days=6)
    subscribed.ehr.api.store.delete("Subscription", second["id"])
    subscribed.stride.closed_loop.subscribe(TENANT)
    renewed, again, _ = there(subscribed)
    assert renewed["id"] == first["id"]
    assert renewed["end"] >= first["end"]
    assert again["id"] != second["id"]


def test_an_ehr_without_subscriptions_is_looked_at(world: World) -> None:
    world.released(PATIENT_ID)
    world.stride.capabilities.learn(TENANT, world.stride.ehrs.as_system(world.tenant))
    with world.stride.sessions() as session:
        row = session.get_one(EhrCapability, TENANT)
        rest = row.statement["rest"][0]
        kept = [one for one in rest["resource"] if one["type"] != "Subscription"]
        without = {**row.statement, "rest": [{**rest, "resource": kept}]}
    world.stride.capabilities.store(TENANT, without)
    world.stride.closed_loop.subscribe(TENANT)
    assert there(world) == []
    change(world, the(world, "ServiceRequest"), status="revoked")
    listen(world)
    assert world.referral(PATIENT_ID).state == "declined"


def test_an_answer_that_was_lost_costs_a_second_subscription_and_nothing_else(world: World) -> None:
    world.released(PATIENT_ID)
    world.ehr.faults.replace([{"path": "^Subscription", "method": "POST", "drop_after": True, "times": 1}])
    world.stride.closed_loop.schedule([world.tenant])
    world.worker.run_due()
    world.pass_time(timedelta(hours=7))
    assert len(there(world)) == len(CRITERIA) + 1
    taken = [knock(*door_of(one)) for one in there(world)]
    assert sorted(taken) == [200, 200, 200, 404]


def test_the_looks_and_subscriptions_are_scheduled_once(world: World) -> None:
    for _ in range(2):
        world.stride.schedule()
    with world.stride.sessions() as session:
        keys = [job.key for job in session.query(Job).filter(Job.kind.in_(("poll", "subscribe")))]
    assert sorted(keys) == [f"poll/{TENANT}", f"subscribe/{TENANT}"]
