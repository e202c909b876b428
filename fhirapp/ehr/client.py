"""One EHR over REST, with one access token. Source: standards.md 6.1 and 6.2 (WB-2 to WB-12)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec
import orjson
import requests

from fhirapp.ehr.errors import EhrConflict, EhrError, EhrRefused, EhrUnavailable
from fhirapp.ehr.reactions import NO_ANSWER, reaction_to

FHIR_JSON: Final = "application/fhir+json"
TIMEOUT: Final = (2.0, 10.0)  # seconds to connect, to answer
MAX_PAGES: Final = 50
MOST_ISSUES: Final = 5
_A_PATH: Final = re.compile(r"[A-Z][A-Za-z]+(\.[A-Za-z]+(\[\d+\])?)*")  # "Task.owner": names, never a value
_A_CODE: Final = re.compile(r"[a-z][a-z-]{1,30}( at \S{1,120})?")


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as the EHR has it."""

    resource: dict[str, Any]
    reference: str  # "ServiceRequest/41"
    version_id: str | None
    created: bool = False  # this very request made it


class _Response(msgspec.Struct):
    status: str = ""


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()
    response: _Response = msgspec.field(default_factory=_Response)


class _BatchResponse(msgspec.Struct):
    entry: list[_Entry] = []


_BATCH: Final = msgspec.json.Decoder(_BatchResponse)  # the resources stay as they came


class EhrClient:
    """Reads and writes one FHIR base. `token` gives the bearer token; it is asked for each request.

    Every method raises an `EhrError`. Nothing is retried here: reads are asked again by the job that needs them,
    writes only after a search by identifier. What each answer leads to is the table in `reactions.py`.
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

    def get_bytes(self, path: str, *, patience_s: float = TIMEOUT[1]) -> bytes:
        """The raw answer to a read or search under the base, or to an absolute page link of this EHR."""
        return self._call("GET", path, patience_s=patience_s).content

    def dated(self, path: str) -> tuple[bytes, datetime | None]:
        """The same, with the moment at which the EHR answered by its own clock; `None` when it does not say."""
        answer = self._call("GET", path)
        try:
            return answer.content, parsedate_to_datetime(answer.headers["Date"])
        except (KeyError, ValueError, TypeError):
            return answer.content, None

    def pages(self, path: str, first: bytes | None = None) -> Iterator[bytes]:
        """Every page of a search, following `next` links of the same host (WB-11). `first` is one that came already."""
        url: str | None = path
        for _ in range(MAX_PAGES):
            if url is None:
                return
            body = first or self.get_bytes(url)
            first = None
            yield body
            url = next_link(body)
        if url is not None:
            raise EhrUnavailable(f"more than {MAX_PAGES} pages for one search")

    def find(self, resource_type: str, system: str, value: str) -> Stored | None:
        """The one resource with this business identifier; raises `EhrConflict` when there are several."""
        hits = self.find_all(resource_type, system, value)
        if len(hits) > 1:
            raise EhrConflict(f"{len(hits)} {resource_type} carry one identifier")
        return hits[0] if hits else None

    def find_all(self, resource_type: str, system: str, value: str, *, patient: str | None = None) -> list[Stored]:
        """Every resource with this business identifier, the oldest first; none that was entered in error.

        With `patient` all of this patient's are read and looked through: for a server that cannot search by
        identifier, or says so and drops the parameter (WB-4, WB-11).
        """
        token = quote(f"{system}|{value}", safe="")
        query = f"patient={quote(patient, safe='')}&_count=200" if patient else f"identifier={token}"
        hits: list[Stored] = []
        for body in self.pages(f"{resource_type}?{query}"):
            hits += [_kept(one) for one in _matches(bundle_in(body)) if _carries(one, system, value)]
        return sorted(hits, key=lambda hit: str(hit.resource.get("meta", {}).get("lastUpdated", "")))

    def create(self, resource: Mapping[str, Any], *, conditional: bool = True) -> Stored:
        """Create once: by a conditional create on the resource's first identifier (WB-3).

        Without `conditional` the caller has looked for it and found nothing.
        """
        headers = {"Prefer": "return=representation"}
        if conditional:
            headers["If-None-Exist"] = if_none_exist(resource)
        answer = self._call("POST", resource["resourceType"], body=resource, headers=headers)
        return self._stored(answer, None, created=answer.status_code == 201)

    def transaction(self, entries: Sequence[Mapping[str, Any]]) -> list[Stored | None]:
        """All or nothing (WB-9): what became of each entry, in their order; raises an `EhrError` otherwise.

        An entry that the server answers without saying where it stored it comes back as `None`.
        """
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
        answer = self._call("POST", "", body=bundle, headers={"Prefer": "return=representation"})
        answers = bundle_in(answer.content).get("entry") or []
        if len(answers) != len(entries):
            raise EhrUnavailable(f"POST transaction: {len(answers)} answers to {len(entries)} entries")
        return [self._answered(one) for one in answers]

    def batch(self, paths: Sequence[str], *, patience_s: float = TIMEOUT[1]) -> list[bytes | None]:
        """What each read or search answers, asked in one request; `None` for each that is better asked by itself."""
        asked = [{"request": {"method": "GET", "url": path}} for path in paths]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": asked}
        answer = self._call("POST", "", body=bundle, patience_s=patience_s)
        try:
            entries = _BATCH.decode(answer.content).entry
        except msgspec.MsgspecError:
            raise EhrUnavailable("POST batch: the answer cannot be read") from None
        if len(entries) != len(paths):
            raise EhrUnavailable(f"POST batch: {len(entries)} answers to {len(paths)} questions")
        return [(bytes(one.resource) or None) if one.response.status.startswith("200") else None for one in entries]

    def _answered(self, entry: Mapping[str, Any]) -> Stored | None:
        response, resource = entry.get("response") or {}, entry.get("resource")
        location = str(response.get("location") or "")
        created = str(response.get("status", "")).startswith("201")
        if isinstance(resource, dict) and resource.get("id") and resource.get("resourceType") != "OperationOutcome":
            version = resource.get("meta", {}).get("versionId") or _etag(response.get("etag"))
            return Stored(resource, f"{resource['resourceType']}/{resource['id']}", version, created)
        if not location:
            return None
        return Stored({}, _reference_in(location, self.base), _etag(response.get("etag")), created)

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
        resource = _json(answer.content) if answer.content else {}
        if resource.get("resourceType") in (None, "OperationOutcome"):  # no representation came back: read it
            location = answer.headers.get("Location", "")
            read = self.read(reference or _reference_in(location, self.base))
            return replace(read, created=created)
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
        patience_s: float = TIMEOUT[1],
    ) -> requests.Response:
        url = self._url(path) if path else self.base
        sent = {"Accept": FHIR_JSON, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = FHIR_JSON
        what = f"{method} {_kind_of(path.removeprefix(self.base))}"
        for again in (True, False):
            if token := self._token():
                sent["Authorization"] = f"Bearer {token}"
            try:
                answer = self._http.request(
                    method,
                    url,
                    data=None if body is None else orjson.dumps(body),
                    headers=sent,
                    timeout=(TIMEOUT[0], patience_s),
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                raise NO_ANSWER.raises(f"{what}: {type(error).__name__}") from None
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


def _kind_of(path: str) -> str:
    """What a message may say of a path: its type. An id or a search may tell who the patient is."""
    return path.strip("/").split("?")[0].split("/")[0] or "transaction"


def _accepted(answer: requests.Response, what: str) -> requests.Response:
    """The answer, or the error of its row in the table. The message is composed by us: no content, no patient."""
    status = answer.status_code
    if status < 300:
        return answer
    reaction, issues = reaction_to(status), _issue_codes(answer)
    message = f"{what}: {status}, {reaction.means}"
    if issues:
        message += f" ({', '.join(issues)})"
    if reaction.what_to_do:
        message += f"; {reaction.what_to_do}"
    if issubclass(reaction.raises, EhrUnavailable):
        raise reaction.raises(message, status, _retry_after(answer.headers.get("Retry-After"), answer))
    raise reaction.raises(message, status, issues)


def _issue_codes(answer: requests.Response) -> tuple[str, ...]:
    """The codes of an OperationOutcome and the elements that it names: never its texts, which may hold patient data."""
    try:
        issues = orjson.loads(answer.content).get("issue") or ()
        said = (str(issue.get("code", "")) + _where(issue) for issue in issues if _is_serious(issue))
        return tuple(word for word in dict.fromkeys(said) if _A_CODE.fullmatch(word))[:MOST_ISSUES]
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return ()


def _is_serious(issue: Mapping[str, Any]) -> bool:
    return issue.get("severity") in ("fatal", "error", None)


def _where(issue: Mapping[str, Any]) -> str:
    """ " at Task.owner", where the element is named by its path alone."""
    paths = issue.get("expression") or issue.get("location") or ()
    path = str(paths[0]) if isinstance(paths, list) and paths else ""
    return f" at {path}" if _A_PATH.fullmatch(path) else ""


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
    """The `next` page of a search Bundle; a single resource has none."""
    links = _json(body).get("link") or () if b'"link"' in body else ()
    return next((str(link["url"]) for link in links if link.get("relation") == "next" and link.get("url")), None)


def if_none_exist(resource: Mapping[str, Any]) -> str:
    """The condition of a create: no resource with this one's first identifier is there yet."""
    identifier = resource["identifier"][0]
    return "identifier=" + quote(f"{identifier['system']}|{identifier['value']}", safe="")


def _json(content: bytes) -> dict[str, Any]:
    """An answer's resource. One that breaks off, or is a gateway's page, leaves the outcome unknown."""
    try:
        resource = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise NO_ANSWER.raises("the answer cannot be read") from None
    if not isinstance(resource, dict):
        raise NO_ANSWER.raises("the answer is no resource")
    return resource


def bundle_in(content: bytes) -> dict[str, Any]:
    """An answer's Bundle; raises `EhrUnavailable` for anything else, as what a gateway says or what broke off."""
    bundle = _json(content)
    if bundle.get("resourceType") != "Bundle":
        raise NO_ANSWER.raises("the answer is no Bundle")
    return bundle


def _matches(bundle: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources that were searched for; what was included beside them, and outcomes, are passed over (WB-11)."""
    for entry in bundle.get("entry") or ():
        if entry.get("search", {}).get("mode", "match") == "match" and isinstance(entry.get("resource"), dict):
            yield entry["resource"]


def _carries(resource: Mapping[str, Any], system: str, value: str) -> bool:
    voided = "entered-in-error" in (resource.get("status"), resource.get("lifecycleStatus"))
    return not voided and _has_identifier(resource, system, value)


def _kept(resource: dict[str, Any]) -> Stored:
    version = resource.get("meta", {}).get("versionId")
    return Stored(resource, f"{resource['resourceType']}/{resource['id']}", version)


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
