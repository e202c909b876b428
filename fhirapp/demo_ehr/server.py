"""Serving the demo EHR: one process, a thread for each request, loopback only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from fhirapp.demo_ehr.app import DemoEhr, create_demo_ehr, parts_of
from fhirapp.demo_ehr.settings import DemoSettings

HOST = "127.0.0.1"
_POLL_SECONDS = 0.02  # how soon a server that runs in a thread notices that it shall stop


class _Quiet(WSGIRequestHandler):
    """Keeps connections open as a real EHR does, and logs no URLs: they hold patient ids."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Nothing: what was asked is in the journal."""


def run(settings: DemoSettings, port: int) -> None:
    """Serve until the process ends."""
    _bound(create_demo_ehr(settings), socket.create_server((HOST, port))).serve_forever()


@contextmanager
def serving(settings_at: Callable[[str], DemoSettings], port: int = 0) -> Iterator[DemoEhr]:
    """A demo EHR served from a thread while the block runs.

    The port is bound first, so that `settings_at` is given the base URL even where the port is 0, "any
    that is free".
    """
    listening = socket.create_server((HOST, port))
    app = create_demo_ehr(settings_at(f"http://{HOST}:{listening.getsockname()[1]}"))
    server = _bound(app, listening)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="demo-ehr", daemon=True)
    thread.start()
    try:
        yield parts_of(app)
    finally:
        server.shutdown()
        server.server_close()
        parts_of(app).subscriptions.close()
        thread.join(timeout=5)


def _bound(app: Flask, listening: socket.socket) -> BaseWSGIServer:
    port = int(listening.getsockname()[1])
    server = make_server(HOST, port, app, threaded=True, request_handler=_Quiet, fd=listening.fileno())
    listening.close()  # the server has a copy of it
    return server
