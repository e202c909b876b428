"""What a hook call did not bring along, read with the token of that very call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from typing import Final

import requests

from cds_hooks.access import page_url
from cds_hooks.ports import Client, Fetched
from fhirapp.ehr.client import FHIR_JSON, MAX_PAGES
from mappings.bundle import Part
from mappings.errors import UnreadableChart
from mappings.links import links_of
from mappings.queries import Query, rest_path

CONNECT_S: Final = 2.0
MAX_BYTES: Final = 20_000_000  # of one call's whole chart: more is no chart that a hook can wait for
_CHUNK: Final = 65_536


class HookCharts:
    """Satisfies `cds_hooks.ports.Charts`. What is not there at the deadline has failed; pages that came count.

    `until` is a time of `time.monotonic`.
    """

    def __init__(self, pool: Executor, http: requests.Session, *, max_bytes: int = MAX_BYTES) -> None:
        self._pool, self._http, self._max_bytes = pool, http, max_bytes

    def fetch(
        self,
        client: Client,
        fhir_server: str,
        access_token: str,
        queries: Sequence[Query],
        patient_id: str,
        *,
        until: float,
    ) -> Fetched:
        """Run the queries side by side."""
        base = fhir_server.rstrip("/")
        asked = [(query.key, f"{base}/{rest_path(query, patient_id)}") for query in queries]
        return self._gathered(self._reading(fhir_server, access_token, until), asked)

    def more(
        self, client: Client, fhir_server: str, access_token: str, links: Mapping[str, str], *, until: float
    ) -> Fetched:
        """All further pages of several keys, side by side."""
        return self._gathered(self._reading(fhir_server, access_token, until), list(links.items()))

    def _reading(self, fhir_server: str, access_token: str, until: float) -> _Reading:
        return _Reading(self._http, fhir_server, access_token, until, self._max_bytes)

    def _gathered(self, reading: _Reading, asked: Sequence[tuple[str, str]]) -> Fetched:
        pages: list[list[Part]] = [[] for _ in asked]
        running = [
            self._pool.submit(reading.pages, key, url, found.append)
            for (key, url), found in zip(asked, pages, strict=True)
        ]
        wait(running, timeout=max(0.0, reading.until - time.monotonic()))
        failed = frozenset(key for (key, _), one in zip(asked, running, strict=True) if not _whole(one))
        return Fetched(tuple(part for found in pages for part in tuple(found)), failed)


def _whole(reading: Future[bool]) -> bool:
    """Whether everything of a key was read; what has not begun never will."""
    return not reading.cancel() and reading.done() and reading.result()


@dataclass(slots=True)
class _Reading:
    """All that one call reads: one token, one deadline, one allowance of bytes."""

    http: requests.Session
    fhir_server: str
    token: str = field(repr=False)
    until: float
    left: int  # bytes; several threads take from it: a guard against floods, not an exact count

    def pages(self, key: str, url: str, keep: Callable[[Part], None]) -> bool:
        """Keep every page of one key as it comes; False when one could not be read."""
        for _ in range(MAX_PAGES):
            body = self._body(url)
            if body is None:
                return False
            try:
                link = links_of(body).get("next")
            except UnreadableChart:  # the EHR broke it, not the caller
                return False
            keep(Part(key, body))
            if link is None:
                return True
            page = page_url(self.fhir_server, link)
            if page is None:  # it leads to another place: the token goes to no other (CH-F8)
                return False
            url = page
        return False

    def _body(self, url: str) -> bytes | None:
        """One answer; None when it is refused, broken off, too long or too late."""
        remaining = self.until - time.monotonic()
        if remaining <= 0:
            return None
        headers = {"Accept": FHIR_JSON, "Authorization": f"Bearer {self.token}"}
        timeout = (min(CONNECT_S, remaining), remaining)
        try:
            with self.http.get(url, headers=headers, timeout=timeout, allow_redirects=False, stream=True) as answer:
                return self._content(answer) if answer.status_code == 200 else None
        except requests.RequestException:
            return None

    def _content(self, answer: requests.Response) -> bytes | None:
        """The body, looked after piece by piece: an EHR that trickles does not hold us beyond the deadline."""
        pieces = []
        for piece in answer.iter_content(_CHUNK):
            self.left -= len(piece)
            if self.left < 0 or time.monotonic() > self.until:
                return None
            pieces.append(piece)
        return b"".join(pieces)
