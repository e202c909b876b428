"""Requests to a token endpoint, for each way in which a client proves itself. Source: SM-T1, SM-T2, SM-K2, SM-K3."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote_plus

import requests
from authlib.common.urls import add_params_to_qs
from authlib.integrations.requests_client.oauth2_session import OAuth2ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from requests.auth import AuthBase

from models.text import N_
from smart_launch.errors import KeyFault, TokenRefused, error_code
from smart_launch.http import post_form
from smart_launch.keys import KeyRing, KeyRings
from smart_launch.ports import ClientAuthMethod

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_REFUSED: Final = N_(
    "The record system did not give access. Please close this page and open the app again from the patient's chart."
)
_NO_SECRET: Final = N_("The client secret for this record system is not set.")


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at one token endpoint, and how we prove it."""

    tenant_id: str  # whose keys sign
    client_id: str
    auth: ClientAuthMethod
    client_secret: str | None = field(default=None, repr=False)
    insecure_http: bool = False
    algorithms: Collection[str] = ()  # that the server takes for private_key_jwt; empty: not said


class TokenEndpoint:
    """The one place that asks for tokens. Nothing is tried twice here: a code works once only (SM-L8)."""

    def __init__(self, keys: KeyRing | KeyRings, http: requests.Session) -> None:
        self._keys = keys
        self._http = http

    def ask(self, url: str, client: Client, grant_type: str, *, now: datetime, **params: str) -> dict[str, Any]:
        """The JSON object of a granted request; `TokenRefused` or `ServerUnreachable` otherwise."""
        body: str = prepare_token_request(grant_type, **params)
        auth = self._auth(url, client, now)
        status, document = post_form(self._http, url, body, auth, insecure_http=client.insecure_http)
        if status != 200 or document is None or "error" in document:
            raise TokenRefused(_REFUSED, error_code((document or {}).get("error")), status)
        return document

    def _auth(self, url: str, client: Client, now: datetime) -> AuthBase:
        auth: AuthBase
        if client.auth == "none":
            auth = OAuth2ClientAuth(client.client_id, None, "none")
        elif client.auth == "client_secret_basic":
            if not client.client_secret:
                raise KeyFault(_NO_SECRET)
            # RFC 6749 section 2.3.1: both halves are form-encoded first; Authlib leaves that to its caller.
            halves = quote_plus(client.client_id), quote_plus(client.client_secret)
            auth = OAuth2ClientAuth(*halves, "client_secret_basic")
        else:
            assertion = self._keys.of(client.tenant_id).sign_assertion(client.client_id, url, now, client.algorithms)
            auth = OAuth2ClientAuth(client.client_id, None, _with_assertion(assertion))
        return auth


def _with_assertion(assertion: str) -> Any:
    """An Authlib client-auth method that adds the assertion to the form; `client_id` stays out of it."""
    params = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)]

    def method(_auth: Any, _method: str, uri: str, headers: Any, body: str) -> tuple[str, Any, str]:
        return uri, headers, add_params_to_qs(body, params)

    return method
