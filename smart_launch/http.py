"""Calls to a SMART server: https, short timeouts, no redirects, no cookies, answers of bounded size."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import requests
from requests.auth import AuthBase

from models.text import N_
from smart_launch.errors import DiscoveryFailed, ServerUnreachable

TIMEOUTS: Final = (2.0, 5.0)  # connect, read; seconds
MAX_BYTES: Final = 1_000_000
_URL_CHARACTERS: Final = re.compile(r"[!-~]+")

UNREACHABLE: Final = N_("The record system did not answer. Please try again in a moment.")
UNUSABLE: Final = N_("The record system's sign-in settings cannot be used. Please tell its support.")


def new_session() -> requests.Session:
    """A session that keeps no cookies and reads no proxy or netrc settings from its surroundings."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def checked_url(url: object, *, insecure_http: bool) -> str:
    """The URL itself if a secret may be sent there, else `DiscoveryFailed`. Source: SM-A1.

    That is https; with `insecure_http` (demo and tests) plain http on loopback as well.
    """
    if not isinstance(url, str) or not _URL_CHARACTERS.fullmatch(url) or "\\" in url:
        raise DiscoveryFailed(UNUSABLE, "an endpoint is no URL")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise DiscoveryFailed(UNUSABLE, "an endpoint is no URL") from None
    if not host or parts.username is not None or parts.fragment:
        raise DiscoveryFailed(UNUSABLE, "an endpoint has no host, a user name or a fragment")
    if parts.scheme != "https" and not (insecure_http and parts.scheme == "http" and is_loopback(host)):
        raise DiscoveryFailed(UNUSABLE, "an endpoint is not https")
    return url


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by name or address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_below(base: str, url: str) -> bool:
    """Whether an absolute URL is a FHIR base or lies below it, so that the base's token may go there. Source: SM-T5."""
    head = base.rstrip("/") + "/"
    if not f"{url}/".startswith(head) or not _URL_CHARACTERS.fullmatch(url) or "\\" in url:
        return False
    path = unquote(url[len(head) :].partition("?")[0])
    return not {"..", "."} & set(path.replace("\\", "/").split("/"))


def get_json(http: requests.Session, url: str, *, insecure_http: bool) -> dict[str, Any]:
    """The JSON object at `url`; `DiscoveryFailed` if there is none, `ServerUnreachable` if nobody answers."""
    target = checked_url(url, insecure_http=insecure_http)
    status, document = _answer(http, "GET", target, headers={"Accept": "application/json"})
    if status != 200 or document is None:
        raise DiscoveryFailed(UNUSABLE, f"HTTP {status}, {'no' if document is None else 'a'} JSON object")
    return document


def post_form(
    http: requests.Session, url: str, body: str, auth: AuthBase, *, insecure_http: bool
) -> tuple[int, dict[str, Any] | None]:
    """Status and JSON object (if it is one) of a form post; a busy or broken server is `ServerUnreachable`."""
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    target = checked_url(url, insecure_http=insecure_http)
    return _answer(http, "POST", target, headers=headers, data=body, auth=auth)


def _answer(http: requests.Session, method: str, url: str, **kwargs: Any) -> tuple[int, dict[str, Any] | None]:
    try:
        # A redirect would carry the code, the assertion or the secret to an address nobody registered.
        with http.request(method, url, timeout=TIMEOUTS, allow_redirects=False, stream=True, **kwargs) as answer:
            status, body = answer.status_code, _bounded(answer)
    except requests.RequestException as error:
        # The error's text holds the URL, and with it perhaps a code; its type says enough.
        raise ServerUnreachable(UNREACHABLE, type(error).__name__) from None
    if status >= 500 or status == 429:
        raise ServerUnreachable(UNREACHABLE, f"HTTP {status}")
    return status, _json_object(body)


def _bounded(answer: requests.Response) -> bytes:
    body = b""
    for chunk in answer.iter_content(65_536):
        body += chunk
        if len(body) > MAX_BYTES:
            raise ServerUnreachable(UNREACHABLE, "the answer is too long")
    return body


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def string(document: Mapping[str, Any], name: str) -> str | None:
    """A member that is a string with something in it, else `None`."""
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def strings(document: Mapping[str, Any], name: str) -> frozenset[str]:
    """The strings of a member that is a list; empty for anything else."""
    value = document.get(name)
    return frozenset(v for v in value if isinstance(v, str)) if isinstance(value, list) else frozenset()
