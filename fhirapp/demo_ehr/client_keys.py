"""The public keys of registered clients, fetched from where each client publishes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import requests
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from fhirapp.demo_ehr.settings import DemoClient

_REFETCH_SECONDS = 2.0  # an unknown kid refetches at most this often
_TIMEOUT = 5.0


def fetch_jwks(url: str) -> Any:
    """The JSON at a JWKS URL. Raises `requests.RequestException`, ValueError."""
    response = requests.get(url, timeout=_TIMEOUT, allow_redirects=False)
    response.raise_for_status()
    return response.json()


class ClientKeys:
    """Key sets by client; refetched when a client signs with a key that is not in the set we have."""

    def __init__(self, fetch: Callable[[str], Any] = fetch_jwks, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._now = fetch, now
        self._lock = Lock()
        self._sets: dict[str, tuple[float, KeySet]] = {}

    def of(self, client: DemoClient, kid: str | None) -> KeySet | None:
        """The client's key set; `None` when it cannot be fetched or read."""
        with self._lock:
            fetched, keys = self._sets.get(client.client_id, (float("-inf"), None))
            now = self._now()
            if keys is not None and (_has(keys, kid) or now - fetched < _REFETCH_SECONDS):
                return keys
            try:
                keys = KeySet.import_key_set(self._fetch(client.jwks_url))
            except (requests.RequestException, ValueError, KeyError, TypeError, JoseError):
                return keys
            self._sets[client.client_id] = (now, keys)
            return keys


def _has(keys: KeySet, kid: str | None) -> bool:
    return kid is None or any(key.kid == kid for key in keys.keys)
