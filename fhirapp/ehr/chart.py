"""A patient's chart over REST: every query of `mappings.queries`, all pages, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.errors import EhrRefused
from mappings.bundle import Chart, Part, read_chart
from mappings.concept_map import ConceptMap
from mappings.queries import QUERIES, Query, rest_path


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
    parts: list[Part] = list(also)
    refused: set[str] = set()
    for query, answer in asked:
        try:
            parts.extend(answer.result())
        except EhrRefused:  # no scope, or a search that this EHR does not know: unread, never "nothing there"
            refused.add(query.key)
    return read_chart(parts, patient_id=patient_id), frozenset(refused)


def _parts(ehr: EhrClient, query: Query, patient_id: str, concepts: ConceptMap | None) -> list[Part]:
    path = rest_path(query, patient_id, also=concepts.asked(query.key) if concepts else ())
    return [Part(query.key, body) for body in ehr.pages(path)]
