"""An EHR that misbehaves: a proxy that makes what is asked of the real one go wrong at random, and counts."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import requests

from fhirapp.ehr.connect import pooled_session

BEFORE: Final = ("drop before", "401", "403", "409", "412", "422", "429", "429 date", "500", "503")
AFTER: Final = ("drop after", "cut", "torn", "500 after")
SLOW: Final = ("latency", "hang")
ALL: Final = (*BEFORE, *AFTER, *SLOW)
HANG_S: Final = 12.0  # longer than the service waits
_KEPT: Final = ("Content-Type", "Accept", "Prefer", "If-None-Exist", "If-Match", "Authorization")
_GIVEN: Final = ("Content-Type", "ETag", "Location", "Last-Modified", "Date")


@dataclass
class Misbehaving:
    """The proxy. `rate` is the part of requests that go wrong; `down` lets none through."""

    upstream: str
    dice: random.Random
    base: str = ""
    rate: float = 0.0
    kinds: tuple[str, ...] = ALL
    down: bool = False
    asked: int = 0
    in_flight: int = 0
    gone_wrong: Counter[str] = field(default_factory=Counter)
    http: requests.Session = field(default_factory=pooled_session)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count a request while it is in our hands."""
        with self.lock:
            self.in_flight += 1
        try:
            yield
        finally:
            with self.lock:
                self.in_flight -= 1

    def next_fault(self) -> str:
        """What goes wrong with this request; "" for nothing."""
        with self.lock:
            self.asked += 1
            fault = "down" if self.down else self.dice.choice(self.kinds) if self.dice.random() < self.rate else ""
            if fault == "hang" and self.gone_wrong["hang"] >= 5:
                fault = "latency"  # each costs the service its whole patience, and the test twelve seconds
            if fault:
                self.gone_wrong[fault] += 1
            return fault


@contextmanager
def misbehaving(dice: random.Random) -> Iterator[Misbehaving]:
    """The proxy at a free port; its `upstream` is set when the EHR is there."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.proxy = Misbehaving("", dice, f"http://127.0.0.1:{server.server_address[1]}/fhir")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield Handler.proxy
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    proxy: Misbehaving
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Nothing."""

    def _serve(self) -> None:
        with self.proxy.under_way():
            self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.next_fault()
        if fault in ("down", "drop before"):
            self._drop()
        elif fault[:3].isdigit() and fault != "500 after":
            self._refuse(int(fault[:3]), dated="date" in fault)
        else:
            time.sleep(HANG_S if fault == "hang" else 0.3 if fault == "latency" else 0)
            self._forward(body, fault)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - names of the base class

    def _forward(self, body: bytes, fault: str) -> None:
        kept = {name: self.headers[name] for name in _KEPT if name in self.headers}
        answer = self.proxy.http.request(
            self.command, f"{self.proxy.upstream}{self.path}", data=body or None, headers=kept, timeout=60
        )
        given = {name: answer.headers[name] for name in _GIVEN if name in answer.headers}
        if fault == "drop after":
            self._drop()
        elif fault == "500 after":
            self._refuse(500)
        elif fault == "cut":  # less than was promised
            self._send(answer.status_code, given, answer.content[: len(answer.content) // 2], len(answer.content))
            self._drop()
        elif fault == "torn":  # as much as was promised, but not what was meant
            self._send(answer.status_code, given, answer.content[: len(answer.content) // 2])
        else:
            self._send(answer.status_code, given, answer.content)

    def _refuse(self, status: int, *, dated: bool = False) -> None:
        headers = {"Content-Type": "application/fhir+json", "Date": self.date_time_string()}
        if status == 429:
            headers["Retry-After"] = self.date_time_string(int(time.time()) + 2) if dated else "2"
        self._send(status, headers, b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"x"}]}')

    def _send(self, status: int, headers: dict[str, str], body: bytes, promised: int | None = None) -> None:
        try:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if promised is None else promised))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True  # whoever asked has stopped waiting

    def _drop(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
