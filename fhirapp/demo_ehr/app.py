"""The demo EHR as one WSGI application. It holds its data in memory: serve it from one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from fhirapp.demo_ehr import admin, authorization, fhir_api, pages
from fhirapp.demo_ehr.clock import DemoClock
from fhirapp.demo_ehr.errors import FhirError, outcome
from fhirapp.demo_ehr.faults import Faults, drop_connection, pause
from fhirapp.demo_ehr.grants import Server
from fhirapp.demo_ehr.hooks import HookClient
from fhirapp.demo_ehr.interactions import Interactions
from fhirapp.demo_ehr.journal import Journal
from fhirapp.demo_ehr.keys import demo_keys
from fhirapp.demo_ehr.loader import load
from fhirapp.demo_ehr.scopes import Access
from fhirapp.demo_ehr.settings import DemoClient, DemoSettings
from fhirapp.demo_ehr.store import Store
from fhirapp.demo_ehr.subscriptions import Subscriptions
from fhirapp.demo_ehr.tokens import TokenStore

__all__ = ["DemoClient", "DemoEhr", "DemoSettings", "create_demo_ehr", "parts_of"]

_LARGEST_BODY = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DemoEhr:
    """The parts of a running demo EHR, for callers in the same process."""

    settings: DemoSettings
    api: Interactions
    tokens: TokenStore
    hooks: HookClient
    clock: DemoClock
    faults: Faults
    journal: Journal
    subscriptions: Subscriptions


def create_demo_ehr(settings: DemoSettings) -> Flask:
    """The application, charts loaded; its parts are at `parts_of(app)`."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.config["TRUSTED_HOSTS"] = None
    clock, keys, faults, journal = DemoClock(), demo_keys(settings.key_dir), Faults(), Journal()
    store = Store(clock)
    load(store, settings.charts)
    subscriptions = Subscriptions(settings, store, clock)
    rules = {"Subscription": subscriptions.accepted}
    api = Interactions(store, settings.fhir_base, settings.default_count, rules)
    tokens = TokenStore(clock, settings.fhir_base)
    hooks = HookClient(settings, api, tokens, keys, clock)
    ehr = DemoEhr(settings, api, tokens, hooks, clock, faults, journal, subscriptions)
    app.extensions["demo_ehr"] = ehr

    access = authorization.bearer_access(settings, tokens)
    app.register_blueprint(authorization.create_blueprint(Server(settings, keys, tokens, clock)))
    app.register_blueprint(fhir_api.create_blueprint(settings, api, _remembered(access), clock, faults.standing))
    app.register_blueprint(pages.create_blueprint(ehr))
    if settings.admin:
        controls = admin.create_blueprint(settings, api, faults, journal, tokens, clock, _reset(ehr))
        controls.register_error_handler(FhirError, admin.refused)
        clinician = admin.create_clinician(hooks)
        clinician.register_error_handler(FhirError, admin.refused)
        app.register_blueprint(controls)
        app.register_blueprint(clinician)
    _watch(app, ehr)
    return app


def parts_of(app: Flask) -> DemoEhr:
    """The parts of an application made by `create_demo_ehr`."""
    ehr: DemoEhr = app.extensions["demo_ehr"]
    return ehr


def _reset(ehr: DemoEhr) -> Callable[[], None]:
    def reset() -> None:
        with ehr.api.store.lock:
            ehr.api.store.clear()
            load(ehr.api.store, ehr.settings.charts)
        ehr.tokens.revoke_all()
        ehr.faults.replace([])
        ehr.journal.clear()

    return reset


def _remembered(access: Callable[[], Access]) -> Callable[[], Access]:
    """Keeps who asked, for the journal."""

    def remember() -> Access:
        found = access()
        g.client_id = found.client_id
        return found

    return remember


def _watch(app: Flask, ehr: DemoEhr) -> None:
    """Faults, the journal and the headers of every answer."""

    @app.before_request
    def begin() -> BaseResponse | None:
        if refused := _wrong_host(ehr.settings) or _foreign_form(ehr.settings):
            return refused
        g.began, g.fault = time.perf_counter(), None
        if not _is_fhir():
            return None
        g.fault = ehr.faults.next(request.method, _below_base())
        if g.fault is None:
            return None
        pause(g.fault.delay_ms)
        if g.fault.drop_before:
            drop_connection(request.environ)
            return Response(status=503)
        if g.fault.status:
            text = "A fault was ordered by the test controls."
            answer = fhir_api.fhir_json(outcome("transient", text), g.fault.status)
            if g.fault.retry_after is not None:
                answer.headers["Retry-After"] = str(g.fault.retry_after)
            return answer
        return None

    @app.after_request
    def finish(response: Response) -> Response:
        fault = g.get("fault")
        if _is_fhir() and request.endpoint != "authorization.smart_configuration":
            _write_line(ehr, response)
        if fault:
            pause(fault.after_ms)
            if fault.drop_after:
                drop_connection(request.environ)
        return _with_headers(ehr.settings, response)


def _is_fhir() -> bool:
    return request.path.startswith("/fhir")


def _below_base() -> str:
    query = request.query_string.decode()
    path = request.path.removeprefix("/fhir").lstrip("/")
    return f"{path}?{query}" if query else path


def _write_line(ehr: DemoEhr, response: Response) -> None:
    line: dict[str, Any] = {
        "at": ehr.clock().isoformat(timespec="milliseconds"),
        "method": request.method,
        "path": _below_base(),
        "status": response.status_code,
        "client_id": g.get("client_id", ""),
        "if_match": request.headers.get("If-Match"),
        "if_none_exist": request.headers.get("If-None-Exist"),
        "milliseconds": round((time.perf_counter() - g.began) * 1000, 1),
    }
    ehr.journal.write(**line)


def _wrong_host(settings: DemoSettings) -> BaseResponse | None:
    """Sends the name `localhost` to the address of this EHR; refuses every other name (DNS rebinding)."""
    if request.host == settings.base_url.partition("://")[2]:
        return None
    if request.host.partition(":")[0] == "localhost" and request.method == "GET":
        return redirect(f"{settings.base_url}{request.full_path.rstrip('?')}")
    return Response("This record system has another address.", 421, content_type="text/plain")


def _foreign_form(settings: DemoSettings) -> BaseResponse | None:
    """Refuses a form or control that another site sends: browsers name the site they post from.

    The FHIR API and the token endpoint ask for a token or an assertion instead, which no site can forge.
    """
    guarded = request.method not in ("GET", "HEAD", "OPTIONS") and not request.path.startswith(("/fhir", "/auth/"))
    if guarded and request.headers.get("Origin", settings.base_url) != settings.base_url:
        return Response("This comes from another site.", 403, content_type="text/plain")
    return None


def _with_headers(settings: DemoSettings, response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.path.startswith(("/fhir", "/auth/token", "/auth/jwks", "/cds/jwks.json")):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-Match, If-None-Exist"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
        response.headers["Access-Control-Expose-Headers"] = "ETag, Location, Last-Modified"
        return response
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors 'self'; frame-src 'self' {settings.app_origin}"
    )
    return response
