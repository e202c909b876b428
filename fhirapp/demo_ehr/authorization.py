"""The SMART authorization server over HTTP: discovery, authorize, token, keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from fhirapp.demo_ehr.errors import FhirError
from fhirapp.demo_ehr.grants import ALGORITHMS, METHOD, Server
from fhirapp.demo_ehr.scopes import FULL, Access
from fhirapp.demo_ehr.settings import DemoSettings
from fhirapp.demo_ehr.tokens import Launch, TokenStore

CAPABILITIES = [
    "launch-ehr",
    "authorize-post",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-ehr-patient",
    "context-ehr-encounter",
    "permission-patient",
    "permission-user",
    "permission-online",
    "permission-offline",
    "permission-v1",
    "permission-v2",
]


def create_blueprint(server: Server) -> Blueprint:
    """Discovery beside the FHIR base, and the endpoints under /auth."""
    bp = Blueprint("authorization", __name__)
    settings = server.settings

    @bp.get("/fhir/.well-known/smart-configuration")
    def smart_configuration() -> ResponseReturnValue:
        return jsonify(smart_configuration_of(settings))

    @bp.get("/fhir/.well-known/openid-configuration")
    def openid_configuration() -> ResponseReturnValue:
        return jsonify(openid_configuration_of(settings))

    @bp.get("/auth/jwks")
    def jwks() -> ResponseReturnValue:
        return _cached(jsonify(server.keys.id_token_jwks()))

    @bp.get("/cds/jwks.json")
    def cds_jwks() -> ResponseReturnValue:
        return _cached(jsonify(server.keys.cds_jwks()))

    @bp.route("/auth/authorize", methods=["GET", "POST"])
    def authorize() -> ResponseReturnValue:
        """Answers at once: the launch shows that the demo clinician is signed in to the EHR."""
        try:
            grant = server.get_consent_grant(end_user=server.user)
            answer: Response = server.create_authorization_response(grant_user=server.user, grant=grant)
        except OAuth2Error as error:
            answer = server.handle_error_response(None, error)
        if answer.status_code in (301, 302, 303):
            answer.headers["Cache-Control"] = "no-store"
            return answer
        said: Any = answer.get_json(silent=True) or {}
        return render_template("refused.html", reason=said.get("error_description") or said.get("error")), 400

    @bp.post("/auth/token")
    def token() -> ResponseReturnValue:
        answer: Response = server.create_token_response()
        return answer

    return bp


def smart_configuration_of(settings: DemoSettings) -> dict[str, Any]:
    """The SMART configuration (SM-D2)."""
    return {
        **openid_configuration_of(settings),
        "capabilities": CAPABILITIES,
        "code_challenge_methods_supported": ["S256"],
    }


def openid_configuration_of(settings: DemoSettings) -> dict[str, Any]:
    """The OpenID Connect configuration of the issuer, which is the FHIR base."""
    return {
        "issuer": settings.fhir_base,
        "jwks_uri": f"{settings.base_url}/auth/jwks",
        "authorization_endpoint": f"{settings.base_url}/auth/authorize",
        "token_endpoint": settings.token_url,
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": [METHOD],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "scopes_supported": sorted({scope for client in settings.clients for scope in client.scopes}),
    }


def bearer_access(settings: DemoSettings, tokens: TokenStore) -> Callable[[], Access]:
    """How the FHIR API learns what the bearer of the current request may do."""

    def access() -> Access:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.casefold() == "bearer" and value:
            return tokens.access(value.strip())
        if settings.require_token:
            raise FhirError(401, "login", "A bearer token is required.")
        return FULL

    return access


def launch_url(settings: DemoSettings, tokens: TokenStore, launch: Launch, url: str = "") -> str:
    """Where the EHR sends the user to open the app: its launch URL with `iss` and `launch` (SM-L1)."""
    query = urlencode({"iss": settings.fhir_base, "launch": tokens.new_launch(launch)})
    where = url or settings.launch_url
    return f"{where}{'&' if '?' in where else '?'}{query}"


def _cached(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
