from __future__ import annotations

from typing import Any

import requests
from joserfc.jwk import ECKey

from fhirapp.demo_ehr.client_keys import ClientKeys
from fhirapp.demo_ehr.settings import DemoClient

CLIENT = DemoClient("app", "http://localhost:9/jwks", (), (), "app")


class Publisher:
    """A key set behind a URL, with a count of how often it was asked for."""

    def __init__(self) -> None:
        self.keys = [ECKey.generate_key("P-384", {"kid": "k1"})]
        self.asked = 0
        self.down = False

    def __call__(self, url: str) -> Any:
        self.asked += 1
        if self.down:
            raise requests.ConnectionError
        return {"keys": [key.as_dict(private=False) for key in self.keys]}


def kids(keys: Any) -> list[str]:
    return [key.kid for key in keys.keys]


def test_a_known_key_is_fetched_once():
    publisher = Publisher()
    keys = ClientKeys(publisher, now=lambda: 0.0)
    for _ in range(3):
        keys.of(CLIENT, "k1")
    assert publisher.asked == 1


def test_a_key_that_the_client_has_just_added_is_fetched():
    publisher, now = Publisher(), [0.0]
    keys = ClientKeys(publisher, now=lambda: now[0])
    keys.of(CLIENT, "k1")
    publisher.keys.append(ECKey.generate_key("P-384", {"kid": "k2"}))
    now[0] = 10.0
    assert kids(keys.of(CLIENT, "k2")) == ["k1", "k2"]


def test_unknown_key_ids_do_not_make_the_ehr_ask_all_the_time():
    publisher, now = Publisher(), [0.0]
    keys = ClientKeys(publisher, now=lambda: now[0])
    for now[0] in (0.0, 0.5, 1.0, 1.5):
        keys.of(CLIENT, "made-up")
    assert publisher.asked == 1


def test_the_last_known_keys_serve_while_the_client_is_down():
    publisher, now = Publisher(), [0.0]
    keys = ClientKeys(publisher, now=lambda: now[0])
    keys.of(CLIENT, "k1")
    publisher.down, now[0] = True, 60.0
    assert kids(keys.of(CLIENT, "k2")) == ["k1"]


def test_keys_that_were_never_there_are_none():
    publisher = Publisher()
    publisher.down = True
    assert ClientKeys(publisher).of(CLIENT, "k1") is None
