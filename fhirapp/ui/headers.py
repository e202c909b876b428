"""What every answer tells the browser: who may frame it, what may run in it, what may be kept. Source: SM-L9."""

from __future__ import annotations

import secrets
from typing import Final

from flask import Blueprint, Response, g, request
from flask.sansio.app import App

PRIVATE: Final = "no-store"
# A page's script and style are our own files; nothing inline runs and nothing comes from elsewhere.
_POLICY: Final = (
    "default-src 'self'",
    "script-src 'nonce-{nonce}'",
    "style-src 'self'",
    "img-src 'self' data:",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors {ancestors}",
)


def install(blueprint: Blueprint) -> None:
    """Set the headers on every answer of the app, from whichever blueprint."""
    blueprint.after_app_request(secured)
    blueprint.record_once(lambda state: _add_nonce(state.app))


def nonce() -> str:
    """The nonce of this request, for the one script of a page."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def private() -> None:
    """Say that the answer holds a patient's data: nobody may keep it."""
    g.private = True


def framed_by(origins: tuple[str, ...]) -> None:
    """Say which origins may frame the answer: those of the EHR that launched it."""
    g.frame_ancestors = origins


def secured(answer: Response) -> Response:
    """The answer with its security headers; what a route has set itself stays."""
    headers = answer.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")  # an opt-out link is a secret in an address
    if answer.mimetype == "text/html":
        ancestors = " ".join(g.get("frame_ancestors") or ()) or "'none'"
        headers.setdefault("Content-Security-Policy", "; ".join(_POLICY).format(nonce=nonce(), ancestors=ancestors))
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("X-Robots-Tag", "noindex")
    if g.get("private") or (request.blueprint in _PRIVATE_ROOMS and answer.mimetype == "text/html"):
        headers["Cache-Control"] = PRIVATE
    return answer


_PRIVATE_ROOMS: Final = frozenset({"clinician", "navigator", "patient", "outbox", "alarms"})


def _add_nonce(app: App) -> None:
    app.jinja_env.globals["csp_nonce"] = nonce
