"""A chart as it stood on one day, moved to today: what lets an old record be looked at as if it were now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

Json = dict[str, Any]

_FULL = re.compile(r"^(\d{4}-\d{2}-\d{2})(T.*)?$")
_PARTIAL = re.compile(r"^(\d{4})(?:-(\d{2}))?$")

# Where a resource says when it began to exist for a reader of the chart; the first that is there counts.
_BEGINS: Final = (
    "effectiveDateTime", "effectivePeriod", "effectiveInstant", "performedDateTime", "performedPeriod",
    "onsetDateTime", "onsetPeriod", "recordedDate", "authoredOn", "authored", "occurrenceDateTime", "occurrencePeriod",
    "period", "date", "issued", "created", "sent", "billablePeriod", "started",
)  # fmt: skip
_LATER_ENDS: Final = ("abatementDateTime", "deceasedDateTime")


def as_it_stood(bundle: Mapping[str, Any], day: date) -> Json:
    """The Bundle without what came after `day`; later deaths, recoveries and ends are undone."""
    kept = []
    for entry in bundle.get("entry", ()):
        resource = entry.get("resource") or {}
        begins = begin_of(resource)
        if begins is None or begins <= day:
            kept.append({**entry, "resource": _undone(resource, day)})
    return {**bundle, "entry": kept}


def latest_day(bundle: Mapping[str, Any]) -> date:
    """The day of the newest record; today's use of a chart for which no day is named."""
    days = [day for entry in bundle.get("entry", ()) if (day := begin_of(entry.get("resource") or {}))]
    if not days:
        raise ValueError("no resource of this chart has a date")
    return max(days)


def moved(bundle: Mapping[str, Any], by: timedelta) -> Json:
    """The Bundle with every date shifted by whole days; partial dates by the nearest months and years."""
    shifted = _shifted(bundle, by)
    assert isinstance(shifted, dict)  # noqa: S101 - a dict in, a dict out
    return shifted


def begin_of(resource: Mapping[str, Any]) -> date | None:
    """The day from which a reader of the chart could have seen the resource; `None` when it bears no date."""
    if resource.get("resourceType") in ("Patient", "Practitioner", "Organization", "Location", "Medication"):
        return None
    for name in _BEGINS:
        value = resource.get(name)
        if isinstance(value, dict):
            value = value.get("start") or value.get("end")
        if isinstance(value, str) and (day := _day(value)):
            return day
    return None


def _undone(resource: Mapping[str, Any], day: date) -> Json:
    now = dict(resource)
    for name in _LATER_ENDS:
        end = _day(str(now.get(name, "")))
        if end is not None and end > day:
            del now[name]
            if name == "abatementDateTime" and "clinicalStatus" in now:
                system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
                now["clinicalStatus"] = {"coding": [{"system": system, "code": "active"}]}
    for name in ("period", "performedPeriod", "effectivePeriod"):
        span = now.get(name)
        if isinstance(span, dict) and (end := _day(str(span.get("end", "")))) and end > day:
            now[name] = {key: value for key, value in span.items() if key != "end"}
    return now


def _day(text: str) -> date | None:
    if found := _FULL.match(text):
        return date.fromisoformat(found[1])
    if found := _PARTIAL.match(text):
        return date(int(found[1]), int(found[2] or 1), 1)
    return None


def _shifted(value: Any, by: timedelta, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shifted(inner, by, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shifted(inner, by, name) for inner in value]
    if not isinstance(value, str):
        return value
    if found := _FULL.match(value):
        return (date.fromisoformat(found[1]) + by).isoformat() + (found[2] or "")
    if (found := _PARTIAL.match(value)) and _holds_dates(name):
        middle = date(int(found[1]), int(found[2] or 7), 1) + by
        return f"{middle:%Y-%m}" if found[2] else f"{middle:%Y}"
    return value


def _holds_dates(name: str) -> bool:
    """Four digits are a year only in an element that holds dates."""
    return name.endswith(("Date", "DateTime", "On", "start", "end")) or name in ("authored", "date", "issued", "sent")
