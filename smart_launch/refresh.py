"""New access for a launch whose token has run out. Source: SM-R1, SM-R2."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from models.text import N_
from smart_launch.authorization import client_of, digest
from smart_launch.context import LaunchContext
from smart_launch.discovery import Discovery
from smart_launch.errors import TokenRefused
from smart_launch.flights import Flights
from smart_launch.ports import Clock, Registration
from smart_launch.token_endpoint import TokenEndpoint
from smart_launch.token_response import TokenResponse, read_token_response

REMEMBERED_FOR: Final = timedelta(minutes=1)

_NO_REFRESH: Final = N_(
    "Access to the record system has ended. Please close this page and open the app again from the patient's chart."
)


class Refresher:
    """Refreshes launches. A refresh token is used once, however many requests of a page ask at the same time."""

    def __init__(self, discovery: Discovery, endpoint: TokenEndpoint, clock: Clock) -> None:
        self._discovery = discovery
        self._endpoint = endpoint
        self._clock = clock
        self._flights: Flights[TokenResponse] = Flights()
        self._lock = Lock()
        self._answers: dict[str, tuple[datetime, TokenResponse]] = {}

    def refreshed(self, registration: Registration, context: LaunchContext) -> LaunchContext:
        """The context with new access, to be stored in place of the old one.

        Raises `TokenRefused` where the launch has to be repeated (no refresh token, or it is not taken), and
        `PatientChanged` where the new access is for another patient: end the page session in both cases.
        A caller that comes up to a minute late with the old token gets the answer that the first one got.
        """
        token = context.refresh_token
        if token is None:
            raise TokenRefused(_NO_REFRESH, "no_refresh_token", 0)
        key = digest(f"{registration.iss} {token}")
        answer = self._flights.join(key, lambda: self._remembered(key) or self._ask(key, registration, token))
        return context.refreshed(answer)

    def _ask(self, key: str, registration: Registration, token: str) -> TokenResponse:
        configuration = self._discovery.configuration(registration)
        now = self._clock()
        document = self._endpoint.ask(
            configuration.token_endpoint,
            client_of(registration, configuration),
            "refresh_token",
            now=now,
            refresh_token=token,  # no scope: that keeps the granted ones, and can never ask for more
        )
        answer = read_token_response(document, now)
        with self._lock:
            young = {k: v for k, v in self._answers.items() if now - v[0] < REMEMBERED_FOR}
            self._answers = {**young, key: (now, answer)}
        return answer

    def _remembered(self, key: str) -> TokenResponse | None:
        with self._lock:
            kept = self._answers.get(key)
        return kept[1] if kept is not None and self._clock() - kept[0] < REMEMBERED_FOR else None
