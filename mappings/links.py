"""The links of a search's answer, found without reading the rest of it."""

from __future__ import annotations

import msgspec

from mappings.errors import UnreadableChart


class _Link(msgspec.Struct, gc=False):
    relation: str = ""
    url: str = ""


class _Linked(msgspec.Struct, gc=False):
    link: list[_Link] | None = None


_decoder = msgspec.json.Decoder(_Linked)


def links_of(body: bytes, key: str = "") -> dict[str, str]:
    """The links of a Bundle by relation: `self`, `next`; empty for any other resource.

    Raises `UnreadableChart` for a body that is no JSON object or whose links are none.
    """
    try:
        links = _decoder.decode(body).link or ()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UnreadableChart("not a FHIR resource", key=key) from error
    return {link.relation: link.url for link in links}
