"""Which browsers may call: CDS clients that run in a page, such as the public sandbox."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from flask import Request, Response

_ALLOWED: Final = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


def with_cors(request: Request, response: Response, origins: Collection[str]) -> Response:
    """The response, readable by the page that asked if its origin is agreed; never `*`, never cookies (CH-X1)."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin is None or origin not in origins:
        return response
    response.headers["Access-Control-Allow-Origin"] = origin
    if request.method == "OPTIONS":
        response.headers.update(_ALLOWED)
    return response
