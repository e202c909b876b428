"""One EHR over REST, with one access token. Source: standards.md 6.1 and 6.2 (WB-2 to WB-12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson
import requests

from fhirapp.ehr.errors import EhrConflict, EhrDown, EhrError, EhrMissing, EhrRefused, EhrUnavailable

FHIR_JSON: Final = "application/fhir+json"
TIMEOUT: Final = (2.0, 10.0)  # seconds to connect, to answer
MAX_PAGES: Final = 50


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as the EHR has it."""

    resource: dict[str, Any]
    reference: str  # "ServiceRequest/41"
    version_id: str | None
    created: bool = False  # this very request made it


class EhrClient:
    """Reads and writes one FHIR base. `token` gives the bearer token; it is asked for each request.

    Every method raises an `EhrError`. Nothing is retried here: reads are asked again by the job that needs them,
    writes only after a search by identifier.
    """

    def __init__(
        self,
        base: str,
        token: Callable[[], str | None],
        http: requests.Session,
        forget: Callable[[], None] | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self._token, self._http, self._forget = token, http, forget

    def read(self, reference: str) -> Stored:
        """One resource by `Type/id`."""
        return self._stored(self._call("GET", reference), reference)

    def get_bytes(self, path: str) -> bytes:
        """The raw answer to a read or search under the base, or to an absolute page link of this EHR."""
        return self._call("GET", path).content

    def dated(self, path: str) -> tuple[bytes, datetime | None]:
        """The same, with the moment at which the EHR answered by its own clock; `None` when it does not say."""
        answer = self._call("GET", path)
        try:
            return answer.content, parsedate_to_datetime(answer.headers["Date"])
        except (KeyError, ValueError, TypeError):
            return answer.content, None

    def pages(self, path: str) -> Iterator[bytes]:
        """Every page of a search, following `next` links of the same host (WB-11)."""
        url: str | None = path
        for _ in range(MAX_PAGES):
            if url is None:
                return
            body = self.get_bytes(url)
            yield body
            url = next_link(body)
        if url is not None:
            raise EhrUnavailable(f"more than {MAX_PAGES} pages for one search")

    def find(self, resource_type: str, system: str, value: str) -> Stored | None:
        """The one resource with this business identifier; raises `EhrConflict` when there are several."""
        token = quote(f"{system}|{value}", safe="")
        bundle = orjson.loads(self.get_bytes(f"{resource_type}?identifier={token}"))
        hits = [
            entry["resource"]
            for entry in bundle.get("entry", ())
            if entry.get("search", {}).get("mode", "match") == "match"
            and _has_identifier(entry.get("resource", {}), system, value)
        ]
        if len(hits) > 1:
            raise EhrConflict(f"{len(hits)} {resource_type} carry one identifier")
        if not hits:
            return None
        return Stored(hits[0], f"{resource_type}/{hits[0]['id']}", hits[0].get("meta", {}).get("versionId"))

    def create(self, resource: Mapping[str, Any]) -> Stored:
        """Create once: a conditional create by the resource's first identifier (WB-3)."""
        identifier = resource["identifier"][0]
        token = quote(f"{identifier['system']}|{identifier['value']}", safe="")
        answer = self._call(
            "POST",
            resource["resourceType"],
            body=resource,
            headers={"If-None-Exist": f"identifier={token}", "Prefer": "return=representation"},
        )
        return self._stored(answer, None, created=answer.status_code == 201)

    def add(self, resource: Mapping[str, Any]) -> Stored:
        """Create without a condition: for what has no business identifier, and where a second one does no harm."""
        answer = self._call(
            "POST", resource["resourceType"], body=resource, headers={"Prefer": "return=representation"}
        )
        return self._stored(answer, None, created=True)

    def replace(self, reference: str, resource: Mapping[str, Any]) -> Stored:
        """Replace what is ours alone, whatever it has become meanwhile."""
        answer = self._call("PUT", reference, body=resource, headers={"Prefer": "return=representation"})
        return self._stored(answer, reference)

    def update(self, stored: Stored, resource: Mapping[str, Any]) -> Stored:
        """Replace a resource if nobody changed it since it was read (WB-6)."""
        headers = {"Prefer": "return=representation"}
        if stored.version_id is not None:
            headers["If-Match"] = f'W/"{stored.version_id}"'
        answer = self._call("PUT", stored.reference, body=resource, headers=headers)
        return self._stored(answer, stored.reference)

    def _stored(self, answer: requests.Response, reference: str | None, *, created: bool = False) -> Stored:
        resource = orjson.loads(answer.content) if answer.content else {}
        if resource.get("resourceType") in (None, "OperationOutcome"):  # no representation came back: read it
            location = answer.headers.get("Location", "")
            return self.read(reference or _reference_in(location, self.base))
        found = f"{resource['resourceType']}/{resource['id']}"
        version = resource.get("meta", {}).get("versionId") or _etag(answer.headers.get("ETag"))
        return Stored(resource, found, version, created)

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url = self._url(path)
        sent = {"Accept": FHIR_JSON, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = FHIR_JSON
        what = f"{method} {path.split('?')[0].removeprefix(self.base)}"
        for again in (True, False):
            if token := self._token():
                sent["Authorization"] = f"Bearer {token}"
            try:
                answer = self._http.request(
                    method,
                    url,
                    data=None if body is None else orjson.dumps(body),
                    headers=sent,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                raise EhrDown(f"{what}: {type(error).__name__}") from None
            if answer.status_code == 401 and again and self._forget is not None:
                self._forget()  # one new token, then we believe the refusal
                continue
            return _accepted(answer, what)
        raise AssertionError("unreachable")

    def _url(self, path: str) -> str:
        if not path.startswith(("http://", "https://")):
            return f"{self.base}/{path}"
        if urlsplit(path)[:2] != urlsplit(self.base)[:2]:  # SM-T5: the token goes to no other host
            raise EhrRefused("a page link points to another host")
        return path


def _accepted(answer: requests.Response, what: str) -> requests.Response:
    status = answer.status_code
    if status < 300:
        return answer
    message, issues = f"{what}: {status}", _issue_codes(answer)
    if status in (404, 410):
        raise EhrMissing(message, status, issues)
    if status in (409, 412, 428):
        raise EhrConflict(message, status, issues)
    if status == 429 or status >= 500:
        kind = EhrDown if status in (429, 502, 503, 504) else EhrUnavailable
        raise kind(message, status, _retry_after(answer.headers.get("Retry-After"), answer))
    raise EhrRefused(message, status, issues)


def _issue_codes(answer: requests.Response) -> tuple[str, ...]:
    try:
        outcome = orjson.loads(answer.content)
        return tuple(str(issue.get("code", "")) for issue in outcome.get("issue", ()))
    except (orjson.JSONDecodeError, AttributeError):
        return ()


def _retry_after(value: str | None, answer: requests.Response) -> float | None:
    """Seconds to wait as the EHR asked: a number, or a date compared with the answer's own `Date`."""
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        return max(0.0, (until - parsedate_to_datetime(answer.headers["Date"])).total_seconds())
    except (ValueError, KeyError, TypeError):
        return None


def next_link(body: bytes) -> str | None:
    """The `next` page of a search Bundle."""
    links = orjson.loads(body).get("link") or ()
    return next((str(link["url"]) for link in links if link.get("relation") == "next"), None)


def _has_identifier(resource: Mapping[str, Any], system: str, value: str) -> bool:
    """Checked by ourselves: a server that drops an unknown parameter answers with everything (WB-11)."""
    return any(i.get("system") == system and i.get("value") == value for i in resource.get("identifier", ()))


def _reference_in(location: str, base: str) -> str:
    parts = location.removeprefix(base).strip("/").split("/")
    if len(parts) < 2:
        raise EhrError("the EHR said neither what it stored nor where")
    return f"{parts[0]}/{parts[1]}"


def _etag(value: str | None) -> str | None:
    return value.removeprefix("W/").strip('"') if value else None
