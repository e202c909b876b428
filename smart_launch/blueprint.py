"""The web face of SMART: launch, callback, and our public keys."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final, TypedDict

import requests
from flask import Blueprint, Response, abort, g, jsonify, make_response, redirect, request
from flask.typing import ResponseReturnValue

from models.text import N_
from smart_launch.authorization import depart, digest, exchange
from smart_launch.context import LaunchContext, launch_context
from smart_launch.discovery import Discovery, SmartConfiguration
from smart_launch.errors import (
    START_AGAIN,
    AuthorizationDenied,
    BadLaunchRequest,
    StateRefused,
    UnknownIssuer,
    error_code,
)
from smart_launch.http import new_session
from smart_launch.identity import Identities, check_clinician
from smart_launch.keys import JWKS_MAX_AGE, KeyRing, KeyRings
from smart_launch.ports import (
    PENDING_FOR,
    Clock,
    Launches,
    OnLaunched,
    PendingLaunch,
    Registration,
    Registrations,
)
from smart_launch.token_endpoint import TokenEndpoint
from smart_launch.token_response import TokenResponse

COOKIE: Final = "__Host-stride-launch"


class _Attributes(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: str
    partitioned: bool


_ATTRIBUTES: Final[_Attributes] = {
    "path": "/",
    "secure": True,
    "httponly": True,
    "samesite": "None",
    "partitioned": True,
}

_INCOMPLETE: Final = N_(
    "This link does not come from a record system: something is missing in it. {again}", again=START_AGAIN
)
_UNKNOWN: Final = N_("The record system that opened this app is not connected to Stride. {again}", again=START_AGAIN)
_NOT_YOURS: Final = N_(
    "This sign-in has expired, was used before, or was started in another browser. {again}", again=START_AGAIN
)
_DENIED: Final = N_("The record system did not let this app in. {again}", again=START_AGAIN)


@dataclass(frozen=True, slots=True)
class SmartServices:
    """What the routes work with, built once."""

    registrations: Registrations
    launches: Launches
    discovery: Discovery
    endpoint: TokenEndpoint
    identities: Identities
    clock: Clock
    redirect_uri: str


def create_blueprint(
    registrations: Registrations,
    launches: Launches,
    keys: KeyRing | KeyRings,
    on_launched: OnLaunched,
    clock: Clock,
    public_base: str,
    http: requests.Session | None = None,
) -> Blueprint:
    """The routes `/smart/launch`, `/smart/callback`, `/smart/jwks.json` and `/smart/TENANT/jwks.json`.

    They raise the errors of `smart_launch.errors`; the app renders them. As soon as the EHR is known,
    `flask.g.frame_ancestors` holds the origins that may frame the answer, an error page included.
    """
    http = http or new_session()
    services = SmartServices(
        registrations,
        launches,
        Discovery(http, clock),
        TokenEndpoint(keys, http),
        Identities(http, clock),
        clock,
        redirect_uri=f"{public_base.rstrip('/')}/smart/callback",
    )
    bp = Blueprint("smart_launch", __name__, url_prefix="/smart")

    @bp.get("/launch")
    def launch() -> ResponseReturnValue:
        return leave(services, iss=_single("iss"), launch=_single("launch"))

    @bp.get("/callback")
    def callback() -> ResponseReturnValue:
        if request.method != "GET":  # Flask lets HEAD through to a GET route; it must not spend a code
            abort(405)
        answer = make_response(on_launched(arrive(services)))
        _take_cookie(answer, digest(_single("state")))
        return answer

    @bp.get("/jwks.json")
    def jwks() -> ResponseReturnValue:
        return _published(keys.jwks())

    @bp.get("/<tenant_id>/jwks.json")
    def jwks_of_tenant(tenant_id: str) -> ResponseReturnValue:
        """One tenant's keys alone. A name that nobody has gets the common ones, so it tells nobody who is here."""
        return _published(keys.of(tenant_id).jwks())

    return bp


def _published(jwks: dict[str, list[dict[str, Any]]]) -> Response:
    answer = jsonify(jwks)
    answer.headers["Cache-Control"] = f"public, max-age={JWKS_MAX_AGE}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def leave(services: SmartServices, *, iss: str, launch: str) -> Response:
    """The redirect to the authorization server; an unknown issuer is refused before anything is called."""
    registration = registered(services.registrations, iss)
    _framed_by(registration)
    secret = secrets.token_urlsafe(32)
    departure = depart(
        registration,
        services.discovery.configuration(registration),
        iss=iss,
        launch=launch,
        redirect_uri=services.redirect_uri,
        browser=digest(secret),
        now=services.clock(),
    )
    services.launches.save(departure.pending)
    answer = make_response(redirect(departure.url, 302))
    _give_cookie(answer, departure.pending.state_hash, secret)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def arrive(services: SmartServices) -> LaunchContext:
    """The context of the launch that comes back here, if it left from this browser. Source: SM-L5, SM-L8."""
    pending = _taken(services)
    registration = registered(services.registrations, pending.iss)
    _framed_by(registration)
    configuration = services.discovery.configuration(registration)
    if configuration.names_itself and request.args.get("iss") != configuration.issuer:
        raise StateRefused(_NOT_YOURS, "the answer is of another authorization server")  # RFC 9207
    if "error" in request.args:
        raise AuthorizationDenied(_DENIED, error_code(request.args.get("error")))
    code, now = _single("code"), services.clock()
    response = exchange(services.endpoint, registration, configuration, pending, code, now)
    return launch_context(
        tenant_id=registration.tenant_id,
        iss=registration.iss,
        requested=pending.scope,
        fhir_user=_fhir_user(services, registration, configuration, pending, response),
        response=response,
    )


def registered(registrations: Registrations, iss: str) -> Registration:
    """The registration of an issuer, with or without a slash at its end; `UnknownIssuer` for any other."""
    other = iss.removesuffix("/") if iss.endswith("/") else f"{iss}/"
    registration = registrations.by_iss(iss) or registrations.by_iss(other)
    if registration is None:
        raise UnknownIssuer(_UNKNOWN)
    return registration


def _taken(services: SmartServices) -> PendingLaunch:
    """The open launch of the `state`, taken for good, and only by the browser that it left from."""
    state_hash = digest(_single("state"))
    pending = services.launches.take(state_hash, services.clock())
    secret = _cookie_secret(state_hash)
    if pending is None or not hmac.compare_digest(pending.browser, digest(secret)):
        raise StateRefused(_NOT_YOURS)
    return pending


def _fhir_user(
    services: SmartServices,
    registration: Registration,
    configuration: SmartConfiguration,
    pending: PendingLaunch,
    response: TokenResponse,
) -> str | None:
    """Who is asking; `None` where we did not ask for an id_token, or none came."""
    if response.id_token is None or "openid" not in pending.scope.split():
        return None
    identity = services.identities.identify(response.id_token, registration, configuration, pending.nonce)
    check_clinician(identity.fhir_user)
    return identity.fhir_user


def _single(name: str) -> str:
    values = request.args.getlist(name)
    if len(values) != 1 or not values[0]:
        raise BadLaunchRequest(_INCOMPLETE, f"{name} {len(values)} times")
    return values[0]


def _framed_by(registration: Registration) -> None:
    g.frame_ancestors = registration.frame_ancestors


def _cookie_name(state_hash: str) -> str:
    """One cookie for each launch.

    A single one for all would be overwritten where an EHR opens two frames at once: neither request
    has a cookie yet, both get a new secret, and only the later survives.
    """
    return f"{COOKIE}-{state_hash[:16]}"


def _cookie_secret(state_hash: str) -> str:
    return request.cookies.get(_cookie_name(state_hash), "")


def _give_cookie(answer: Response, state_hash: str, secret: str) -> None:
    """In an EHR's frame browsers keep only a partitioned cookie; on loopback they take `Secure` over http.

    Source: SM-L9.
    """
    answer.set_cookie(_cookie_name(state_hash), secret, max_age=PENDING_FOR, **_ATTRIBUTES)


def _take_cookie(answer: Response, state_hash: str) -> None:
    answer.delete_cookie(_cookie_name(state_hash), **_ATTRIBUTES)
