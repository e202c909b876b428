"""One chart out of what the client sent and, where that is not enough, of what its token lets us read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

import msgspec

from cds_hooks.access import Access, access_of, page_url
from cds_hooks.errors import MissingData
from cds_hooks.ports import Charts, Client, Fetched
from cds_hooks.schemas import Context, HookRequest
from mappings.bundle import Chart, Part, read_chart
from mappings.errors import UnreadableChart
from mappings.links import links_of
from mappings.outcome import Issue, operation_outcome
from mappings.queries import QUERIES, Query, asked_alone, asked_too

# Stands in a key's place when nothing could be read, so that the chart itself says so (`Chart.unread`).
_NOT_READ: Final = msgspec.json.encode(operation_outcome(Issue("incomplete", "not provided and not readable")))
_HEAD_BYTES: Final = 2_000  # an OperationOutcome says so within its first bytes, or is found while reading
_NEW_DIAGNOSES: Final = "context.conditions"


def chart_from(request: HookRequest, client: Client, charts: Charts, *, until: float) -> Chart:
    """The chart of the hook's patient. What could not be read is in `chart.unread`, never taken for absent.

    A key may be absent (not provided: fetched), null (looked, nothing there), a Bundle with or without entries,
    a resource, or an OperationOutcome (failed: fetched). All reading ends at `until`. Raises `MissingData` when a
    required key is still not there (412) and `ForeignPatient` when a resource is somebody else's.
    Source: CH-P4 to CH-P8.
    """
    gathering = _Gathering(request.context.patient_id, access_of(request, client), charts, until)
    gathering.take(request.sent)
    sent = frozenset(gathering.parts)
    wanted = [query for query in QUERIES if query.key not in sent]
    if client.site_codes:
        wanted = [asked_too(query, client.site_codes.get(query.key, ())) for query in wanted]
        wanted += gathering.not_asked_for(client.site_codes)
    gathering.fetch(wanted)
    gathering.add_new_diagnoses(request.context)
    chart = gathering.read()
    links = {key: url for key, url in chart.next_links.items() if key in sent}
    if links:
        gathering.follow(links)
        chart = gathering.read()
    gathering.check_required(chart)
    return chart


@dataclass(slots=True)
class _Gathering:
    """The parts of one chart while they come in; lives for one call, as its token does (CH-F4)."""

    patient_id: str
    access: Access | None
    charts: Charts
    until: float
    parts: dict[str, list[Part]] = field(default_factory=dict)
    extra: list[Part] = field(default_factory=list)  # what came in the context, under no key of ours
    failed: set[str] = field(default_factory=set)  # keys of which something is missing

    def take(self, sent: Mapping[str, msgspec.Raw]) -> None:
        """Keep what the client sent under our keys: not its failures, nor null for what is one resource."""
        for query in QUERIES:
            body = bytes(sent.get(query.key, b""))
            if body and not _is_outcome(body, _HEAD_BYTES) and (body != b"null" or "?" in query.path):
                self.parts[query.key] = [Part(query.key, body)]

    def add_new_diagnoses(self, context: Context) -> None:
        """Problems that are just being recorded: the record system may not find them yet."""
        if context.has("conditions"):
            self.extra.append(Part(_NEW_DIAGNOSES, bytes(context.conditions)))

    def not_asked_for(self, site_codes: Mapping[str, Sequence[str]]) -> list[Query]:
        """Questions for the site's own codes, for each key that the client sent without having asked for them.

        That it did is seen from the `self` link of its Bundle; what cannot be seen counts as not asked.
        """
        sent = [query for query in QUERIES if query.key in self.parts and site_codes.get(query.key)]
        return [
            asked_alone(query, site_codes[query.key])
            for query in sent
            if not all(_asked_for(part.body, site_codes[query.key]) for part in self.parts[query.key])
        ]

    def fetch(self, wanted: Sequence[Query]) -> None:
        """Read the queries that the token covers; the others have failed."""
        covered = [query for query in wanted if self.access is not None and self.access.covers(query.path)]
        self.failed.update(query.key for query in wanted)
        if self.access is None or not covered:
            return
        fetched = self.charts.fetch(
            self.access.client,
            self.access.fhir_server,
            self.access.token,
            covered,
            self.patient_id,
            until=self.until,
        )
        self.failed.difference_update(part.key for part in fetched.parts)
        self._add(fetched)

    def follow(self, links: Mapping[str, str]) -> None:
        """Read the further pages of all keys at once; the first page counts even where the rest fails (CH-P8)."""
        access = self.access
        pages = {key: page_url(access.fhir_server, url) if access else None for key, url in links.items()}
        self.failed.update(key for key, page in pages.items() if page is None)
        asked = {key: page for key, page in pages.items() if page is not None}
        if access is not None and asked:
            more = self.charts.more(access.client, access.fhir_server, access.token, asked, until=self.until)
            self._add(more)

    def read(self) -> Chart:
        """All parts as one chart; a key that failed is marked unread even where a part of it is there."""
        came = [part for parts in self.parts.values() for part in parts]
        marks = [Part(key, _NOT_READ) for key in self.failed]
        return read_chart([*came, *self.extra, *marks], patient_id=self.patient_id)

    def check_required(self, chart: Chart) -> None:
        """Raises `MissingData` for required keys of which there is nothing at all (CH-P6, CH-P7)."""
        required = [query.key for query in QUERIES if query.required]
        missing = [key for key in required if key not in self.parts]
        failed = [
            key
            for key in required
            if key in chart.unread and all(_is_outcome(part.body) for part in self.parts.get(key, ()))
        ]
        if missing or failed:
            raise MissingData({*missing, *failed})

    def _add(self, fetched: Fetched) -> None:
        for part in fetched.parts:
            self.parts.setdefault(part.key, []).append(part)
        self.failed |= fetched.failed


def _asked_for(body: bytes, codes: Sequence[str]) -> bool:
    """Whether the search behind a Bundle, by its `self` link, named all these codes."""
    try:
        asked = unquote_plus(links_of(body).get("self", ""))
    except UnreadableChart:
        return False
    return all(code in asked for code in codes)


class _Head(msgspec.Struct, rename="camel", gc=False):
    resource_type: str = ""


def _is_outcome(body: bytes, within: int | None = None) -> bool:
    """Whether a body is an OperationOutcome; with `within`, one that shows it in so many bytes."""
    if b"OperationOutcome" not in body[:within]:
        return False
    try:
        return msgspec.json.decode(body, type=_Head).resource_type == "OperationOutcome"
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
