"""One chart out of what the client sent and, where that is not enough, of what its token lets us read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from cds_hooks.access import Access, access_of, page_url
from cds_hooks.errors import MissingData
from cds_hooks.ports import Charts, Client
from cds_hooks.schemas import Context, HookRequest
from mappings.bundle import Chart, Part, read_chart
from mappings.outcome import Issue, operation_outcome
from mappings.queries import QUERIES, Query

# Stands in a key's place when nothing could be read, so that the chart itself says so (`Chart.unread`).
_NOT_READ: Final = msgspec.json.encode(operation_outcome(Issue("incomplete", "not provided and not readable")))
_NEW_DIAGNOSES: Final = "context.conditions"


def chart_from(request: HookRequest, client: Client, charts: Charts) -> Chart:
    """The chart of the hook's patient. What could not be read is in `chart.unread`, never taken for absent.

    A key may be absent (not provided: fetched), null (looked, nothing there), a Bundle with or without entries,
    a resource, or an OperationOutcome (failed: fetched). Raises `MissingData` when a required key is still not
    there (412) and `ForeignPatient` when a resource is somebody else's. Source: CH-P4 to CH-P8.
    """
    gathering = _Gathering(request.context.patient_id, access_of(request, client), charts)
    gathering.take(request.sent)
    gathering.fetch(query for query in QUERIES if query.key not in gathering.parts)
    gathering.add_new_diagnoses(request.context)
    chart = gathering.read()
    if gathering.completed(chart):
        chart = gathering.read()
    gathering.check_required(chart)
    return chart


@dataclass(slots=True)
class _Gathering:
    """The parts of one chart while they come in; lives for one call, as its token does (CH-F4)."""

    patient_id: str
    access: Access | None
    charts: Charts
    parts: dict[str, list[Part]] = field(default_factory=dict)
    extra: list[Part] = field(default_factory=list)  # what came in the context, under no key of ours
    sent: set[str] = field(default_factory=set)  # keys that the client gave
    failed: set[str] = field(default_factory=set)  # keys of which something is missing

    def take(self, sent: Mapping[str, msgspec.Raw]) -> None:
        """Keep what the client sent under our keys. For one resource, null is no answer but a failure."""
        for query in QUERIES:
            body = bytes(sent.get(query.key, b""))
            if body and (body != b"null" or "?" in query.path):
                self.parts[query.key] = [Part(query.key, body)]
                self.sent.add(query.key)

    def add_new_diagnoses(self, context: Context) -> None:
        """Problems that are just being recorded: the record system may not find them yet."""
        if context.has("conditions"):
            self.extra.append(Part(_NEW_DIAGNOSES, bytes(context.conditions)))

    def fetch(self, queries: Iterable[Query]) -> None:
        """Read the queries that the token covers; the others have failed."""
        wanted = tuple(queries)
        covered = [query for query in wanted if self.access is not None and self.access.covers(query.path)]
        self.failed.update(query.key for query in wanted)
        if self.access is None or not covered:
            return
        fetched = self.charts.fetch(
            self.access.client, self.access.fhir_server, self.access.token, covered, self.patient_id
        )
        for part in fetched.parts:
            self.parts.setdefault(part.key, []).append(part)
            self.failed.discard(part.key)
        self.failed |= fetched.failed

    def read(self) -> Chart:
        """All parts as one chart; a key that failed is marked unread even where a part of it is there."""
        came = [part for parts in self.parts.values() for part in parts]
        return read_chart(
            [*came, *self.extra, *(Part(key, _NOT_READ) for key in self.failed)], patient_id=self.patient_id
        )

    def completed(self, chart: Chart) -> bool:
        """Fetch what the client failed to read, and the pages that it left out; whether anything changed."""
        outcomes = [query for query in QUERIES if query.key in self.sent & chart.unread and self._failed(query)]
        links = {key: url for key, url in chart.next_links.items() if key in self.sent}
        for key, url in links.items():
            self._follow(key, url)
        for query in outcomes:
            del self.parts[query.key]
        self.fetch(outcomes)
        return bool(outcomes or links)

    def check_required(self, chart: Chart) -> None:
        """Raises `MissingData` for required keys of which there is nothing at all (CH-P6, CH-P7)."""
        required = [query for query in QUERIES if query.required]
        missing = [query.key for query in required if query.key not in self.parts]
        failed = [query.key for query in required if query.key in chart.unread and self._failed(query)]
        if missing or failed:
            raise MissingData({*missing, *failed})

    def _follow(self, key: str, url: str) -> None:
        page = page_url(self.access.fhir_server, url) if self.access else None
        if self.access is None or page is None:
            self.failed.add(key)  # CH-P8: degrade; the first page counts, the rest is unread
            return
        more = self.charts.more(self.access.client, self.access.fhir_server, self.access.token, key, page)
        self.parts[key].extend(more.parts)
        self.failed |= more.failed

    def _failed(self, query: Query) -> bool:
        """Whether all that came for this query is an OperationOutcome."""
        parts = self.parts.get(query.key, ())
        return all(_resource_type(part.body) == "OperationOutcome" for part in parts)


class _Head(msgspec.Struct, rename="camel", gc=False):
    resource_type: str = ""


def _resource_type(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Head).resource_type
    except msgspec.MsgspecError:
        return ""
