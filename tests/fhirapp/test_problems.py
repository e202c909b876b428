"""One table of problems: each error has a face, each face a page, none holds what it must not."""

from __future__ import annotations

import inspect
import logging
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import MethodNotAllowed

import fhirapp.ehr.errors
import fhirapp.referrals.errors
import fhirapp.ui.errors
import mappings.errors
import smart_launch.errors
from fhirapp.problems import BY_SLUG, PROBLEMS, UNEXPECTED, problem_of, register_problems
from models.text import N_
from tests.fhirapp.ui.conftest import HTML

SECRET = "Ada Marlow, platelets 8"


def every_error() -> list[type[Exception]]:
    rooms = (
        fhirapp.ehr.errors, fhirapp.referrals.errors, fhirapp.ui.errors, mappings.errors, smart_launch.errors,
    )  # fmt: skip
    found = [
        cls
        for room in rooms
        for _, cls in inspect.getmembers(room, inspect.isclass)
        if issubclass(cls, Exception) and cls.__module__ == room.__name__
    ]
    return [cls for cls in found if not any(other.__bases__[0] is cls for other in found)]  # the leaves


def made(cls: type[Exception]) -> Exception:
    needed: dict[str, Any] = {
        "text": N_("x"), "error": "invalid_grant", "status": 400, "state": "held", "action": "sign", "role": "patient",
        "why": "hold", "message": SECRET, "source": SECRET, "reason": SECRET,
    }  # fmt: skip
    wanted = [
        p.name
        for p in inspect.signature(cls.__init__).parameters.values()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"
    ]
    return cls(*[needed[name] for name in wanted])


@pytest.fixture
def app() -> Flask:
    """The landing pages, and one route that fails as it is told."""
    from types import SimpleNamespace

    from fhirapp.ui import home

    app = Flask("problems", static_folder=None)
    app.register_blueprint(home.create_blueprint(SimpleNamespace(config=SimpleNamespace(demo=False))))  # type: ignore[arg-type]
    register_problems(app)
    app.config["fail"] = None

    @app.get("/fails")
    def fails() -> str:
        raise app.config["fail"]

    return app


@pytest.mark.parametrize("cls", every_error(), ids=lambda cls: cls.__name__)
def test_every_error_of_the_rooms_has_a_face(app: Flask, cls: type[Exception]) -> None:
    problem = problem_of(made(cls))
    assert problem is not UNEXPECTED
    app.config["fail"] = made(cls)
    for accept, kind in ((HTML, "text/html"), ({"Accept": "application/json"}, "application/problem+json")):
        answer = app.test_client().get("/fails", headers=accept)
        assert (answer.status_code, answer.mimetype) == (problem.status, kind)
        assert SECRET not in answer.text
        assert f"/problems/{problem.slug}" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("slug", sorted(BY_SLUG))
def test_every_problem_type_is_a_page_that_exists(app: Flask, slug: str) -> None:
    answer = app.test_client().get(f"/problems/{slug}", headers=HTML)
    assert answer.status_code == 200
    assert str(BY_SLUG[slug].title).split("'")[0] in answer.text


def test_one_slug_means_one_thing() -> None:
    for problem in PROBLEMS.values():
        assert (BY_SLUG[problem.slug].status, BY_SLUG[problem.slug].title) == (problem.status, problem.title)


def test_what_nobody_expected_is_logged_without_its_words(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    app.config["fail"] = ZeroDivisionError(SECRET)
    with caplog.at_level(logging.INFO, "stride.problems"):
        answer = app.test_client().get("/fails", headers=HTML)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert SECRET not in answer.text + caplog.text
    assert "ZeroDivisionError" in caplog.text
    reference = answer.text.split('class="source">')[1][:8]
    assert reference in caplog.text


def test_a_wrong_method_keeps_its_own_status_and_says_what_is_allowed(app: Flask) -> None:
    answer = app.test_client().post("/fails", headers={"Accept": "application/json"})
    assert answer.status_code == MethodNotAllowed.code
    assert "GET" in answer.headers["Allow"]
    assert answer.json is not None
    assert answer.json["title"] == "Method Not Allowed"


def test_json_follows_rfc_9457(app: Flask) -> None:
    answer = app.test_client().get("/nowhere", headers={"Accept": "*/*"})
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert set(answer.json) == {"type", "title", "status", "detail", "instance"}
    assert answer.json["status"] == answer.status_code == 404
