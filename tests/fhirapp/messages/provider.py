"""A provider of text messages, or of pages, on this machine: what it was asked, and what it answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response


@dataclass
class Provider:
    """Keeps every request."""

    url: str = ""
    status: int = 200
    answer: str = '{"messages": [{"id": 4711}]}'
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.asked.append(
            {
                "method": request.method,
                "headers": dict(request.headers),
                "json": request.get_json(silent=True) if request.is_json else None,
                "form": request.form.to_dict(),
            }
        )
        return Response(self.answer, self.status)(environ, start_response)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Number and words of every text message."""
        return [(one["json"]["to"], one["json"]["text"]) for one in self.asked]


@contextmanager
def provider() -> Iterator[Provider]:
    """A running provider."""
    found = Provider()
    server = make_server("127.0.0.1", 0, found, threaded=True)
    found.url = f"http://127.0.0.1:{server.server_port}/send"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
