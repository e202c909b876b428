"""One running service with in-memory ports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_hooks.blueprint import create_blueprint
from tests.cds_hooks import builders
from tests.cds_hooks.ports import InMemoryCharts, InMemoryClients, InMemoryFeedbacks, InMemoryIntake


@dataclass
class Running:
    """The service as a caller meets it, and what stands behind it."""

    clients: InMemoryClients = field(default_factory=InMemoryClients)
    charts: InMemoryCharts = field(default_factory=InMemoryCharts)
    intake: InMemoryIntake = field(default_factory=lambda: InMemoryIntake(builders.an_offer()))
    feedbacks: InMemoryFeedbacks = field(default_factory=InMemoryFeedbacks)
    now: datetime = builders.NOW
    monotonic: float = 1000.0
    settings: dict[str, Any] = field(default_factory=dict)
    _http: FlaskClient | None = None

    @property
    def http(self) -> FlaskClient:
        if self._http is None:
            app = Flask("hooks-test")
            blueprint = create_blueprint(
                self.clients,
                self.charts,
                self.intake,
                self.feedbacks,
                lambda: self.now,
                builders.BASE,
                monotonic=lambda: self.monotonic,
                **self.settings,
            )
            app.register_blueprint(blueprint)
            self._http = app.test_client()
        return self._http

    def call(self, request: dict[str, Any] | None = None, **token: Any) -> TestResponse:
        """POST a hook request with a good token, unless changed."""
        return self.post(builders.body(request or builders.a_request()), **token)

    def post(self, body: bytes, *, path: str = "exercise-referral", **token: Any) -> TestResponse:
        headers = token.pop("headers", None) or builders.bearer(**token)
        headers = {"Content-Type": "application/json"} | headers
        return self.http.post(f"/cds-services/{path}", data=body, headers=headers)

    @property
    def nothing_written(self) -> bool:
        return not self.intake.calls and not self.feedbacks.entries


@pytest.fixture
def service() -> Running:
    running = Running()
    running.clients.clients[builders.ISSUER] = builders.a_client()
    return running
