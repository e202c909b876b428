"""Dates and references of FHIR as exactly as the chart gives them."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Literal

from models.quick import maker
from models.snapshot import When

Place = Literal["past", "later", "future"]

SKEW = timedelta(hours=1)  # two clocks differ: what is recorded a moment "after" as_of is in the chart
NEAR = timedelta(days=31)
_TICK = timedelta(microseconds=1)
_MARKS = slice(4, 14, 3)  # where a dateTime has its two hyphens, the T and the first colon
_from_iso = datetime.fromisoformat
_when = maker(When)


def period_of(text: str, zone: tzinfo) -> When | None:
    """The moment or period that a FHIR date, dateTime or instant names; `None` when it names none.

    `2026-10` is the whole of October in `zone`. A time without an offset breaks FHIR but is met in
    charts: it is read in `zone`. Source: FHIR R4 datatypes, dateTime; conventions.md section 3.
    """
    try:
        if text[_MARKS] != "--T:":
            # Python reads more of ISO 8601 than FHIR allows: 20261125T1430, 2026-W48-3
            return _whole(text, zone) if len(text) <= 10 else None
        moment = _from_iso(text)
        moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
        return _when(moment, moment)
    except (ValueError, OverflowError):
        return None


def _whole(text: str, zone: tzinfo) -> When | None:
    parts = text.split("-")
    if [len(part) for part in parts] != [4, 2, 2][: len(parts)] or not (
        "".join(parts).isascii() and "".join(parts).isdecimal()
    ):
        return None
    year, month, day = [int(part) for part in parts] + [0] * (3 - len(parts))
    first = datetime(year, month or 1, day or 1, tzinfo=zone)
    if day:
        after = first + timedelta(days=1)
    elif month:
        after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    else:
        after = datetime(year + 1, 1, 1, tzinfo=zone)
    return When(first, after - _TICK)


def between(start: When | None, end: When | None) -> When | None:
    """One period from the first moment of `start` to the last of `end`; either may be open."""
    if start is None or end is None:
        return start or end
    if end.latest < start.earliest:
        return start  # the ends are swapped: only the start can be trusted
    return When(start.earliest, end.latest)


class _Texts(dict[str | None, When | None]):
    """What each text of a chart names; a text is read when it is first asked for."""

    __slots__ = ("zone",)

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone

    def __missing__(self, text: str | None) -> When | None:
        found = self[text] = period_of(text, self.zone) if text else None
        return found


class Dates:
    """Reads the dates of one chart in one zone, each distinct text once, and places them around `as_of`."""

    def __init__(self, as_of: datetime) -> None:
        if as_of.tzinfo is None:
            raise ValueError("as_of must be aware")
        self.as_of = as_of
        self.zone = as_of.tzinfo
        self.horizon = as_of + SKEW
        self.texts = _Texts(as_of.tzinfo)  # by text, as `when`

    def when(self, text: str | None) -> When | None:
        """The period that `text` names; `None` when absent or unreadable."""
        return self.texts[text]

    def after(self, moment: When | None) -> bool:
        """True when the whole of `moment` lies after `as_of`."""
        return moment is not None and moment.earliest > self.horizon

    def place(self, event: When | None, known: When | None, touched: str | None = None) -> Place:
        """Where a record stands at `as_of`, by the day it happened and the day it was written down.

        "later": written down afterwards, so at `as_of` it was not there yet. "future": it was there but
        is dated ahead, which is a fault of the data unless it is a plan. "past": all the rest.
        `touched` (meta.lastUpdated) only tells the first two apart: it moves with every copy of a record.
        Without either, an event that is more than a month ahead counts as not there yet.
        """
        if known is not None and known.earliest > self.horizon:
            return "later"
        if event is None or event.earliest <= self.horizon:
            return "past"
        witness = known or self.when(touched)
        if witness is not None:
            return "later" if self.after(witness) else "future"
        return "future" if event.earliest - self.as_of <= NEAR else "later"


def reference_id(reference: str, kind: str) -> str | None:
    """The logical id in `Kind/id`, `https://base/Kind/id` or either with `/_history/n`; `None` for another kind."""
    parts = reference.split("/")
    if len(parts) >= 4 and parts[-2] == "_history":
        parts = parts[:-2]
    if len(parts) >= 2 and parts[-2] == kind:
        return parts[-1]
    return None
