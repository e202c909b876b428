"""Bodies of which only the frame is looked at, so that one broken resource costs itself only."""

from __future__ import annotations

import msgspec

from mappings import structs


class Loose(msgspec.Struct, rename={"resource_type": "resourceType"}):
    """A body of which only the frame is looked at."""

    resource_type: str | None = None
    link: msgspec.Raw = structs.NOTHING
    entry: list[msgspec.Raw] | None = None


class LooseEntry(msgspec.Struct, rename="camel"):
    """An entry of such a body."""

    full_url: msgspec.Raw = structs.NOTHING
    resource: msgspec.Raw = structs.NOTHING


class Head(msgspec.Struct, rename="camel"):
    """What a broken resource may still tell of itself."""

    resource_type: msgspec.Raw = structs.NOTHING
    id: msgspec.Raw = structs.NOTHING
    subject: msgspec.Raw = structs.NOTHING
    patient: msgspec.Raw = structs.NOTHING


loose_decoder = msgspec.json.Decoder(Loose)
entry_decoder = msgspec.json.Decoder(LooseEntry | None)
_head_decoder = msgspec.json.Decoder(Head)


def head_of(body: bytes | msgspec.Raw) -> Head:
    """What a resource tells of itself, however broken the rest is; an empty head when it tells nothing."""
    try:
        return _head_decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return Head()


def text_of(raw: msgspec.Raw) -> str | None:
    """A JSON string; `None` for anything else."""
    try:
        return msgspec.json.decode(raw, type=str) if raw else None
    except (msgspec.MsgspecError, RecursionError):
        return None
