"""Two values of one day that contradict each other, and several blood pressures of one sitting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from mappings.from_fhir.derived import Series
from models.inputs import INPUTS
from models.snapshot import Gap, Reading

# What goes up and down in the course of a day contradicts itself only at one moment.
_MOVING: Final = frozenset(
    {"sbp", "dbp", "hr_rest", "spo2", "spo2_ex", "o2_flow", "rr", "temp", "glucose", "ketone_blood", "ketone_urine"}
)
# Several trials, sessions or nights of one day are meant to differ.
_SEVERAL: Final = frozenset(
    {"grip_r", "grip_l", "fev1", "fvc", "act_mod", "act_vig", "act_dur", "act_hr_mean", "act_hr_max", "act_kcal"}
    | {"kcal_day", "steps", "hr_rest_d", "hr_max_day", "hrv", "hrv_rmssd", "sleep", "sedentary", "rpe"}
)

_DAY: Final = timedelta(days=1)


def conflicts(series: Series) -> Iterator[Gap]:
    """A gap for each input whose newest day holds two final values that differ; rules judge by the worse.

    Source: conventions.md section 3, two values on one instant or day; rules.md section 11.
    """
    for alias, readings in series.items():
        moving = _MOVES.get(alias)
        if moving is None or len(readings) < 2:
            continue
        pair = _contradiction(readings, moving=moving)
        if pair is not None:
            yield _gap(*pair)


_MOVES: Final[Mapping[str, bool]] = {
    alias: alias in _MOVING for alias, known in INPUTS.items() if alias not in _SEVERAL and known.kind != "code"
}


def _contradiction(readings: list[Reading], *, moving: bool) -> tuple[Reading, Reading] | None:
    newest, second = readings[:2]
    if _counts(newest) and newest.when.latest - second.when.latest > _DAY:
        return None  # the usual case: newest first, and all others are of another day
    first = next((one for one in readings if _counts(one)), None)
    if first is None:
        return None
    latest, day = first.when.latest, _day(first)
    for other in readings:
        if other is first or not _counts(other) or other.patient_reported != first.patient_reported:
            continue
        if other.when.latest < latest and (moving or _day(other) < day):
            return None  # newest first: all that follow are of an earlier moment or day
        together = other.when == first.when if moving else _day(other) == day
        if together and other.value != first.value:
            return first, other
    return None


def _counts(reading: Reading) -> bool:
    return reading.status == "final" and reading.comparator is None


def _day(reading: Reading) -> date:
    return reading.when.latest.date()


def _gap(first: Reading, other: Reading) -> Gap:
    unit = "" if first.unit.startswith("{") else f" {first.unit}".rstrip()
    text = f"{_shown(first)} and {_shown(other)}{unit} on {first.when.day}; the worse one counts"
    return Gap(first.alias, "conflict", text=text, source=first.source)


def _shown(reading: Reading) -> str:
    if isinstance(reading.value, bool):
        return "yes" if reading.value else "no"
    return reading.value if isinstance(reading.value, str) else f"{reading.value:g}"


def add_mean_pressure(series: Series) -> None:
    """Beside each blood pressure of the newest day the mean of that day, where it was taken more than once.

    Each pair is judged for itself; the mean is for the reader. Source: conventions.md section 3.
    """
    for alias in ("sbp", "dbp"):
        readings = series.get(alias, [])
        if len(readings) < 2:
            continue
        newest = readings[0].when.latest
        taken = [one for one in readings if _same_day(one, newest) and _counts(one)]
        if len({one.when for one in taken}) < 2:
            continue
        mean = sum(float(one.value) for one in taken) / len(taken)
        note = f"mean of {len(taken)}: {mean:.0f}"
        series[alias] = [replace(one, note=note) if _same_day(one, newest) else one for one in readings]


def _same_day(reading: Reading, moment: datetime) -> bool:
    return reading.when.latest.date() == moment.date()
