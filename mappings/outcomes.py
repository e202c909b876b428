"""What became of a patient after a day: the labels that a site's own records give.

Each label is 1.0, 0.0, or `None` where the record cannot tell: then the patient is left out, never counted as "no".
Source: modelling.md section 5, "Labels at a hospital".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from mappings.bulk import History
from mappings.codes import diagnoses
from mappings.datatypes import Dates
from mappings.decline import declines, is_inpatient
from mappings.landmarks import begin_of
from mappings.records import OBSERVATIONS, codes_of, codings_of, is_exercise, moment_of, number_of, period_of

HORIZON_YEARS: Final = 5
UPTAKE: Final = timedelta(days=60)
TWELVE_WEEKS: Final = timedelta(weeks=12)
ENOUGH: Final = 0.70  # of the planned sessions
FEWEST_SESSIONS: Final = 4


def died(history: History, index: datetime, years: int = HORIZON_YEARS) -> float | None:
    """Death from any cause within some years; alive needs a visit or a result after the horizon, else unknown."""
    end = _years_later(index, years)
    if text := history.patient.get("deceasedDateTime"):
        death = Dates(index).when(text)
        return None if death is None or death.latest < index else float(death.earliest <= end)
    if history.patient.get("deceasedBoolean") is True:
        return None  # dead, nobody knows when
    return 0.0 if _is_seen_after(history, end) else None


def followed(history: History, index: datetime, years: int) -> float | None:
    """Days from `index` to death, the last visit or result, or the horizon; `None` for a death without its day."""
    end = _years_later(index, years)
    if text := history.patient.get("deceasedDateTime"):
        death = Dates(index).when(text)
        return None if death is None or death.latest < index else _days(index, min(death.earliest, end))
    if history.patient.get("deceasedBoolean") is True:
        return None
    seen = [moment for moment in _sightings(history) if moment >= index]
    return _days(index, min(max(seen, default=index), end))


def declined(history: History, index: datetime, days: int) -> float | None:
    """A sign of decline within so many days; who died without one is set apart, who was not seen again unknown."""
    end = index + timedelta(days=days)
    if declines(history, index, end):
        return 1.0
    if _dead_by(history, end) or not _is_seen_after(history, end):
        return None
    return 0.0


def took_up(history: History, index: datetime) -> float | None:
    """A first exercise visit, or a finished Task, within 60 days. Who opted out or died is neither yes nor no."""
    end = index + UPTAKE
    if any(index < moment <= end for moment in _starts(history)):
        return 1.0
    if _opted_out(history) or _dead_by(history, end) or not _is_seen_after(history, end):
        return None
    return 0.0


def kept_coming(history: History, index: datetime) -> float | None:
    """At least 70 % of the sessions attended that were planned after `index` in the programme's first twelve weeks.

    Unknown under four sessions; a death, a hospital stay or a new spread of the cancer meanwhile is set apart.
    """
    end = begin_of(history, index) + TWELVE_WEEKS
    if index >= end or _dead_by(history, end) or _set_apart(history, index, end) or not _is_seen_after(history, end):
        return None
    attended, planned = _counted(history, index, end) or _appointments(history, index, end)
    return None if planned < FEWEST_SESSIONS else float(attended / planned >= ENOUGH)


DEATHS: Final[Mapping[str, int]] = {"death-5y": HORIZON_YEARS, "death-1y": 1}  # labels with a horizon, in years
Label = Callable[[History, datetime], float | None]
LABELS: Final[Mapping[str, Label]] = {
    "death-5y": died,
    "death-1y": partial(died, years=1),
    "decline-90": partial(declined, days=90),
    "decline-180": partial(declined, days=180),
    "uptake": took_up,
    "persistence": kept_coming,
}


def _starts(history: History) -> Iterator[datetime]:
    for record in history.of("Encounter"):
        if record.get("status") == "finished" and is_exercise(record) and (start := period_of(record, "start")):
            yield start
    for record in history.of("Task"):
        done = moment_of(record, "lastModified") or period_of(record, "end", "executionPeriod")
        if record.get("status") == "completed" and is_exercise(record) and done:
            yield done
    for record in history.of("CarePlan"):
        if record.get("status") == "completed" and is_exercise(record) and (start := period_of(record, "start")):
            yield start


def _opted_out(history: History) -> bool:
    """Source: modelling.md section 5: an opt-out is a separate outcome, not non-adherence."""
    said = [(r, "revoked") for r in history.of("ServiceRequest")] + [(r, "rejected") for r in history.of("Task")]
    return any(is_exercise(record) and record.get("status") == word for record, word in said)


def _set_apart(history: History, index: datetime, end: datetime) -> bool:
    """Source: modelling.md section 5: progression and a hospital stay are competing events, not non-adherence."""
    stays = (period_of(record, "start") for record in history.of("Encounter") if is_inpatient(record))
    spread = (
        moment_of(record, "onsetDateTime") or moment_of(record, "recordedDate")
        for record in history.of("Condition")
        if any("vs.cancer_secondary" in diagnoses().sets_of(*coding) for coding in codings_of(record))
    )
    return any(moment is not None and index < moment <= end for moment in (*stays, *spread))


def _counted(history: History, index: datetime, end: datetime) -> tuple[float, float] | None:
    """The programme's newest count, less its last one before `index`: sessions attended, of sessions planned."""
    counts = sorted(_counts(history))
    after = [count for count in counts if index < count[0] <= end + UPTAKE]
    before = [count for count in counts if count[0] <= index]
    if not after or (not before and index > begin_of(history, index)):
        return None  # sessions of before the day cannot be told from those after it
    _, attended, planned = after[-1]
    _, then_attended, then_planned = before[-1] if before else (index, 0.0, 0.0)
    return attended - then_attended, planned - then_planned


def _counts(history: History) -> Iterator[tuple[datetime, float, float]]:
    for record in history.of("Observation"):
        when, attended = moment_of(record, "effectiveDateTime"), number_of(record)
        if "sessions-attended" not in codes_of(record, OBSERVATIONS) or when is None or attended is None:
            continue
        parts = [c for c in record.get("component", ()) if "sessions-planned" in codes_of(c, OBSERVATIONS)]
        if parts and (planned := number_of(parts[0])):
            yield when, attended, planned


def _appointments(history: History, index: datetime, end: datetime) -> tuple[float, float]:
    attended = planned = 0
    for record in history.of("Appointment"):
        start = moment_of(record, "start")
        if start is None or not index < start <= end or not is_exercise(record):
            continue
        attended += record.get("status") == "fulfilled"
        planned += record.get("status") in ("fulfilled", "noshow", "cancelled")
    return attended, planned


def _dead_by(history: History, end: datetime) -> bool:
    death = moment_of(history.patient, "deceasedDateTime")
    return history.patient.get("deceasedBoolean") is True or (death is not None and death <= end)


def _is_seen_after(history: History, end: datetime) -> bool:
    return any(moment > end for moment in _sightings(history))


def _sightings(history: History) -> Iterator[datetime]:
    """When the patient was seen: visits and results."""
    visits = (period_of(record, "start") for record in history.of("Encounter"))
    results = (moment_of(record, "effectiveDateTime") for record in history.of("Observation"))
    return (moment for moment in (*visits, *results) if moment is not None)


def _days(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start) / timedelta(days=1))


def _years_later(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:  # the 29th of February
        return moment.replace(year=moment.year + years, day=28)
