"""A patient's chart over REST: every query of `mappings.queries`, all pages, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future

from fhirapp.ehr.client import EhrClient, next_link
from fhirapp.ehr.errors import EhrError, EhrMissing, EhrRefused
from mappings.bundle import Chart, Part, read_chart
from mappings.concept_map import ConceptMap
from mappings.queries import EXTRAS, QUERIES, Query, rest_path
from models.snapshot import Gap


def chart_of(
    ehr: EhrClient,
    patient_id: str,
    pool: Executor,
    *,
    also: Sequence[Part] = (),
    concepts: ConceptMap | None = None,
    at_once: Callable[[EhrClient, Sequence[str]], Mapping[str, bytes]] | None = None,
) -> tuple[Chart, frozenset[str]]:
    """The chart, and the keys that the EHR refused to let us read (a partial read).

    Raises `EhrUnavailable` when the EHR does not answer: then nothing may be decided at all. `also` are parts that we
    hold ourselves, such as the answers a navigator took. With `concepts` the site's own codes are asked for as well.
    `at_once` asks for several paths in one request; what it does not answer is asked by itself.
    """
    reading = _Reading(ehr, pool, _paths(patient_id, concepts), at_once)
    asked = [(query, reading.of(query)) for query in QUERIES]
    further = [(query, reading.of(query)) for query in EXTRAS]
    parts: list[Part] = list(also)
    refused: set[str] = set()
    for query, answer in asked:
        try:
            parts.extend(answer.result())
        except EhrRefused:  # no scope, or a search that this EHR does not know: unread, never "nothing there"
            refused.add(query.key)
        except EhrMissing:  # 404 to a search: this EHR does not know the type
            if query.required:
                raise
            refused.add(query.key)
    unread = frozenset(query.key for query, answer in further if not _take(answer, parts))
    chart = read_chart(parts, patient_id=patient_id)
    _name_unread(chart, unread)
    return chart, frozenset(refused)


def _paths(patient_id: str, concepts: ConceptMap | None) -> dict[str, str]:
    """The path of each query, by key."""
    asked = (*QUERIES, *EXTRAS)
    return {
        query.key: rest_path(query, patient_id, also=concepts.asked(query.key) if concepts else ()) for query in asked
    }


def _take(answer: Future[list[Part]], parts: list[Part]) -> bool:
    """True when the EHR answered a query that a decision can do without."""
    try:
        parts.extend(answer.result())
    except EhrError:
        return False
    return True


def _name_unread(chart: Chart, unread: frozenset[str]) -> None:
    """What was asked beside is shown as not checked where it could not be read, and makes no chart a partial read."""
    extras = frozenset(query.key for query in EXTRAS)
    for key in sorted(unread | (chart.unread & extras)):
        chart.faults.append(Gap(key, "unread"))
    chart.unread -= extras


class _Reading:
    """One chart: what came at once, and the rest side by side."""

    def __init__(
        self,
        ehr: EhrClient,
        pool: Executor,
        paths: Mapping[str, str],
        at_once: Callable[[EhrClient, Sequence[str]], Mapping[str, bytes]] | None,
    ) -> None:
        self._ehr, self._pool, self._paths = ehr, pool, paths
        self._came = at_once(ehr, list(paths.values())) if at_once else {}

    def of(self, query: Query) -> Future[list[Part]]:
        """All pages of one query."""
        path = self._paths[query.key]
        first = self._came.get(path)
        if first is None or next_link(first) is not None:
            return self._pool.submit(self._parts, query.key, path, first)
        here: Future[list[Part]] = Future()
        here.set_result([Part(query.key, first)])
        return here

    def _parts(self, key: str, path: str, first: bytes | None) -> list[Part]:
        return [Part(key, body) for body in (self._ehr.pages(path, first) if first else self._ehr.pages(path))]
