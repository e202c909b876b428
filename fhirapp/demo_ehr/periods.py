"""FHIR dates as spans of time, and the comparators of a date search. Source: R4 search, "date"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")
_MINUTE = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})?$")
BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)
COMPARATORS = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` until just before `end`; both aware."""

    start: datetime
    end: datetime

    def contains(self, other: Span) -> bool:
        """Whether `other` lies wholly inside."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Span) -> bool:
        """Whether there is a moment in both."""
        return self.start < other.end and other.start < self.end


def span_of(text: str) -> Span:
    """The span that a FHIR date, dateTime or instant means; without a zone it is UTC. Raises ValueError."""
    match = _DATE.match(text)
    if match:
        return _span_of_date(*match.groups())
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    length = timedelta(minutes=1) if _MINUTE.match(text) else timedelta(seconds=1)
    return Span(moment, moment + (timedelta(microseconds=1000) if moment.microsecond else length))


def span_of_element(element: Any) -> Span | None:
    """The span of a date string, a Period or a Timing's event list; `None` for what cannot be read."""
    try:
        if isinstance(element, str):
            return span_of(element)
        if isinstance(element, Mapping) and ("start" in element or "end" in element):
            start = span_of(element["start"]).start if element.get("start") else BEGINNING
            return Span(start, span_of(element["end"]).end if element.get("end") else END)
    except ValueError:
        return None
    return None


def matches(comparator: str, wanted: Span, found: Span) -> bool:
    """Whether the span found in a resource answers the span asked for."""
    if comparator == "eq":
        return wanted.contains(found)
    if comparator == "ne":
        return not wanted.contains(found)
    if comparator == "ap":
        return wanted.overlaps(found)
    return {
        "gt": found.end > wanted.end,
        "ge": found.end > wanted.start,
        "lt": found.start < wanted.start,
        "le": found.start < wanted.end,
        "sa": found.start >= wanted.end,
        "eb": found.end <= wanted.start,
    }[comparator]


def _span_of_date(year: str, month: str | None, day: str | None) -> Span:
    first = date(int(year), int(month or 1), int(day or 1))
    if day:
        after = first + timedelta(days=1)
    elif month:
        after = (first + timedelta(days=31)).replace(day=1)
    else:
        after = first.replace(year=first.year + 1)
    return Span(_midnight(first), _midnight(after))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
