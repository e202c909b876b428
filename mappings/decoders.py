"""Decoders of answers: which resource types are read, which are skipped, and the parts that are looked into later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

import msgspec
from msgspec import Raw

from mappings.resource_types import RESOURCE_TYPES
from mappings.structs import (
    READ,
    BareConcept,
    Component,
    Element,
    Period,
    PlainQuantity,
    Quantity,
    ReferenceRange,
    Resource,
    Subject,
)


class Unread(Resource):
    """A resource of a type that we know and do not need; nothing of it is decoded."""


_named = {cls.__name__ for cls in READ} | {"Bundle"}
UNREAD: tuple[type[Any], ...] = tuple(
    msgspec.defstruct(name, [], bases=(Unread,), tag=name, kw_only=True)
    for name in RESOURCE_TYPES
    if name not in _named
)

if TYPE_CHECKING:
    AnyResource = Resource
else:
    AnyResource = Union[(*READ, *UNREAD)]


class Link(Element):
    relation: str | None = None
    url: str | None = None


class Entry(Element):
    full_url: str | None = None
    resource: AnyResource | None = None


class Bundle(Resource):
    type: str | None = None
    link: list[Link] | None = None
    entry: list[Entry | None] | None = None


if TYPE_CHECKING:
    Body = Resource
else:
    Body = Union[(*READ, *UNREAD, Bundle, None)]

body_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Body)
resource_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyResource)

# For the parts of an observation that are looked into.
subject_decoder = msgspec.json.Decoder(Subject | None)
concept_decoder = msgspec.json.Decoder(BareConcept | None)
concepts_decoder = msgspec.json.Decoder(list[BareConcept] | None)
references_decoder = msgspec.json.Decoder(list[Subject] | None)
period_decoder = msgspec.json.Decoder(Period | None)
plain_quantity_decoder = msgspec.json.Decoder(PlainQuantity)
quantity_decoder = msgspec.json.Decoder(Quantity | None)
ranges_decoder = msgspec.json.Decoder(list[ReferenceRange] | None)
components_decoder = msgspec.json.Decoder(list[Component] | None)
boolean_decoder = msgspec.json.Decoder(bool | None)
integer_decoder = msgspec.json.Decoder(int | None)
raws_decoder = msgspec.json.Decoder(list[Raw] | None)
