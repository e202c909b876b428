"""Reading for a hook call, from real servers that are slow, that break off, that never end or lead elsewhere."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cds_hooks.ports import Client
from fhirapp.ehr.connect import pooled_session
from fhirapp.ehr.hook_charts import HookCharts
from mappings.queries import Query

BUDGET_S = 0.4
SLACK_S = 6.0  # for a busy machine; far below the half minute for which these servers would hang
LABS = Query("labs", "Observation?patient={{context.patientId}}&code=http://loinc.org|777-3&_sort=-date&_count=500")
PATIENT = Query("patient", "Patient/{{context.patientId}}")
CLIENT = Client("https://ehr.example", "north", lambda refetch: {"keys": []})
Answer = Callable[["Slow", BaseHTTPRequestHandler], None]


@dataclass
class Slow:
    """An EHR that does to each request what a test says, and remembers when it was asked, and with what."""

    answer: Answer
    url: str = ""
    asked: list[tuple[float, str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def base(self) -> str:
        return f"{self.url}/fhir"


@contextmanager
def serving(answer: Answer) -> Iterator[Slow]:
    ehr = Slow(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ehr.asked.append((time.monotonic(), self.path, self.headers.get("Authorization", "")))
            try:
                ehr.answer(ehr, self)
            except OSError:
                self.close_connection = True  # the reader has gone

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    ehr.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield ehr
    finally:
        ehr.over.set()
        server.shutdown()
        server.server_close()


def say(handler: BaseHTTPRequestHandler, body: bytes, *, status: int = 200, length: int | None = None) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/fhir+json")
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def bundle(next_url: str | None = None) -> bytes:
    links = [{"relation": "self", "url": "x"}] + ([{"relation": "next", "url": next_url}] if next_url else [])
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "link": links}).encode()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as running:
        yield running


@dataclass
class Call:
    """One call's reading, with its one deadline."""

    charts: HookCharts
    until: float = field(default_factory=lambda: time.monotonic() + BUDGET_S)

    def fetch(self, ehr: Slow, *queries: Query) -> Any:
        return self.charts.fetch(CLIENT, ehr.base, "canary", queries or (LABS,), "p 1", until=self.until)

    def more(self, ehr: Slow, **links: str) -> Any:
        return self.charts.more(CLIENT, ehr.base, "canary", links, until=self.until)


@pytest.fixture
def call(pool: ThreadPoolExecutor) -> Call:
    return Call(HookCharts(pool, pooled_session()))


def quick(ehr: Slow, handler: BaseHTTPRequestHandler) -> None:
    say(handler, bundle())


def hanging(ehr: Slow, handler: BaseHTTPRequestHandler) -> None:
    ehr.over.wait(30)
    say(handler, bundle())


def test_what_is_asked_is_read_side_by_side_with_the_token(call: Call) -> None:
    with serving(quick) as ehr:
        fetched = call.fetch(ehr, PATIENT, LABS)
    assert [part.key for part in fetched.parts] == ["patient", "labs"]
    assert not fetched.failed
    assert {path for _, path, _ in ehr.asked} == {
        "/fhir/Patient/p%201",
        "/fhir/Observation?patient=p%201&code=http://loinc.org%7C777-3&_sort=-date&_count=500",
    }
    assert {token for _, _, token in ehr.asked} == {"Bearer canary"}


def test_an_ehr_that_does_not_answer_costs_the_budget_and_not_more(call: Call) -> None:
    with serving(hanging) as ehr:
        fetched = call.fetch(ehr)
        assert call.until <= time.monotonic() < call.until + SLACK_S
    assert fetched.failed == {"labs"}
    assert not fetched.parts


def test_fetching_and_paging_share_one_deadline(call: Call) -> None:
    with serving(hanging) as ehr:
        call.fetch(ehr)
        fetched = call.more(ehr, labs=f"{ehr.base}?page=2")
        assert time.monotonic() < call.until + SLACK_S
    assert fetched.failed == {"labs"}
    assert len(ehr.asked) == 1  # past the deadline nothing is even asked


def test_ch_f6_nothing_is_begun_with_the_token_after_the_answer(call: Call) -> None:
    def second_page_late(ehr: Slow, handler: BaseHTTPRequestHandler) -> None:
        if "page" in handler.path:
            ehr.over.wait(BUDGET_S)
        say(handler, bundle(f"{ehr.base}?page={len(ehr.asked) + 1}"))

    with serving(second_page_late) as ehr:
        fetched = call.fetch(ehr, *[Query(f"k{n}", f"Observation?n={n}&_sort=-date") for n in range(12)])
        ended = time.monotonic()
        ehr.over.wait(BUDGET_S)  # time enough for a forgotten thread to ask for the next page
        assert [path for at, path, _ in ehr.asked if at > ended] == []
    assert len(fetched.failed) == 12


def test_ch_p8_pages_that_came_before_the_deadline_count_and_the_key_has_failed(call: Call) -> None:
    def second_page_never(ehr: Slow, handler: BaseHTTPRequestHandler) -> None:
        if "page" in handler.path:
            ehr.over.wait(30)
        say(handler, bundle(f"{ehr.base}?page=2"))

    with serving(second_page_never) as ehr:
        fetched = call.fetch(ehr)
    assert [part.key for part in fetched.parts] == ["labs"]
    assert fetched.failed == {"labs"}


def test_an_ehr_that_trickles_is_left_at_the_deadline(call: Call) -> None:
    def trickling(ehr: Slow, handler: BaseHTTPRequestHandler) -> None:
        say(handler, b"{", length=1_000_000)
        while not ehr.over.wait(0.02):
            handler.wfile.write(b" ")

    with serving(trickling) as ehr:
        fetched = call.fetch(ehr)
        assert time.monotonic() < call.until + SLACK_S
    assert fetched.failed == {"labs"}


def test_an_ehr_that_dies_within_an_answer_has_not_answered(call: Call) -> None:
    with serving(lambda ehr, handler: say(handler, bundle()[:20], length=5_000)) as ehr:
        handler_closes = call.fetch(ehr)
    assert handler_closes.failed == {"labs"}
    assert not handler_closes.parts


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b'{"resourceType": "Bundle", "link": [', b"[1]", b'{"link": 1}', b"null"]
)
def test_an_answer_that_is_no_fhir_is_the_ehrs_failure_not_the_callers(call: Call, body: bytes) -> None:
    with serving(lambda ehr, handler: say(handler, body)) as ehr:
        fetched = call.fetch(ehr)
    assert fetched.failed == {"labs"}
    assert not fetched.parts


@pytest.mark.parametrize("status", [204, 206, 301, 400, 401, 403, 404, 429, 500, 503])
def test_any_other_status_is_a_key_that_was_not_read(call: Call, status: int) -> None:
    with serving(lambda ehr, handler: say(handler, bundle(), status=status)) as ehr:
        assert call.fetch(ehr).failed == {"labs"}


def test_an_answer_without_end_is_left_when_its_allowance_is_spent(pool: ThreadPoolExecutor) -> None:
    sent = []

    def endless(ehr: Slow, handler: BaseHTTPRequestHandler) -> None:
        say(handler, b'{"x": "', length=10**9)
        while not ehr.over.is_set():
            handler.wfile.write(b"x" * 65_536)
            sent.append(65_536)

    with serving(endless) as ehr:
        call = Call(HookCharts(pool, pooled_session(), max_bytes=1_000_000), time.monotonic() + 20)
        assert call.fetch(ehr).failed == {"labs"}
        assert time.monotonic() < call.until - 10
    assert sum(sent) < 20_000_000  # what lies in the sockets' buffers


def test_ch_f5_ch_f8_a_page_elsewhere_is_not_asked_for_and_a_redirect_not_followed(call: Call) -> None:
    with serving(quick) as other:
        with serving(lambda ehr, handler: say(handler, bundle(f"{other.base}?page=2"))) as ehr:
            assert call.fetch(ehr).failed == {"labs"}

        def redirecting(ehr: Slow, handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", f"{other.base}/Observation")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with serving(redirecting) as ehr:
            assert call.fetch(ehr).failed == {"labs"}
        assert other.asked == []


def test_a_server_that_is_not_there_fails_at_once(call: Call) -> None:
    with serving(quick) as ehr:
        gone = Slow(quick, url=ehr.url)
    fetched = call.fetch(gone)
    assert fetched.failed == {"labs"}
    assert time.monotonic() < call.until + SLACK_S
