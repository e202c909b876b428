"""What a hook call did not bring along, read with the token of that very call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor, Future, wait
from typing import Final

import requests

from cds_hooks.ports import Client, Fetched
from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.errors import EhrError
from mappings.bundle import Part
from mappings.queries import Query, rest_path

BUDGET_S: Final = 4.0  # an EHR gives a hook about five seconds at most (CH-G3)


class HookCharts:
    """Satisfies `cds_hooks.ports.Charts`. Keys that are not there when the budget ends are `failed`."""

    def __init__(self, pool: Executor, http: requests.Session, *, budget_s: float = BUDGET_S) -> None:
        self._pool, self._http, self._budget_s = pool, http, budget_s

    def fetch(
        self, client: Client, fhir_server: str, access_token: str, queries: Sequence[Query], patient_id: str
    ) -> Fetched:
        """Run the queries side by side within the budget."""
        ehr = EhrClient(fhir_server, lambda: access_token, self._http)
        ends = time.monotonic() + self._budget_s
        asked = {
            query.key: self._pool.submit(_pages, ehr, query.key, rest_path(query, patient_id)) for query in queries
        }
        wait(asked.values(), timeout=max(0.0, ends - time.monotonic()))
        return _gathered(asked)

    def more(self, client: Client, fhir_server: str, access_token: str, key: str, url: str) -> Fetched:
        """All further pages of one key."""
        ehr = EhrClient(fhir_server, lambda: access_token, self._http)
        asked = {key: self._pool.submit(_pages, ehr, key, url)}
        wait(asked.values(), timeout=self._budget_s)
        return _gathered(asked)


def _pages(ehr: EhrClient, key: str, path: str) -> list[Part]:
    return [Part(key, body) for body in ehr.pages(path)]


def _gathered(asked: dict[str, Future[list[Part]]]) -> Fetched:
    parts: list[Part] = []
    failed: set[str] = set()
    for key, answer in asked.items():
        if not answer.done():
            answer.cancel()
            failed.add(key)
            continue
        try:
            parts.extend(answer.result())
        except EhrError:
            failed.add(key)
    return Fetched(tuple(parts), frozenset(failed))
