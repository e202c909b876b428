"""Access tokens for the service itself, without a user. Source: SM-B1."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import requests

from models.text import N_
from smart_launch.discovery import Discovery, SmartConfiguration
from smart_launch.errors import KeyFault
from smart_launch.flights import Flights
from smart_launch.http import new_session
from smart_launch.keys import KeyRing, KeyRings
from smart_launch.ports import Clock, Registration
from smart_launch.scopes import BACKEND, negotiated
from smart_launch.token_endpoint import Client, TokenEndpoint
from smart_launch.token_response import read_token_response

MARGIN: Final = timedelta(seconds=30)
UNSAID: Final = timedelta(seconds=300)  # the longest life that the standard recommends

_NOT_REGISTERED: Final = N_("No backend client is registered in this record system.")


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    good_until: datetime


class BackendTokens:
    """System tokens by registration, each used until half a minute before its end; safe to share by threads."""

    def __init__(self, keys: KeyRing | KeyRings, http: requests.Session | None, clock: Clock) -> None:
        http = http or new_session()
        self._discovery = Discovery(http, clock)
        self._endpoint = TokenEndpoint(keys, http)
        self._clock = clock
        self._flights: Flights[str] = Flights()
        self._lock = Lock()
        self._tokens: dict[str, _Token] = {}

    def token(self, registration: Registration) -> str:
        """A token that is good for at least a moment; raises `ServerFault` where the EHR gives none."""
        key = _key(registration)
        return self._kept(key) or self._flights.join(
            # looked up again in the air: the flight before may have landed just now
            key,
            lambda: self._kept(key) or self._fetch(key, registration),
        )

    def forget(self, registration: Registration, refused: str | None = None) -> None:
        """Drop the token after a 401, so that the next call asks for a new one.

        With `refused`, the token that got the 401, a newer one that another thread fetched meanwhile stays.
        """
        with self._lock:
            kept = self._tokens.get(_key(registration))
            if kept is not None and refused in (None, kept.value):
                del self._tokens[_key(registration)]

    def _kept(self, key: str) -> str | None:
        with self._lock:
            kept = self._tokens.get(key)
        return kept.value if kept is not None and self._clock() < kept.good_until else None

    def _fetch(self, key: str, registration: Registration) -> str:
        if registration.backend_client_id is None:
            raise KeyFault(_NOT_REGISTERED, registration.tenant_id)
        configuration = self._discovery.configuration(registration)
        now = self._clock()
        document = self._endpoint.ask(
            configuration.token_endpoint,
            _client(registration, registration.backend_client_id, configuration),
            "client_credentials",
            now=now,
            scope=_scope(registration, configuration),
        )
        response = read_token_response(document, now)
        ends = response.expires_at or now + UNSAID
        with self._lock:
            self._tokens[key] = _Token(response.access_token, ends - MARGIN)
        return response.access_token


def _key(registration: Registration) -> str:
    return f"{registration.tenant_id} {registration.iss} {registration.backend_client_id}"


def _client(registration: Registration, client_id: str, configuration: SmartConfiguration) -> Client:
    return Client(
        tenant_id=registration.tenant_id,
        client_id=client_id,
        auth="private_key_jwt",
        insecure_http=registration.insecure_http,
        algorithms=configuration.signing_algorithms,
    )


def _scope(registration: Registration, configuration: SmartConfiguration) -> str:
    return registration.backend_scopes or negotiated(
        BACKEND, configuration.capabilities, configuration.scopes_supported
    )
