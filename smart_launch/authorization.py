"""The way to the authorization server and back: authorize URL, code exchange, refresh."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from models.text import N_
from smart_launch.discovery import SmartConfiguration
from smart_launch.errors import DiscoveryFailed
from smart_launch.ports import PendingLaunch, Registration
from smart_launch.scopes import CLINICIAN, negotiated
from smart_launch.token_endpoint import Client, TokenEndpoint
from smart_launch.token_response import TokenResponse, read_token_response

_CANNOT_LAUNCH: Final = N_("This record system does not offer to open apps. Please tell its support.")


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and what must be remembered until it comes back."""

    url: str = field(repr=False)
    pending: PendingLaunch


def depart(
    registration: Registration,
    configuration: SmartConfiguration,
    *,
    iss: str,
    launch: str | None,
    redirect_uri: str,
    browser: str,
    now: datetime,
) -> Departure:
    """A new departure with its own state, verifier and nonce; without `launch` a standalone one.

    `iss` is the FHIR base as the EHR wrote it in the launch; `aud` repeats it byte for byte. `browser` is the
    digest of the secret in the launch cookie. Source: SM-L2..L6, SM-O3.
    """
    endpoint = configuration.authorization_endpoint
    if endpoint is None:
        raise DiscoveryFailed(_CANNOT_LAUNCH, "authorization_endpoint is missing")
    state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))  # 256 bits each
    scope = requested_scope(registration, configuration, standalone=launch is None)
    url: str = prepare_grant_uri(
        endpoint,
        client_id=registration.client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=scope,
        state=state,
        aud=iss,
        launch=launch,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
        nonce=nonce if "openid" in scope.split() else None,
    )
    pending = PendingLaunch(
        state_hash=digest(state),
        browser=browser,
        iss=iss,
        verifier=verifier,
        redirect_uri=redirect_uri,
        nonce=nonce,
        token_endpoint=configuration.token_endpoint,
        scope=scope,
        started_at=now,
    )
    return Departure(url, pending)


def requested_scope(registration: Registration, configuration: SmartConfiguration, *, standalone: bool = False) -> str:
    """The scope string to ask for: the registration's own, else ours in the server's grammar."""
    if registration.scopes is not None:
        return registration.scopes
    wanted = [w for w in CLINICIAN if w != "launch" or not standalone]
    if standalone:
        wanted = ["launch/patient", "launch/encounter", *wanted]
    return negotiated(wanted, configuration.capabilities, configuration.scopes_supported)


def exchange(
    endpoint: TokenEndpoint,
    registration: Registration,
    configuration: SmartConfiguration,
    pending: PendingLaunch,
    code: str,
    now: datetime,
) -> TokenResponse:
    """The access that the code stands for, asked for once, at the endpoint the launch left for. Source: SM-T1."""
    document = endpoint.ask(
        pending.token_endpoint,
        client_of(registration, configuration),
        "authorization_code",
        now=now,
        code=code,
        redirect_uri=pending.redirect_uri,
        code_verifier=pending.verifier,
    )
    return read_token_response(document, now)


def client_of(registration: Registration, configuration: SmartConfiguration) -> Client:
    """Our client in this EHR, as the token endpoint must see it."""
    return Client(
        tenant_id=registration.tenant_id,
        client_id=registration.client_id,
        auth=registration.auth,
        client_secret=registration.client_secret,
        insecure_http=registration.insecure_http,
        algorithms=configuration.signing_algorithms,
    )


def digest(secret: str) -> str:
    """The stored form of a state or a browser secret. Both are 256 random bits, so plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
