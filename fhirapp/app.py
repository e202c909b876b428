"""The web application: adapters and pages around one assembled service."""

from __future__ import annotations

import time
from typing import Final

import sqlalchemy as sa
from flask import Flask, Response, jsonify

from cds_hooks.blueprint import create_blueprint as cds_blueprint
from fhirapp.bootstrap import Stride, wall_clock
from fhirapp.closed_loop.blueprint import create_blueprint as subscriptions_blueprint
from fhirapp.db.schema import is_current
from fhirapp.demo import controls as demo_controls
from fhirapp.messages.blueprint import create_blueprint as replies_blueprint
from fhirapp.problems import register_problems
from fhirapp.ui.house import House
from fhirapp.ui.launched import on_launched
from fhirapp.ui.pages import create_pages
from smart_launch.blueprint import create_blueprint as smart_blueprint
from smart_launch.discovery import Discovery
from smart_launch.refresh import Refresher
from smart_launch.token_endpoint import TokenEndpoint

MAX_BODY: Final = 12_000_000  # bytes; a hook of 20,000 observations is refused before it is read


def create_app(stride: Stride) -> Flask:
    """The whole service as one WSGI application."""
    app = Flask("fhirapp", static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY)
    house = House(
        sessions=stride.sessions,
        tenants=stride.tenants,
        actions=stride.actions,
        windows=stride.windows,
        intake=stride.intake,
        write_back=stride.write_back,
        ehrs=stride.ehrs,
        sealer=stride.sealer,
        links=stride.links,
        clock=stride.clock,
        config=stride.config,
        refresher=Refresher(Discovery(stride.http, wall_clock), TokenEndpoint(stride.keys, stride.http), wall_clock),
    )
    app.register_blueprint(
        cds_blueprint(
            stride.cds_clients,
            stride.charts,
            stride.intake,
            stride.feedbacks,
            stride.clock,
            stride.config.public_url,
            monotonic=time.monotonic,
            token_clock=wall_clock,
            turn=stride.intake.turn,
        )
    )
    app.register_blueprint(
        smart_blueprint(
            stride.registrations,
            stride.launches,
            stride.keys,
            on_launched(house),
            wall_clock,
            stride.config.public_url,
            stride.http,
        )
    )
    app.register_blueprint(subscriptions_blueprint(stride.closed_loop.subscriptions.knocked))
    app.register_blueprint(replies_blueprint(stride.replies))
    for blueprint in create_pages(house):
        app.register_blueprint(blueprint)
    if stride.config.demo:
        app.register_blueprint(demo_controls.create_blueprint(stride))
    register_problems(app, house)
    _add_health(app, stride)
    return app


def _add_health(app: Flask, stride: Stride) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        """The process answers."""
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """The process can do its work: the database answers and is current, the models load."""
        checks = {"database": _database(stride), "models": _models(stride)}
        ready = all(said == "ok" for said in checks.values())
        return jsonify(status="ok" if ready else "not ready", checks=checks), 200 if ready else 503


def _database(stride: Stride) -> str:
    try:
        return "ok" if is_current(stride.sessions.engine) else "not migrated: run stride db upgrade"
    except sa.exc.SQLAlchemyError as error:
        return type(error).__name__


def _models(stride: Stride) -> str:
    try:
        stride.estimators.warm()
    except Exception as error:  # whatever is wrong with an artifact, the answer is "not ready"
        return type(error).__name__
    return "ok"
