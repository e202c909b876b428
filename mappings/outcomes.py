"""What became of a patient after a day: the labels that a site's own records give.

Each label is 1.0, 0.0, or `None` where the record cannot tell: then the patient is left out, never counted as "no".
Source: modelling.md section 5, "Labels at a hospital".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from mappings.bulk import History, Record
from mappings.canonical import BASE
from mappings.datatypes import Dates

HORIZON_YEARS: Final = 5
UPTAKE: Final = timedelta(days=60)
TWELVE_WEEKS: Final = timedelta(weeks=12)
ENOUGH: Final = 0.70  # of the planned sessions
FEWEST_SESSIONS: Final = 4

_SNOMED: Final = "http://snomed.info/sct"
_OBSERVATIONS: Final = f"{BASE}/CodeSystem/stride-observations"
# Referral to a physical activity programme, exercise therapy, exercise education, physical exercise, physiotherapy.
_EXERCISE: Final = frozenset({"390893007", "229065009", "304507003", "183301007", "91251008"})


def index_of(history: History) -> datetime | None:
    """The day that a patient is looked at: when exercise was first referred for, in the zone that it was written in."""
    moments = (_moment(record, "authoredOn") for record in history.of("ServiceRequest") if _is_exercise(record))
    return min((moment for moment in moments if moment is not None), default=None)


def died(history: History, index: datetime) -> float | None:
    """Death from any cause within five years; alive needs a visit or a result after the horizon, else unknown."""
    end = _years_later(index, HORIZON_YEARS)
    if text := history.patient.get("deceasedDateTime"):
        death = Dates(index).when(text)
        return None if death is None or death.latest < index else float(death.earliest <= end)
    if history.patient.get("deceasedBoolean") is True:
        return None  # dead, nobody knows when
    return 0.0 if _is_seen_after(history, end) else None


def took_up(history: History, index: datetime) -> float | None:
    """A first exercise visit, or a finished Task, within 60 days. Who opted out or died is neither yes nor no."""
    end = index + UPTAKE
    if any(index < moment <= end for moment in _starts(history)):
        return 1.0
    if _opted_out(history) or _dead_by(history, end) or not _is_seen_after(history, end):
        return None
    return 0.0


def kept_coming(history: History, index: datetime) -> float | None:
    """At least 70 % of the planned sessions of twelve weeks attended; unknown under four, or with a death meanwhile."""
    end = index + TWELVE_WEEKS
    if _dead_by(history, end) or not _is_seen_after(history, end):
        return None
    told = _counted(history, end) or _appointments(history, index, end)
    attended, planned = told
    return None if planned < FEWEST_SESSIONS else float(attended / planned >= ENOUGH)


LABELS: Final = {"risk": died, "adherence": took_up, "persistence": kept_coming}


def _starts(history: History) -> Iterator[datetime]:
    for record in history.of("Encounter"):
        if record.get("status") == "finished" and _is_exercise(record) and (start := _period(record, "start")):
            yield start
    for record in history.of("Task"):
        done = _moment(record, "lastModified") or _period(record, "end", "executionPeriod")
        if record.get("status") == "completed" and _is_exercise(record) and done:
            yield done
    for record in history.of("CarePlan"):
        if record.get("status") == "completed" and _is_exercise(record) and (start := _period(record, "start")):
            yield start


def _opted_out(history: History) -> bool:
    """Source: modelling.md section 5: an opt-out is a separate outcome, not non-adherence."""
    said = [(r, "revoked") for r in history.of("ServiceRequest")] + [(r, "rejected") for r in history.of("Task")]
    return any(_is_exercise(record) and record.get("status") == word for record, word in said)


def _counted(history: History, end: datetime) -> tuple[float, float] | None:
    """The newest attendance Observation: sessions attended, of sessions planned."""
    found: tuple[datetime, float, float] | None = None
    for record in history.of("Observation"):
        codes, when = set(_codes(record, _OBSERVATIONS)), _moment(record, "effectiveDateTime")
        if "sessions-attended" not in codes or when is None or when > end + UPTAKE:
            continue
        planned = [_number(c) for c in record.get("component", ()) if "sessions-planned" in _codes(c, _OBSERVATIONS)]
        attended = _number(record)
        if attended is not None and planned and planned[0] and (found is None or when > found[0]):
            found = (when, attended, planned[0])
    return found and (found[1], found[2])


def _appointments(history: History, index: datetime, end: datetime) -> tuple[float, float]:
    attended = planned = 0
    for record in history.of("Appointment"):
        start = _moment(record, "start")
        if start is None or not index < start <= end or not _is_exercise(record):
            continue
        attended += record.get("status") == "fulfilled"
        planned += record.get("status") in ("fulfilled", "noshow", "cancelled")
    return attended, planned


def _is_exercise(record: Record) -> bool:
    found = [_codes(record, _SNOMED)]
    for name in ("type", "serviceType", "category", "reasonCode"):
        found += [_codes({"code": one}, _SNOMED) for one in record.get(name) or () if isinstance(one, dict)]
    return any(not _EXERCISE.isdisjoint(codes) for codes in found)


def _codes(record: Record, system: str) -> list[str]:
    concept = record.get("code") if isinstance(record.get("code"), dict) else {}
    return [str(c.get("code")) for c in (concept or {}).get("coding", ()) if c.get("system") == system]


def _number(record: Record) -> float | None:
    quantity = record.get("valueQuantity") or {}
    value = record.get("valueInteger", quantity.get("value"))
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _moment(record: Record, name: str) -> datetime | None:
    """A date or instant; one without a zone is read in UTC, a day as its first moment."""
    text = record.get(name)
    when = Dates(_UTC_DAY).when(text) if isinstance(text, str) else None
    return when.earliest if when else None


def _period(record: Record, end: str, name: str = "period") -> datetime | None:
    period = record.get(name)
    return _moment(period, end) if isinstance(period, dict) else None


def _dead_by(history: History, end: datetime) -> bool:
    death = _moment(history.patient, "deceasedDateTime")
    return history.patient.get("deceasedBoolean") is True or (death is not None and death <= end)


def _is_seen_after(history: History, end: datetime) -> bool:
    visits = (_period(record, "start") for record in history.of("Encounter"))
    results = (_moment(record, "effectiveDateTime") for record in history.of("Observation"))
    return any(moment is not None and moment > end for moment in (*visits, *results))


def _years_later(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:  # the 29th of February
        return moment.replace(year=moment.year + years, day=28)


_UTC_DAY: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
