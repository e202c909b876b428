"""New access for an open launch; a refresh token is used once. Source: SM-R1, SM-R2, SM-C6."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Response, jsonify

from smart_launch.discovery import Discovery
from smart_launch.errors import PatientChanged, ServerUnreachable, TokenRefused
from smart_launch.http import new_session
from smart_launch.refresh import Refresher
from smart_launch.token_endpoint import TokenEndpoint
from tests.smart_launch.authorization_server import ABSENT
from tests.smart_launch.conftest import House


@pytest.fixture
def refresher(house: House) -> Refresher:
    http = new_session()
    return Refresher(Discovery(http, house.clock), TokenEndpoint(house.keyring, http), house.clock)


def test_sm_r1_a_refresh_asks_for_no_scope_and_so_for_no_more(house: House, refresher: Refresher) -> None:
    before = house.launch()
    house.clock.move(hours=1)
    after = refresher.refreshed(house.register(), before)
    call = house.ehr.called("/token")[-1]
    assert set(call.form) == {
        *("grant_type", "refresh_token", "client_assertion_type", "client_assertion"),
    }
    assert call.form["refresh_token"] == [before.refresh_token]
    assert before.expired(house.clock())
    assert not after.expired(house.clock())
    assert house.ehr.faults == []


def test_sm_r2_the_new_refresh_token_replaces_the_old_one(house: House, refresher: Refresher) -> None:
    first = house.launch()
    second = refresher.refreshed(house.register(), first)
    third = refresher.refreshed(house.register(), second)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert (third.patient, third.fhir_user) == ("p1", "Practitioner/dr1")


def test_sm_r2_a_page_with_many_requests_uses_its_refresh_token_once(house: House, refresher: Refresher) -> None:
    before, registration = house.launch(), house.register()
    asked, go = threading.Event(), threading.Event()
    served: list[int] = []

    def slow() -> Response:
        asked.set()
        assert go.wait(5)
        served.append(1)
        return jsonify(access_token="new", token_type="Bearer", expires_in=300, refresh_token="r2")

    house.ehr.answers["/token"] = slow
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(refresher.refreshed, registration, before) for _ in range(8)]
        assert asked.wait(5)
        go.set()
        got = {future.result(timeout=5).refresh_token for future in waiting}
    assert got == {"r2"}
    assert len(served) == 1


def test_sm_r2_who_comes_a_moment_late_with_the_old_token_gets_the_new_one(house: House, refresher: Refresher) -> None:
    before, registration = house.launch(), house.register()
    after = refresher.refreshed(registration, before)
    house.clock.move(seconds=59)
    assert refresher.refreshed(registration, before) == after
    house.clock.move(seconds=1)
    with pytest.raises(TokenRefused) as caught:
        refresher.refreshed(registration, before)
    assert caught.value.error == "invalid_grant"


def test_sm_t6_without_a_refresh_token_the_app_is_to_be_opened_again(house: House, refresher: Refresher) -> None:
    house.ehr.token_changes = {"refresh_token": ABSENT}
    with pytest.raises(TokenRefused) as caught:
        refresher.refreshed(house.register(), house.launch())
    assert caught.value.error == "no_refresh_token"
    assert len(house.ehr.called("/token")) == 1


def test_sm_c6_a_refresh_that_speaks_of_another_patient_ends_the_session(house: House, refresher: Refresher) -> None:
    before = house.launch()
    house.ehr.token_changes = {"patient": "p2"}
    with pytest.raises(PatientChanged):
        refresher.refreshed(house.register(), before)


def test_a_server_that_is_busy_does_not_cost_the_refresh_token(house: House, refresher: Refresher) -> None:
    before = house.launch()
    house.ehr.answers["/token"] = lambda: Response("busy", status=503)
    with pytest.raises(ServerUnreachable):
        refresher.refreshed(house.register(), before)
    del house.ehr.answers["/token"]
    assert refresher.refreshed(house.register(), before).access_token != before.access_token


def test_two_launches_never_share_an_answer(house: House, refresher: Refresher) -> None:
    first, second = house.launch(), house.launch()
    registration = house.register()
    got = {refresher.refreshed(registration, context).access_token for context in (first, second)}
    assert len(got) == 2
