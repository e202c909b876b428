"""A feedback body becomes entries: what became of our cards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final
from uuid import UUID

import msgspec
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate, validates_schema

from cds_hooks.errors import MalformedCall
from cds_hooks.ports import Coding, FeedbackEntry

_MAX_ENTRIES: Final = 200
_MAX_COMMENT: Final = 4_000


class _Tolerant(Schema):
    class Meta:
        unknown = EXCLUDE  # CH-G4


class _CodingSchema(_Tolerant):
    code = fields.String(required=True, validate=validate.Length(1, 200))
    system = fields.String(load_default="", allow_none=True, validate=validate.Length(max=500))
    display = fields.String(load_default="", allow_none=True)  # the specification's own example has none (CH-B7)

    @post_load
    def _made(self, data: dict[str, Any], **_: Any) -> Coding:
        return Coding(data["code"], data["system"] or "", data["display"] or "")


class _OverrideSchema(_Tolerant):
    reason = fields.Nested(_CodingSchema, load_default=None, allow_none=True)
    user_comment = fields.String(data_key="userComment", load_default="", allow_none=True)


class _AcceptedSchema(_Tolerant):
    id = fields.String(required=True, validate=validate.Length(1, 100))


class _EntrySchema(_Tolerant):
    card = fields.UUID(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(("accepted", "overridden")))
    at = fields.AwareDateTime(required=True, format="iso", data_key="outcomeTimestamp", default_timezone=UTC)
    accepted = fields.List(fields.Nested(_AcceptedSchema), data_key="acceptedSuggestions", load_default=None)
    override = fields.Nested(_OverrideSchema, data_key="overrideReason", load_default=None, allow_none=True)

    @validates_schema
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data["outcome"] == "accepted" and not data["accepted"]:
            raise ValidationError("required when outcome is accepted", "acceptedSuggestions")  # cds-fb-2

    @post_load
    def _made(self, data: dict[str, Any], **_: Any) -> FeedbackEntry:
        override = data["override"] or {}
        return FeedbackEntry(
            card=str(data["card"]),
            outcome=data["outcome"],
            at=data["at"],
            suggestions=tuple(sorted({_canonical(one["id"]) for one in data["accepted"] or ()})),
            reason=override.get("reason"),
            comment=(override.get("user_comment") or "")[:_MAX_COMMENT],
        )


class _FeedbackSchema(_Tolerant):
    feedback = fields.List(fields.Nested(_EntrySchema), required=True, validate=validate.Length(1, _MAX_ENTRIES))


def decode_feedback(body: bytes) -> tuple[FeedbackEntry, ...]:
    """The entries in a body, each valid by itself. Raises `MalformedCall` naming fields, never their values.

    Repeats are kept: whoever stores them stores each once. Source: CH-B1 to CH-B4, CH-B7.
    """
    try:
        data = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MalformedCall("the body is not JSON") from None
    if not isinstance(data, dict):
        raise MalformedCall("the body is no JSON object")
    try:
        loaded: dict[str, Any] = _FeedbackSchema().load(data)
    except ValidationError as error:
        places = sorted(_places(error.messages))
        raise MalformedCall(f"feedback is not valid at {', '.join(places[:5])}", *places[:5]) from None
    return tuple(loaded["feedback"])


def _places(messages: Any, path: str = "") -> set[str]:
    """FHIRPath-like places of the errors; marshmallow's texts stay out since they may cite values."""
    if not isinstance(messages, dict):
        return {path}
    found: set[str] = set()
    for name, inner in messages.items():
        step = f"[{name}]" if isinstance(name, int) else ("" if name == "_schema" else f".{name}")
        found |= _places(inner, f"{path}{step}".lstrip("."))
    return found


def _canonical(identity: str) -> str:
    """A suggestion id as we wrote it: lower case, whatever a client made of it."""
    try:
        return str(UUID(identity))
    except ValueError:
        return identity
