"""One HTTP call made from a provider's template: the same for text messages and for a pager."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import requests
from urllib3.exceptions import NewConnectionError

from fhirapp.messages.errors import SendFailed

TIMEOUT: Final = (3.0, 15.0)  # seconds to connect, to answer
_PLACE: Final = re.compile(r"\{(\w+)\}")
_NOT_TAKEN: Final = frozenset({408, 425, 429, 503})  # the provider says itself that it did nothing


@dataclass(frozen=True, slots=True)
class WebCall:
    """How one provider wants to be called. In `fields` and `headers`, `{name}` stands for a value of the message."""

    url: str
    http: requests.Session = field(repr=False)
    method: str = "POST"
    encoding: str = "json"  # or "form"
    fields: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str = field(default="", repr=False)  # the whole value of the header
    id_path: str = ""  # where in the JSON answer the message's id stands: "messages.0.id"
    key_header: str = ""  # the header in which the provider takes an idempotency key

    def make(self, values: Mapping[str, str], key: str) -> str:
        """Make the call; returns the provider's id, or the key where it gives none. Raises `SendFailed`."""
        headers = {name: _filled(value, values) for name, value in self.headers.items()}
        if self.authorization:
            headers["Authorization"] = self.authorization
        if self.key_header:
            headers[self.key_header] = key
        body = _filled(self.fields, values)
        sent = {"data": body} if self.encoding == "form" else {"data": orjson.dumps(body)}
        if self.encoding != "form":
            headers["Content-Type"] = "application/json"
        answer = self._call(headers, sent)
        return _id_in(answer, self.id_path) or key

    def _call(self, headers: Mapping[str, str], sent: Mapping[str, Any]) -> requests.Response:
        try:
            answer = self.http.request(
                self.method, self.url, headers=headers, timeout=TIMEOUT, allow_redirects=False, **sent
            )
        except requests.ConnectTimeout:
            raise SendFailed("no connection") from None
        except requests.ConnectionError as error:
            raise SendFailed("no connection", doubtful=not _never_connected(error)) from None
        except requests.RequestException as error:
            raise SendFailed(type(error).__name__, doubtful=True) from None
        status = answer.status_code
        if status < 300:
            return answer
        if status in _NOT_TAKEN:
            raise SendFailed(f"refused for now with {status}")
        if status in (401, 403):
            raise SendFailed(
                f"the provider does not accept us: {status}"
            )  # mended by a person; nobody's address is bad
        raise SendFailed(f"refused with {status}", permanent=status < 500, doubtful=status >= 500)


def _never_connected(error: requests.ConnectionError) -> bool:
    """True when the connection was refused or the host not found: nothing can have been sent."""
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(cause, NewConnectionError)


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    """The template with `{name}` replaced, in nested objects too. Other braces stay as they are."""
    if isinstance(template, Mapping):
        return {name: _filled(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    if not isinstance(template, str):
        return template
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), template)


def _id_in(answer: requests.Response, path: str) -> str:
    if not path:
        return ""
    try:
        found = orjson.loads(answer.content)
        for step in path.split("."):
            found = found[int(step)] if isinstance(found, list) else found[step]
        return str(found)
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError):
        return ""  # it was taken all the same: an id that we cannot read is no reason to send it again
