"""A clock that we move, a server that we bend, and the app between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from smart_launch.blueprint import create_blueprint
from smart_launch.context import LaunchContext
from smart_launch.errors import SmartError
from smart_launch.http import new_session
from smart_launch.keys import KeyRing, KeyRings
from smart_launch.ports import PENDING_FOR, PendingLaunch, Registration
from tests.smart_launch.authorization_server import AuthorizationServer, running

PUBLIC_BASE = "https://stride.example"


class MovedClock:
    """A clock that stands until it is moved; its zone is not UTC."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 9, 10, 30, tzinfo=ZoneInfo("Pacific/Auckland"))

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class RegistrationList:
    """The port `Registrations` over a plain dictionary."""

    def __init__(self, *registrations: Registration) -> None:
        self.rows = {registration.iss: registration for registration in registrations}

    def by_iss(self, iss: str) -> Registration | None:
        return self.rows.get(iss)


class LaunchTable:
    """The port `Launches` in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, PendingLaunch] = {}
        self._lock = Lock()

    def save(self, pending: PendingLaunch) -> None:
        with self._lock:
            self.rows[pending.state_hash] = pending

    def take(self, state_hash: str, now: datetime) -> PendingLaunch | None:
        with self._lock:
            pending = self.rows.pop(state_hash, None)
        return pending if pending is not None and now - pending.started_at < PENDING_FOR else None


class House:
    """Our app with this package's blueprint, one EHR, and what came out of it."""

    def __init__(
        self,
        ehr: AuthorizationServer,
        clock: MovedClock,
        keyring: KeyRing | KeyRings,
        public_base: str = PUBLIC_BASE,
    ) -> None:
        self.public_base = public_base
        self.ehr, self.clock, self.keyring = ehr, clock, keyring
        self.registrations, self.launches = RegistrationList(), LaunchTable()
        self.launched: list[LaunchContext] = []
        self.error: SmartError | None = None
        self.register()
        self.app = self._app()

    def register(self, **changes: object) -> Registration:
        registration = Registration(
            iss=self.ehr.iss,
            tenant_id="north",
            client_id="stride",
            insecure_http=True,
            backend_client_id="stride-backend",
            frame_ancestors=("https://ehr.example",),
        )
        registration = replace(registration, **changes)  # type: ignore[arg-type]
        self.registrations.rows = {registration.iss: registration}
        return registration

    def _app(self) -> Flask:
        app = Flask("house")
        app.register_blueprint(
            create_blueprint(
                self.registrations,
                self.launches,
                self.keyring,
                self._opened,
                self.clock,
                self.public_base,
                new_session(),
            )
        )

        @app.errorhandler(SmartError)
        def show(error: SmartError) -> tuple[str, int]:
            self.error = error
            return str(error.text), 400

        return app

    def _opened(self, context: LaunchContext) -> Response:
        self.launched.append(context)
        return Response("opened")

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def leave(self, browser: FlaskClient, iss: str | None = None, launch: str = "l1") -> dict[str, str]:
        """Start a launch; the parameters of the authorize URL that the browser is sent to."""
        answer = get(browser, "/smart/launch", iss=iss or self.ehr.iss, launch=launch)
        assert answer.status_code == 302, answer.text
        return {name: value for name, [value] in parse_qs(urlsplit(answer.location).query).items()}

    def arrive(self, browser: FlaskClient, asked: dict[str, str]) -> TestResponse:
        """Come back from the authorization server."""
        back = urlsplit(self.ehr.authorize(asked))
        return get(browser, back.path, **{k: v for k, [v] in parse_qs(back.query).items()})

    def launch(self) -> LaunchContext:
        """A whole launch that must work."""
        browser = self.browser()
        answer = self.arrive(browser, self.leave(browser))
        assert answer.status_code == 200, answer.text
        return self.launched[-1]

    def refused(self) -> SmartError:
        """A whole launch that must fail at the callback, and how."""
        browser = self.browser()
        answer = self.arrive(browser, self.leave(browser))
        assert answer.status_code == 400, "the launch was let through"
        assert self.error is not None
        return self.error


def get(browser: FlaskClient, path: str, **query: str) -> TestResponse:
    """A GET as a browser sends it to our public address."""
    return browser.get(path, base_url=PUBLIC_BASE, query_string=query)


@pytest.fixture(scope="session")
def keyring() -> KeyRing:
    return KeyRing.generated()


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def ehr(clock: MovedClock, keyring: KeyRing) -> Iterator[AuthorizationServer]:
    with running(AuthorizationServer(clock=clock, client_jwks=keyring.jwks)) as server:
        yield server


@pytest.fixture
def house(ehr: AuthorizationServer, clock: MovedClock, keyring: KeyRing) -> House:
    return House(ehr, clock, keyring)
