"""Text of the chart inside Markdown: shown as it is, never as markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from models.text import Text

Gettext = Callable[[str], str] | None

# `<` only where it could open a tag, so that "<10" stays readable where a client shows plain text.
_INLINE: Final = re.compile(r"[\\`*_\[\]~|]|<(?=[A-Za-z/!?])|&(?=#|[A-Za-z])|:(?=//)|@|(?<=\bwww)\.", re.ASCII)
# What opens a heading, list, quotation or rule at the start of a line; "38.7" and "-2.5" do not.
_AT_START: Final = re.compile(r"^(?:(?=>|#{1,6}(?:\s|$)|[-+](?:\s|$)|[-=]{2,})|(\d{1,9})(?=[.)](?:\s|$)))", re.ASCII)
_UNITS: Final = {
    "10*9/L": "×10⁹/L",
    "10*12/L": "×10¹²/L",
    "Cel": "°C",
    "mm[Hg]": "mmHg",
    "ug/L": "µg/L",
    "umol/L": "µmol/L",
    "m[IU]/L": "mIU/L",
    "m2": "m²",
    "kg/m2": "kg/m²",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
}


def plain(text: Text | str, gettext: Gettext = None) -> str:
    """One line of plain text."""
    rendered = text.render(gettext) if isinstance(text, Text) else text
    return " ".join(rendered.split())


def escaped(text: Text | str, gettext: Gettext = None) -> str:
    """One line that Markdown shows character by character: no emphasis, link, HTML or list (CH-C4)."""
    line = _INLINE.sub(r"\\\g<0>", plain(text, gettext))
    return _AT_START.sub(r"\1\\", line)


def bullets(lines: Iterable[str]) -> Iterator[str]:
    """A list; each line is Markdown already."""
    return (f"- {line}" for line in lines)


def unit_shown(unit: str) -> str:
    """A UCUM code as people write it: `10*9/L` is `×10⁹/L`; a bare annotation such as `{score}` is nothing."""
    return _UNITS.get(unit, "" if unit.startswith("{") else unit)


def shortened(text: str, limit: int) -> str:
    """The text in at most `limit` characters as JavaScript counts them, cut between words (CH-C1)."""
    if _length(text) <= limit:
        return text
    words = text.split(" ")
    while len(words) > 1 and _length(" ".join(words)) > limit - 1:
        words.pop()
    kept = " ".join(words).rstrip(" ,;:.")
    while _length(kept) > limit - 1:
        kept = kept[:-1]
    return f"{kept}…"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
