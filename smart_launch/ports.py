"""What this package needs from the house: who is registered, and where open launches are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from flask.typing import ResponseReturnValue

from smart_launch.context import LaunchContext

ClientAuthMethod = Literal["private_key_jwt", "client_secret_basic", "none"]
Clock = Callable[[], datetime]  # aware
OnLaunched = Callable[[LaunchContext], ResponseReturnValue]

PENDING_FOR: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Registration:
    """One EHR in which this app is registered, and how it proves itself there. Source: SM-A5, SM-A6."""

    iss: str  # the FHIR base URL, written as it is registered
    tenant_id: str
    client_id: str
    auth: ClientAuthMethod = "private_key_jwt"
    client_secret: str | None = field(default=None, repr=False)
    scopes: str | None = None  # sent as written instead of the negotiated set
    frame_ancestors: tuple[str, ...] = ()  # EHR origins that may frame our pages
    insecure_http: bool = False  # plain http on loopback, for the demo and tests
    backend_client_id: str | None = None  # system access (Backend Services); always private_key_jwt
    backend_scopes: str = ""


@dataclass(frozen=True, slots=True)
class PendingLaunch:
    """A launch that left for the authorization server and has not come back yet.

    `state_hash` and `browser` are digests, so the table alone lets nobody finish a launch.
    """

    state_hash: str
    browser: str  # digest of the secret in the launch cookie, which only this browser has
    iss: str
    verifier: str = field(repr=False)
    redirect_uri: str
    nonce: str = field(repr=False)
    token_endpoint: str
    scope: str  # as asked for
    started_at: datetime


class Registrations(Protocol):
    """The EHRs that may launch us."""

    def by_iss(self, iss: str) -> Registration | None:
        """The registration whose `iss` is this very string; nothing is normalised here."""


class Launches(Protocol):
    """Where open launches wait; shared by all web workers."""

    def save(self, pending: PendingLaunch) -> None:
        """Keep it for `PENDING_FOR`; many of one browser may be open at once."""

    def take(self, state_hash: str, now: datetime) -> PendingLaunch | None:
        """The launch of this state, once; `None` if unknown, taken before or older than `PENDING_FOR`."""
