"""Where the provider of text messages hands us what patients answer: `POST /messages/replies/<tenant>`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from fhirapp.messages.errors import ReplyRefused
from fhirapp.messages.replies import Replies
from fhirapp.messages.settings import ReplySettings

LARGEST: Final = 20_000  # bytes


def create_blueprint(replies: Replies) -> Blueprint:
    """The route. It answers 204, also for what it does not understand: to send that again would not help."""
    bp = Blueprint("messages", __name__, url_prefix="/messages")

    @bp.post("/replies/<tenant_id>")
    def reply(tenant_id: str) -> ResponseReturnValue:
        tenant = replies.tenants.by_id.get(tenant_id)
        settings = tenant.messages.replies if tenant else None
        if settings is None:
            raise ReplyRefused("no such address")
        if (request.content_length or 0) > LARGEST:
            raise ReplyRefused("too long")
        replies.check(settings, request.headers.get(settings.header, ""), request.get_data(cache=True))
        number, text, provider_id = _fields(settings)
        if number:
            replies.receive(tenant_id, number, text, provider_id)
        return "", 204

    return bp


def _fields(settings: ReplySettings) -> tuple[str, str, str]:
    """Number, text and id, from JSON or from a form; "" where they are missing."""
    body: Mapping[str, Any] = request.form
    if request.is_json:
        parsed = request.get_json(silent=True)
        body = parsed if isinstance(parsed, dict) else {}
    return _at(body, settings.number), _at(body, settings.text), _at(body, settings.id)


def _at(body: Mapping[str, Any], path: str) -> str:
    found: Any = body
    for step in path.split("."):
        if isinstance(found, list):
            found = found[0] if found else None
        found = found.get(step) if isinstance(found, Mapping) else None
    return str(found) if isinstance(found, (str, int)) else ""
