"""What a SMART server says about itself, asked once in a while. Source: SM-D1..D5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urljoin

import requests

from smart_launch.errors import DiscoveryFailed
from smart_launch.http import UNUSABLE, checked_url, get_json, string, strings
from smart_launch.kept import Kept
from smart_launch.ports import Clock, Registration

TTL: Final = timedelta(minutes=10)

# Required by SMART 2, absent from many servers that otherwise work: noted, and done without.
_NOTED: Final = ("capabilities", "grant_types_supported", "code_challenge_methods_supported")


@dataclass(frozen=True, slots=True)
class SmartConfiguration:
    """The members of a smart-configuration that we use; endpoints are absolute and may be called."""

    token_endpoint: str
    authorization_endpoint: str | None
    issuer: str | None
    jwks_uri: str | None
    capabilities: frozenset[str] = frozenset()
    scopes_supported: frozenset[str] = frozenset()
    signing_algorithms: frozenset[str] = frozenset()  # taken for private_key_jwt; empty: not said
    names_itself: bool = False  # its redirects carry `iss` (RFC 9207)
    missing: tuple[str, ...] = ()  # required members that are absent; `stride check` names them

    def can(self, capability: str) -> bool:
        """Whether the server advertises the capability. Source: SM-D5."""
        return capability in self.capabilities


class Discovery:
    """Smart-configurations by registration, each kept for `TTL`; a failure is never kept."""

    def __init__(self, http: requests.Session, clock: Clock) -> None:
        self._http = http
        self._kept: Kept[SmartConfiguration] = Kept(clock, TTL)

    def configuration(self, registration: Registration) -> SmartConfiguration:
        """The server's configuration; `DiscoveryFailed` or `ServerUnreachable` if none can be used."""
        return self._kept.get(registration.iss, lambda: self._read(registration))

    def _read(self, registration: Registration) -> SmartConfiguration:
        address = well_known(registration.iss)
        document = get_json(self._http, address, insecure_http=registration.insecure_http)
        return smart_configuration(document, registration)


def well_known(base: str, name: str = "smart-configuration") -> str:
    """The address of a well-known document below a base URL: appended to its path, not to the host's root."""
    return f"{base.rstrip('/')}/.well-known/{name}"


def smart_configuration(document: Mapping[str, Any], registration: Registration) -> SmartConfiguration:
    """The configuration in a document; `DiscoveryFailed` if a launch or token request could not be safe."""
    challenges = strings(document, "code_challenge_methods_supported")
    if "code_challenge_methods_supported" in document and "S256" not in challenges:
        raise DiscoveryFailed(UNUSABLE, "code_challenge_methods_supported lacks S256")
    token_endpoint = _endpoint(document, "token_endpoint", registration)
    if token_endpoint is None:
        raise DiscoveryFailed(UNUSABLE, "token_endpoint is missing")
    return SmartConfiguration(
        token_endpoint=token_endpoint,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", registration),
        issuer=string(document, "issuer"),
        jwks_uri=_endpoint(document, "jwks_uri", registration),
        capabilities=strings(document, "capabilities"),
        scopes_supported=strings(document, "scopes_supported"),
        signing_algorithms=strings(document, "token_endpoint_auth_signing_alg_values_supported"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        missing=tuple(name for name in _NOTED if name not in document),
    )


def _endpoint(document: Mapping[str, Any], name: str, registration: Registration) -> str | None:
    """An endpoint, a relative one resolved against the FHIR base (SM-D3)."""
    written = string(document, name)
    if written is None:
        return None
    try:
        url = urljoin(registration.iss.rstrip("/") + "/", written)
    except ValueError:
        raise DiscoveryFailed(UNUSABLE, f"{name} is no URL") from None
    return checked_url(url, insecure_http=registration.insecure_http)
