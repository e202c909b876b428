"""How a snapshot gives one number to a model: the usable reading, the diagnosis, the medicine; NaN is unknown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from models.snapshot import Fact, Gap, PatientSnapshot, Reading, When

Source = Callable[[PatientSnapshot], float]

UNKNOWN: Final = math.nan
OLDEST_AGE_TOLD: Final = 80  # both training tables write 80 for everybody of 80 or over
_YEAR: Final = timedelta(days=365)
_BMI_PAIR: Final = timedelta(days=90)  # Source: observations.md section 1, "Derived"


def newest(snapshot: PatientSnapshot, alias: str, within: timedelta) -> Reading | None:
    """The newest reading that a model may use: final, exact, not later than `as_of` and not too old."""
    for reading in snapshot.series(alias):
        if reading.status != "final" or reading.comparator is not None or _later(reading.when, snapshot):
            continue
        return reading if snapshot.as_of - reading.when.latest <= within else None
    return None


def number(alias: str, low: float, high: float, within: timedelta) -> Source:
    """Reads a measured number; one outside `low`..`high` is unknown, never clipped."""

    def read(snapshot: PatientSnapshot) -> float:
        reading = newest(snapshot, alias, within)
        return UNKNOWN if reading is None else _inside(reading.value, low, high)

    return read


def answer(alias: str, within: timedelta) -> Source:
    """Reads a yes or no as 1 or 0."""

    def read(snapshot: PatientSnapshot) -> float:
        reading = newest(snapshot, alias, within)
        if reading is None or not isinstance(reading.value, bool):
            return UNKNOWN
        return float(reading.value)

    return read


def coded(alias: str, meaning: Mapping[str, float], within: timedelta) -> Source:
    """Reads a code as its place on a scale; a code that is not on the scale is unknown."""

    def read(snapshot: PatientSnapshot) -> float:
        reading = newest(snapshot, alias, within)
        return UNKNOWN if reading is None else meaning.get(str(reading.value), UNKNOWN)

    return read


def diagnosis(*value_sets: str) -> Source:
    """Reads "ever diagnosed" as 1 or 0; 0 only when the problem list was read and does not have it."""

    def read(snapshot: PatientSnapshot) -> float:
        return _present(_known_by_now(snapshot, value_sets), snapshot, "conditions", value_sets)

    return read


def medicine(value_set: str, drug: str) -> Source:
    """Reads "now taking `drug`" as 1 or 0, from the facts of a value set that may hold other drugs too."""

    def read(snapshot: PatientSnapshot) -> float:
        now = (
            fact
            for fact in _known_by_now(snapshot, (value_set,))
            if fact.state == "active"
            and (fact.end is None or fact.end.latest >= snapshot.as_of)
            and drug in fact.details.get("drug", drug).lower()
        )
        return _present(now, snapshot, "medications", (value_set,))

    return read


def first_known(*sources: Source) -> Source:
    """The first of several sources that knows."""

    def read(snapshot: PatientSnapshot) -> float:
        for source in sources:
            value = source(snapshot)
            if value == value:
                return value
        return UNKNOWN

    return read


def age_years(snapshot: PatientSnapshot) -> float:
    """Completed years, everybody of 80 or over as 80, as in training; unknown outside 0-120."""
    age = snapshot.age_years
    return UNKNOWN if age is None or not 0 <= age <= 120 else float(min(age, OLDEST_AGE_TOLD))


def sex_female(snapshot: PatientSnapshot) -> float:
    """1 for female, 0 for male; unknown for all else, since nobody else was in the training tables."""
    return {"female": 1.0, "male": 0.0}.get(snapshot.sex or "", UNKNOWN)


def body_mass_index(snapshot: PatientSnapshot) -> float:
    """Recorded body mass index, else from a weight and a height taken within 90 days of each other."""
    recorded = newest(snapshot, "bmi", timedelta(days=183))
    if recorded is not None:
        return _inside(recorded.value, 10, 90)
    weight = newest(snapshot, "weight", timedelta(days=183))
    height = newest(snapshot, "height", timedelta(days=5 * 365))
    if weight is None or height is None or abs(weight.when.latest - height.when.latest) > _BMI_PAIR:
        return UNKNOWN
    kilograms, metres = _inside(weight.value, 20, 400), _inside(height.value, 100, 250) / 100
    return _inside(kilograms / metres**2, 10, 90)


def years_since_cancer(snapshot: PatientSnapshot) -> float:
    """Completed years since the latest diagnosis of a cancer with a known date; unknown without one."""
    starts = [
        fact.start.latest
        for fact in _known_by_now(snapshot, ("vs.cancer", "vs.cancer_history"))
        if fact.confirmed and fact.start is not None and fact.start.certain
    ]
    if not starts:
        return UNKNOWN
    then, now = max(starts).astimezone(snapshot.as_of.tzinfo), snapshot.as_of
    years = now.year - then.year - ((now.month, now.day) < (then.month, then.day))
    return float(min(max(years, 0), 80))


def stayed_overnight(snapshot: PatientSnapshot) -> float:
    """1 when an inpatient stay of the last twelve months is on file or told; 0 only when somebody says so.

    An encounter list without a stay is not a "no": it may hold this hospital's visits only.
    """
    for fact in _known_by_now(snapshot, ("vs.inpatient",)):
        last = fact.end or fact.start
        if fact.state != "planned" and last is not None and snapshot.as_of - last.latest <= _YEAR:
            return 1.0
    return answer("hospital_overnight", timedelta(days=90))(snapshot)


def _present(facts: Iterator[Fact], snapshot: PatientSnapshot, query: str, value_sets: tuple[str, ...]) -> float:
    doubtful = False
    for fact in facts:
        if fact.confirmed:
            return 1.0
        doubtful = True
    if doubtful or query in snapshot.unread:
        return UNKNOWN
    return UNKNOWN if any(_hides(fault, query, value_sets) for fault in snapshot.faults) else 0.0


def _hides(fault: Gap, query: str, value_sets: tuple[str, ...]) -> bool:
    """An entry that could not be read might have been the one that is asked for."""
    return fault.input in value_sets or (fault.input == query and fault.why == "unread")


def _known_by_now(snapshot: PatientSnapshot, value_sets: tuple[str, ...]) -> Iterator[Fact]:
    for fact in snapshot.having(*value_sets):
        if fact.state != "planned" and (fact.start is None or not _later(fact.start, snapshot)):
            yield fact


def _later(when: When, snapshot: PatientSnapshot) -> bool:
    return when.earliest > snapshot.as_of


def _inside(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return UNKNOWN
    return float(value) if low <= value <= high else UNKNOWN
