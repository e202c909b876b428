"""Browsers in front of the real pages, in a whole hospital."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fhirapp.app import create_app
from fhirapp.audit import AuditRow
from fhirapp.demo.settings import TENANT
from fhirapp.demo_ehr.tokens import Launch
from fhirapp.problems import register_problems
from fhirapp.ui.house import House
from fhirapp.ui.launched import arrived
from fhirapp.ui.pages import create_pages
from fhirapp.ui.session import COOKIE, PageSessions
from smart_launch.context import LaunchContext
from tests.fhirapp.ui.forms import form_to
from tests.world import World, hospital

DOCTOR, NAVIGATOR, OTHER_NAVIGATOR = "Practitioner/dr-lind", "Practitioner/nav-ray", "Practitioner/nav-sol"
TOML = (
    '{base}\n[tenants.other]\nname = "Other Hospital"\ntime_zone = "Asia/Kathmandu"\nrelease = "clinician-signs"\n'
    + "".join(
        f"[tenants.other.{part}]\n{lines}\n"
        for part, lines in {
            "ehr": 'fhir_base = "https://other.example/fhir"\nclient_id = "a"\nbackend_client_id = "b"',
            "exercise_service": 'reference = "Organization/x"\ndisplay = "Exercise elsewhere"\nphone = "+977 1 555"',
            "responsible_clinician": 'reference = "Practitioner/x"\ndisplay = "Dr X"',
            "on_call": 'reference = "Practitioner/x"\ndisplay = "Dr X"',
        }.items()
    )
)
HTML = {"Accept": "text/html,application/xhtml+xml"}


@dataclass
class Browser:
    """One browser with its own cookies."""

    world: World
    app: Flask
    house: House
    client: FlaskClient

    def launch(self, patient: str | None, user: str | None = DOCTOR, **more: Any) -> TestResponse:
        """What the EHR does when somebody opens the app; the answer is the redirect into a page."""
        context = self.context(patient, user, **more)
        pages = PageSessions(self.house.sessions, self.house.sealer, self.house.wall_clock)
        with self.app.test_request_context("/smart/callback"):
            answer = arrived(self.house, pages, context)
            for line in answer.headers.getlist("Set-Cookie"):
                value, path = (re.search(rf"{name}=([^;]+)", line)[1] for name in (COOKIE, "Path"))  # type: ignore[index]
                self.client.set_cookie(COOKIE, value, path=path)
        return answer  # type: ignore[return-value]

    def context(self, patient: str | None, user: str | None = DOCTOR, **more: Any) -> LaunchContext:
        """A launch with a token that the demo EHR knows."""
        ehr, now = self.world.ehr, self.house.wall_clock()
        scopes = more.pop("scopes", " ".join(ehr.settings.clients[0].scopes))
        launch = Launch(patient, user or "") if patient else None
        token = ehr.tokens.issue("stride-app", scopes, 900, launch)
        values: dict[str, Any] = {
            "tenant_id": TENANT, "iss": ehr.settings.fhir_base, "patient": patient, "encounter": None,
            "fhir_user": user, "access_token": token.access_token, "expires_at": now + timedelta(minutes=15),
            "refresh_token": None, "scope": scopes, "requested": scopes, **more,
        }  # fmt: skip
        return LaunchContext(**values)

    def opens(self, patient: str | None, user: str | None = DOCTOR, **more: Any) -> str:
        """Launch, and give the address of the page that opens."""
        return str(self.launch(patient, user, **more).headers["Location"])

    def moves_to(self, house: House) -> None:
        """The same browser, before pages of another house."""
        before = self.client
        app = pages_of(house)
        self.house, self.app, self.client = house, app, app.test_client()
        for cookie in before._cookies.values() if before._cookies else ():
            self.client.set_cookie(cookie.key, cookie.value, path=cookie.path)

    def secret_of(self, page: str) -> str:
        """What this browser's cookie for a page holds."""
        cookie = self.client.get_cookie(COOKIE, path=page)
        assert cookie is not None
        return cookie.value

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, headers={**HTML, **more.pop("headers", {})}, **more)

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.status
        return answer.text

    def press(self, html: str, ending: str, **filled: str) -> TestResponse:
        """Send the form of a page whose address ends so, as it stands and with what is filled in."""
        form = form_to(html, ending)
        return self.client.post(form.action, data={**form.values, **filled}, headers=HTML)


def pages_of(house: House) -> Flask:
    """The pages alone, without hooks and launches."""
    app = Flask("pages", static_folder=None)
    for blueprint in create_pages(house):
        app.register_blueprint(blueprint)
    register_problems(app, house)
    return app


def answers(**positive: bool) -> dict[str, str]:
    """All six questions answered no, except those named: `answers(chest_pain=True)`."""
    said = {name.replace("_", "-"): value for name, value in positive.items()}
    names = ("chest-pain", "syncope", "new-dyspnoea", "back-red-flags", "bleeding", "fever")
    return {name: "yes" if said.get(name) else "no" for name in names}


def audited(world: World, action: str) -> list[AuditRow]:
    """What was put down of one kind of access."""
    with world.stride.sessions() as session:
        return list(session.query(AuditRow).filter(AuditRow.action == action).order_by(AuditRow.id))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One hospital for all tests of a file: each test takes patients of its own."""
    with hospital(tmp_path_factory.mktemp("hospital"), toml=TOML) as running:
        yield running


@pytest.fixture
def house(world: World) -> House:
    s = world.stride
    return House(
        s.sessions,
        s.tenants,
        s.actions,
        s.windows,
        s.intake,
        s.write_back,
        s.ehrs,
        s.sealer,
        s.links,
        s.clock,
        s.config,
    )


@pytest.fixture(scope="module")
def app(world: World) -> Flask:
    return create_app(world.stride)


@pytest.fixture
def browser(world: World, app: Flask, house: House) -> Browser:
    return Browser(world, app, house, app.test_client())


@pytest.fixture
def other_browser(world: World, app: Flask, house: House) -> Browser:
    return Browser(world, app, house, app.test_client())


@pytest.fixture(autouse=True)
def _healthy_ehr(world: World) -> Iterator[None]:
    yield
    world.ehr.faults.replace([])
