"""What a hook call lets us read, and where: checked before any token leaves the house."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, assert_never
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from cds_hooks.errors import MalformedCall
from cds_hooks.ports import Client, Scopes
from cds_hooks.schemas import HookRequest

_SCOPE: Final = re.compile(r"(?:patient|user|system)/(?P<type>\*|[A-Za-z]+)\.(?P<access>\*|read|[cruds]+)(?:\?.*)?")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Access:
    """The right to read at the client's server during one call. Its repr shows no token (CH-F4)."""

    client: Client
    fhir_server: str
    token: str = field(repr=False)
    types: frozenset[str] = frozenset()

    def covers(self, path: str) -> bool:
        """Whether the granted scopes include the resource type that a query path reads (CH-F3)."""
        return "*" in self.types or path.partition("?")[0].partition("/")[0] in self.types


def access_of(request: HookRequest, client: Client) -> Access | None:
    """What the call lets us read; None when it brings no token, or no server is agreed with this client.

    Raises `MalformedCall` for a server that is not agreed (CH-R4) and for a token that is not ours (CH-F2).
    """
    if request.fhir_server is None:
        return None
    check_server(request.fhir_server, client)
    granted = request.fhir_authorization
    if granted is None or not client.fhir_servers:  # CH-F1: both, or no call
        return None
    if client.subject is not None and granted.subject != client.subject:
        raise MalformedCall("the token was issued to another application", "fhirAuthorization.subject")
    if granted.patient not in (None, request.context.patient_id):
        raise MalformedCall("the token is for another patient", "fhirAuthorization.patient")
    types = readable_types(granted.scope, client.scopes)
    return Access(client, request.fhir_server, granted.access_token, types)


def check_server(fhir_server: str, client: Client) -> None:
    """Raises `MalformedCall` unless the server is one that we agreed on with this client, over https (CH-R4)."""
    parts = urlsplit(fhir_server)
    schemes = ("https", "http") if client.insecure_http else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise MalformedCall("fhirServer is no https address", "fhirServer")
    if client.fhir_servers and _bare(fhir_server) not in map(_bare, client.fhir_servers):
        raise MalformedCall("fhirServer is not agreed with this client", "fhirServer")


def page_url(fhir_server: str, link: str) -> str | None:
    """Where a `next` link leads, if that is on the client's own server; None for any other place (CH-F8)."""
    base = urlsplit(_bare(fhir_server))
    url = urljoin(f"{_bare(fhir_server)}/", link)
    try:
        target = urlsplit(url)
        same_origin = _origin(base) == _origin(target)
    except ValueError:
        return None
    path = unquote(target.path)
    inside = path == base.path or path.startswith(f"{base.path}/")
    return url if same_origin and inside and ".." not in path.split("/") else None


def readable_types(scope: str, dialect: Scopes = "both") -> frozenset[str]:
    """Resource types that a scope lets us search and read; `*` stands for all of them.

    `user/Patient.read` (v1) and `user/Patient.rs` (v2) mean the same; with one dialect agreed, what is written in
    the other is no grant. A scope that a query narrows counts for its whole type: the server narrows, we only ask.
    """
    granted = (_SCOPE.fullmatch(part) for part in scope.split())
    return frozenset(one["type"] for one in granted if one and _reads(one["access"], dialect))


def _reads(access: str, dialect: Scopes) -> bool:
    match dialect:
        case "v1":
            return access in ("*", "read")
        case "v2":
            return {"r", "s"} <= set(access)
        case "both":
            return _reads(access, "v1") or _reads(access, "v2")
    assert_never(dialect)


def _bare(url: str) -> str:
    return url.rstrip("/")


def _origin(parts: SplitResult) -> tuple[str, str | None, str | None, int | None]:
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    return parts.scheme, parts.username, parts.hostname, port
