from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest

from cds_hooks.errors import KeysUnavailable
from cds_hooks.keys import KeyCache
from tests.cds_hooks.builders import ISSUER, a_client
from tests.cds_hooks.conftest import Running


class Source:
    """A JWKS address that may be down, and how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.down, self.now = 0, False, 0.0

    def load(self) -> dict[str, Any]:
        self.asked += 1
        if self.down:
            raise OSError("no route")
        return {"keys": [{"n": self.asked}]}

    def cache(self) -> KeyCache:
        return KeyCache(self.load, lambda: self.now, max_age_s=3600, min_interval_s=60)


def test_ch_j9_a_flood_of_unknown_kids_asks_the_address_once_a_minute():
    source = Source()
    keys = source.cache()
    for second in range(0, 180, 1):
        source.now = float(second)
        keys(True)
    assert source.asked == 3


def test_ch_j9_keys_are_read_again_when_they_are_old():
    source = Source()
    keys = source.cache()
    first = keys(False)
    source.now = 3601.0
    assert keys(False) != first


def test_ch_j9_known_keys_stay_good_while_the_address_is_down():
    source = Source()
    keys = source.cache()
    first = keys(False)
    source.down, source.now = True, 7200.0
    assert keys(True) == first


def test_ch_j9_callers_with_a_known_key_do_not_wait_for_a_slow_address():
    source, seen = Source(), []

    def load() -> dict[str, Any]:
        if source.asked:  # the second time: somebody else asks while the address is slow
            other = Thread(target=lambda: seen.append(keys(False)), daemon=True)
            other.start()
            other.join(timeout=10)
        return source.load()

    keys = KeyCache(load, lambda: source.now, max_age_s=3600, min_interval_s=60)
    first = keys(False)
    source.now = 3601.0
    assert keys(False) != first
    assert seen == [first]


def test_keys_that_never_came_are_an_error_and_are_not_asked_for_at_every_call():
    source = Source()
    source.down = True
    keys = source.cache()
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            keys(False)
    assert source.asked == 1


def test_a_client_whose_keys_cannot_be_had_gets_503_not_401(service: Running):
    def keys(refetch: bool) -> dict[str, Any]:
        raise KeysUnavailable("down")

    service.clients.clients[ISSUER] = a_client(keys=keys)
    response = service.call()
    assert response.status_code == 503
    assert response.get_json()["resourceType"] == "OperationOutcome"


def test_the_first_callers_of_all_wait_for_the_keys_together():
    """Twenty hooks on a service that has just started: none may be told that the keys are not there."""
    begun, let_go, answers = Event(), Event(), []

    def load() -> dict[str, Any]:
        begun.set()
        assert let_go.wait(5)
        return {"keys": []}

    keys = KeyCache(load, lambda: 0.0)
    callers = [Thread(target=lambda: answers.append(keys(False)), daemon=True) for _ in range(20)]
    for caller in callers:
        caller.start()
    assert begun.wait(5)
    let_go.set()
    for caller in callers:
        caller.join(5)
    assert answers == [{"keys": []}] * 20


def test_keys_that_did_not_come_at_first_are_asked_for_again_soon():
    source = Source()
    source.down = True
    keys = source.cache()
    with pytest.raises(KeysUnavailable):
        keys(False)
    source.down, source.now = False, 3.0
    assert keys(False) == {"keys": [{"n": 2}]}
