"""What a token endpoint answered, read leniently. Source: SM-T3, SM-C1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from models.text import N_
from smart_launch.errors import BadTokenResponse
from smart_launch.http import string

_FHIR_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_NO_TOKEN: Final = N_("The record system gave an answer that holds no access. Please tell its support.")


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A granted access, with the launch context that came beside it; members we do not know are dropped."""

    access_token: str = field(repr=False)
    expires_at: datetime | None  # None: the server did not say; a 401 will tell
    scope: str | None  # None: the server did not say (RFC 6749: what was asked for, on a first grant)
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    patient: str | None = None
    encounter: str | None = None
    need_patient_banner: bool = True
    intent: str | None = None
    app_context: str | None = field(default=None, repr=False)
    smart_style_url: str | None = None
    fhir_context: tuple[Mapping[str, Any], ...] = ()


def read_token_response(document: Mapping[str, Any], now: datetime) -> TokenResponse:
    """The response of a successful token request; `BadTokenResponse` if it gives no bearer token."""
    access_token, token_type = string(document, "access_token"), string(document, "token_type")
    if access_token is None or not access_token.isascii() or not access_token.isprintable():
        raise BadTokenResponse(_NO_TOKEN, "access_token is missing or not printable")
    if token_type is None or token_type.lower() != "bearer":
        raise BadTokenResponse(_NO_TOKEN, "token_type is not Bearer")
    return TokenResponse(
        access_token=access_token,
        expires_at=_expiry(document.get("expires_in"), now),
        scope=string(document, "scope"),
        refresh_token=string(document, "refresh_token"),
        id_token=string(document, "id_token"),
        patient=_logical_id(document, "patient", "Patient"),
        encounter=_logical_id(document, "encounter", "Encounter"),
        need_patient_banner=document.get("need_patient_banner") is not False,
        intent=string(document, "intent"),
        app_context=string(document, "appContext"),
        smart_style_url=_https(string(document, "smart_style_url")),
        fhir_context=_fhir_context(document.get("fhirContext")),
    )


def _expiry(expires_in: object, now: datetime) -> datetime | None:
    """Some servers write the seconds as a string; anything that is no positive number is unknown."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return None
    try:
        seconds = float(expires_in)
        return now + timedelta(seconds=seconds) if seconds > 0 else None
    except (ValueError, OverflowError):
        return None


def _logical_id(document: Mapping[str, Any], name: str, type_: str) -> str | None:
    """The id, also where a server writes `Patient/id`; a value that is no id must not become a URL."""
    value = string(document, name)
    if value is None:
        return None
    value = value.removeprefix(f"{type_}/")
    if not _FHIR_ID.fullmatch(value) or value.strip(".") == "":
        raise BadTokenResponse(_NO_TOKEN, f"{name} is no logical id")
    return value


def _https(url: str | None) -> str | None:
    try:
        return url if url and urlsplit(url).scheme == "https" and urlsplit(url).hostname else None
    except ValueError:
        return None


def _fhir_context(value: object) -> tuple[Mapping[str, Any], ...]:
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
