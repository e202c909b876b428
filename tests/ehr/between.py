"""Stands between the service and an EHR: takes away what an EHR need not offer, and makes things go wrong on order.

One such proxy serves any FHIR server, so the same faults can be tried on each. It also gives out the tokens that a
plain FHIR server has no use for.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import requests

from fhirapp.ehr.connect import pooled_session

_PASSED_ON: Final = ("Content-Type", "Accept", "Prefer", "If-None-Exist", "If-Match")
_WRITES: Final = ("create", "update", "patch", "delete")
_PASSED_BACK: Final = ("Content-Type", "ETag", "Location", "Last-Modified", "Retry-After")


@dataclass(frozen=True, slots=True)
class Offer:
    """What the EHR offers of the things that FHIR leaves open."""

    transactions: bool = True
    conditional: bool = True
    versions: bool = True
    read_only: bool = False
    without: frozenset[str] = frozenset()  # types that the EHR does not know

    def __str__(self) -> str:
        names = ("transactions", "conditional", "versions")
        return "+".join(name for name in names if getattr(self, name)) or "nothing"


@dataclass(slots=True)
class Fault:
    """One thing to go wrong, `times` times, on requests that fit."""

    method: str = ""
    path: str = ""  # regular expression, below the FHIR base
    times: int = 1
    status: int = 0  # answered instead of the work
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], Any] | None = None  # what somebody else does just before the EHR sees the request
    after: Callable[[], Any] | None = None  # and just after, before the answer is sent
    delay: float = 0
    drop_before: bool = False
    drop_after: bool = False
    truncate: bool = False
    page: str = ""  # answered with status 200: what a gateway says in HTML
    fired: int = 0

    def wants(self, method: str, path: str) -> bool:
        return self.fired < self.times and self.method in ("", method) and re.search(self.path, path) is not None


@dataclass
class Between:
    """The proxy: `base` is what the service is told, `upstream` where the EHR is."""

    base: str
    upstream: str
    offer: Offer = field(default_factory=Offer)
    faults: list[Fault] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    tokens: int = 0
    jwks: dict[str, Any] = field(default_factory=lambda: {"keys": []})  # of the EHR's CDS Hooks client
    http: requests.Session = field(default_factory=pooled_session)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self._lock:
            found = next((one for one in self.faults if one.wants(method, path)), None)
            if found:
                found.fired += 1
            return found

    def asked(self, method: str, path: str = "") -> list[str]:
        """The paths asked for so far, by method and regular expression."""
        return [seen for how, seen, _ in self.log if how == method and re.search(path, seen)]


@contextmanager
def between(upstream: str, offer: Offer, port: int = 0) -> Iterator[Between]:
    """A proxy on loopback while the block runs, at any port that is free if none is named."""

    class Handler(_Handler):
        pass

    server = _Server(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    Handler.proxy = Between(f"http://127.0.0.1:{server.server_address[1]}/fhir", upstream, offer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Handler.proxy
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # a chart is read by many connections at once

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hung up before the answer came needs none; anything else is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    proxy: Between
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.removeprefix("/fhir").lstrip("/")
        if path == ".well-known/smart-configuration":
            self._json(200, _smart(self.proxy.base))
        elif path == "jwks.json":
            self._json(200, self.proxy.jwks)
        elif path == "token":
            self.proxy.tokens += 1
            token = {"access_token": f"t{self.proxy.tokens}", "token_type": "bearer", "expires_in": 3600, "scope": ""}
            self._json(200, token)
        else:
            self._fhir(path, body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - names of the base class

    def _fhir(self, path: str, body: bytes) -> None:
        proxy, fault = self.proxy, self.proxy.fault_for(self.command, path)
        if fault is not None:
            time.sleep(fault.delay)
            if fault.before:
                fault.before()
            if fault.drop_before:
                self._drop(path)
                return
            if fault.status or fault.page:
                self._instead(path, fault)
                return
        status, headers, answer = self._forward(path, body)
        proxy.log.append((self.command, path, status))
        if fault is not None and fault.after:
            fault.after()
        if fault is not None and fault.drop_after:
            self._drop(path)
            return
        self._send(status, headers, answer, truncate=fault is not None and fault.truncate)

    def _instead(self, path: str, fault: Fault) -> None:
        self.proxy.log.append((self.command, path, fault.status or 200))
        if fault.page:
            self._send(200, {"Content-Type": "text/html"}, fault.page.encode())
            return
        self._json(fault.status, fault.body or _outcome("processing", "made to fail"), fault.headers)

    def _forward(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The EHR's own answer, with its address replaced by ours."""
        proxy, offer = self.proxy, self.proxy.offer
        if self.command == "POST" and path == "" and not offer.transactions:
            return 400, {}, json.dumps(_outcome("not-supported", "no transactions here")).encode()
        sent = {name: value for name in _PASSED_ON if (value := self.headers.get(name))}
        if not offer.conditional:
            sent.pop("If-None-Exist", None)
            body = re.sub(rb'"ifNoneExist": ?"[^"]*",?', b"", body)
        if not offer.versions:
            sent.pop("If-Match", None)
        url = f"{proxy.upstream}/{path}".rstrip("/") if path else proxy.upstream
        answer = proxy.http.request(self.command, url, data=body or None, headers=sent, timeout=60)
        text = answer.content.replace(proxy.upstream.encode(), proxy.base.encode())
        headers = {name: value for name in _PASSED_BACK if (value := answer.headers.get(name))}
        if "Location" in headers:
            headers["Location"] = headers["Location"].replace(proxy.upstream, proxy.base)
        if not offer.versions:
            headers.pop("ETag", None)
            text = re.sub(rb'"versionId": ?"[^"]*",?', b"", text)
        if path == "metadata":
            text = json.dumps(_restricted(json.loads(text), offer)).encode()
        return answer.status_code, headers, text

    def _drop(self, path: str) -> None:
        self.proxy.log.append((self.command, path, 0))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes, *, truncate: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if truncate else body)
        self.wfile.flush()
        if truncate:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


def _restricted(statement: dict[str, Any], offer: Offer) -> dict[str, Any]:
    """The CapabilityStatement, as it is where something is not offered."""
    for rest in statement["rest"]:
        if not offer.transactions or offer.read_only:
            rest["interaction"] = [one for one in rest.get("interaction", []) if one["code"] != "transaction"]
        rest["resource"] = [one for one in rest["resource"] if one["type"] not in offer.without]
        for resource in rest["resource"]:
            if not offer.conditional:
                resource.pop("conditionalCreate", None)
            if not offer.versions:
                resource["versioning"] = "no-version"
            if offer.read_only:
                resource["interaction"] = [one for one in resource["interaction"] if one["code"] not in _WRITES]
    return statement


def _smart(base: str) -> dict[str, Any]:
    return {
        "token_endpoint": f"{base}/token",
        "grant_types_supported": ["client_credentials"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    }


def _outcome(code: str, text: str) -> dict[str, Any]:
    issue = {"severity": "error", "code": code, "details": {"text": text}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
