"""Where EHRs knock: answered at once, whatever was sent, and never believed."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from fhirapp.closed_loop.subscriptions import SECRET_HEADER

Knocked = Callable[[str, str, str], bool]


def create_blueprint(knocked: Knocked) -> Blueprint:
    """One route. The body is not read: the notice only makes the next look due (`Subscriptions.knocked`)."""
    bp = Blueprint("subscriptions", __name__)

    @bp.post("/subscriptions/<tenant_id>/<path>")
    def notice(tenant_id: str, path: str) -> Response:
        """Something may have changed. A notice that is not ours gets the answer of an address that is not there."""
        if knocked(tenant_id, path, request.headers.get(SECRET_HEADER, "")):
            return Response(status=200)
        return Response(status=404)

    return bp
