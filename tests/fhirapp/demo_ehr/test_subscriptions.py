"""R4 Subscriptions of the demo EHR: rest-hooks without payload, from a thread of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from flask import Flask, Response, request

from fhirapp.demo_ehr.app import DemoEhr
from fhirapp.demo_ehr.server import serving
from tests.fhirapp.demo_ehr.conftest import served, settings_for

CRITERIA = "Task?identifier=https://example.org/sid|"


@dataclass
class Door:
    """Where the EHR knocks."""

    status: int = 200
    knocks: list[tuple[str, bytes]] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask("door")

        @app.post("/here")
        def here() -> Response:
            self.knocks.append((request.headers.get("X-Secret", ""), request.get_data()))
            return Response(status=self.status)

        return app


@pytest.fixture
def watched() -> Iterator[tuple[DemoEhr, Door, str]]:
    door = Door()
    with (
        served(door.app()) as base,
        serving(lambda url: settings_for(url, require_token=False, cds_base_url=base)) as ehr,
    ):
        yield ehr, door, f"{base}/here"


def fhir(ehr: DemoEhr, method: str, path: str, body: Any = None) -> requests.Response:
    return requests.request(
        method, f"{ehr.settings.fhir_base}/{path}", json=body, timeout=10,
        headers={"Content-Type": "application/fhir+json"},
    )  # fmt: skip


def a_subscription(endpoint: str, **more: Any) -> dict[str, Any]:
    channel = {"type": "rest-hook", "endpoint": endpoint, "header": ["X-Secret: s3"]}
    subscription = {"resourceType": "Subscription", "status": "requested", "reason": "test", "criteria": CRITERIA}
    return {**subscription, "channel": channel, **more}


def a_task(**more: Any) -> dict[str, Any]:
    identifier = [{"system": "https://example.org/sid", "value": "1"}]
    return {"resourceType": "Task", "status": "requested", "intent": "order", "identifier": identifier, **more}


def test_a_write_that_fits_is_told_without_a_word_of_what_it_was(watched: tuple[DemoEhr, Door, str]) -> None:
    ehr, door, endpoint = watched
    made = fhir(ehr, "POST", "Subscription", a_subscription(endpoint))
    assert (made.status_code, made.json()["status"]) == (201, "active")
    task = fhir(ehr, "POST", "Task", a_task()).json()
    fhir(ehr, "PUT", f"Task/{task['id']}", {**task, "status": "accepted"})
    fhir(ehr, "POST", "Task", a_task(identifier=[{"system": "https://other.example", "value": "1"}]))
    ehr.subscriptions.wait()
    assert door.knocks == [("s3", b""), ("s3", b"")]


def test_a_transaction_that_is_rolled_back_tells_nobody(watched: tuple[DemoEhr, Door, str]) -> None:
    ehr, door, endpoint = watched
    fhir(ehr, "POST", "Subscription", a_subscription(endpoint))
    good = {"resource": a_task(), "request": {"method": "POST", "url": "Task"}}
    bad = {"resource": {"resourceType": "Nothing"}, "request": {"method": "POST", "url": "Nothing"}}
    assert (
        fhir(ehr, "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [good, bad]}).status_code
        >= 400
    )
    ehr.subscriptions.wait()
    assert door.knocks == []
    assert fhir(ehr, "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [good]}).status_code == 200
    ehr.subscriptions.wait()
    assert len(door.knocks) == 1


def test_a_subscriber_that_never_answers_is_given_up(watched: tuple[DemoEhr, Door, str]) -> None:
    ehr, door, endpoint = watched
    made = fhir(ehr, "POST", "Subscription", a_subscription(endpoint)).json()
    door.status = 500
    for _ in range(6):
        fhir(ehr, "POST", "Task", a_task())
        ehr.subscriptions.wait()
    assert len(door.knocks) == 5
    assert fhir(ehr, "GET", f"Subscription/{made['id']}").json()["status"] == "error"


def test_one_that_has_ended_or_is_switched_off_is_silent(watched: tuple[DemoEhr, Door, str]) -> None:
    ehr, door, endpoint = watched
    fhir(ehr, "POST", "Subscription", a_subscription(endpoint, end="2020-01-01T00:00:00Z"))
    fhir(ehr, "POST", "Subscription", a_subscription(endpoint, status="off"))
    fhir(ehr, "POST", "Task", a_task())
    ehr.subscriptions.wait()
    assert door.knocks == []


@pytest.mark.parametrize(
    "broken",
    [
        {"criteria": "Nothing?x=1"},
        {"criteria": "Task?nonsense=1"},
        {"channel": {"type": "email", "endpoint": "mailto:a@example.org"}},
        {"channel": {"type": "rest-hook", "endpoint": "https://elsewhere.example/hook"}},
        {"status": "sleeping"},
    ],
)
def test_what_this_server_cannot_do_is_refused(watched: tuple[DemoEhr, Door, str], broken: dict[str, Any]) -> None:
    ehr, _, endpoint = watched
    assert fhir(ehr, "POST", "Subscription", a_subscription(endpoint) | broken).status_code in (400, 422)


def test_the_server_says_that_it_has_subscriptions(watched: tuple[DemoEhr, Door, str]) -> None:
    ehr, _, _ = watched
    (rest,) = fhir(ehr, "GET", "metadata").json()["rest"]
    (found,) = [one for one in rest["resource"] if one["type"] == "Subscription"]
    assert {"create", "read", "update"} <= {one["code"] for one in found["interaction"]}
