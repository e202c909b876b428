"""A patient's chart over REST: every query of `mappings.queries`, all pages, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future

from fhirapp.ehr.client import EhrClient
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
) -> tuple[Chart, frozenset[str]]:
    """The chart, and the keys that the EHR refused to let us read (a partial read).

    Raises `EhrUnavailable` when the EHR does not answer: then nothing may be decided at all. `also` are parts that we
    hold ourselves, such as the answers a navigator took. With `concepts` the site's own codes are asked for as well.
    """
    asked = [(query, pool.submit(_parts, ehr, query, patient_id, concepts)) for query in QUERIES]
    further = [(query, pool.submit(_parts, ehr, query, patient_id, concepts)) for query in EXTRAS]
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


def _parts(ehr: EhrClient, query: Query, patient_id: str, concepts: ConceptMap | None) -> list[Part]:
    path = rest_path(query, patient_id, also=concepts.asked(query.key) if concepts else ())
    return [Part(query.key, body) for body in ehr.pages(path)]
