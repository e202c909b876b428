"""Changes over time: against the value before, against the patient's own usual days, over the last sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Final, Literal

from models.safety.view import View
from models.snapshot import Reading, When

Source = Callable[[View], tuple[Reading, ...]]

_USUAL_DAYS: Final = 14
_ENOUGH_DAYS: Final = 7  # fewer valid days are no personal median (prescription.md section 9)
_LATEST_DAYS: Final = 2  # older device data say nothing of today
_HARD_RPE: Final = 15  # two over the highest usual target of 13, Borg 6-20


def derived(
    name: str, value: float, unit: str, like: Reading | None, when: When, note: str = "", *, sure: bool = True
) -> Reading:
    """A worked-out number that cites the reading it rests on; one that is not sure may fire and clears nothing."""
    status: Literal["final", "preliminary"] = "final" if sure else "preliminary"
    return Reading(name, round(value, 2), unit, when, like.source if like else "", status, note=note)


def number_of(reading: Reading) -> float:
    """The number of a reading of a number input."""
    return float(reading.value) if not isinstance(reading.value, str) else float("nan")


def final_values(view: View, alias: str) -> tuple[Reading, ...]:
    """All final readings up to `as_of`, newest first."""
    return view.finals(alias)


def worst(readings: tuple[Reading, ...], *, highest: bool) -> Reading:
    """The highest or lowest reading of some."""
    if len(readings) == 1:
        return readings[0]
    return max(readings, key=number_of) if highest else min(readings, key=number_of)


def moved(alias: str, name: str, unit: str, within_days: int, *, up: bool) -> Source:
    """How far the value that counts is above (`up`) or under the lowest or highest of the days before it."""
    within = timedelta(days=within_days)

    def read(view: View) -> tuple[Reading, ...]:
        current = view.current(alias)
        if not current:
            return ()
        newest = worst(current, highest=up)
        before = before_it(view, alias, newest, within)
        if not before:
            return ()
        other = worst(before, highest=not up)
        change = number_of(newest) - number_of(other)
        note = f"from {other.value:g} on {other.when.day}"
        return (derived(name, change if up else -change, unit, newest, newest.when, note),)

    return read


def before_it(view: View, alias: str, newest: Reading, within: timedelta) -> tuple[Reading, ...]:
    """The final readings that are surely earlier than the newest one, by at most so much."""
    begun, found = newest.when.earliest, []
    for reading in view.finals(alias):
        latest = reading.when.latest
        if latest < begun:
            if begun - latest > within:
                break  # newest first: all that follow are older still
            found.append(reading)
    return tuple(found)


# The patient's own usual days


def _by_day(view: View, alias: str) -> list[tuple[int, Reading]]:
    """The newest reading of each of the last days, newest day first; none when the device has gone silent."""
    days: dict[int, Reading] = {}
    for reading in final_values(view, alias):
        day = view.day(reading.when.latest)
        if view.today - day <= _USUAL_DAYS:
            days.setdefault(day, reading)
    found = sorted(days.items(), reverse=True)
    return found if found and view.today - found[0][0] <= _LATEST_DAYS else []


def _usual(days: list[tuple[int, Reading]]) -> float | None:
    return median(number_of(reading) for _, reading in days) if len(days) >= _ENOUGH_DAYS else None


def steps_share(view: View) -> tuple[Reading, ...]:
    """The mean of the last three days, in per cent of the usual."""
    days = _by_day(view, "steps")
    usual = _usual(days)
    if not usual:
        return ()
    lately = sum(number_of(reading) for _, reading in days[:3]) / 3
    return (derived("steps_share", 100 * lately / usual, "%", days[0][1], days[0][1].when),)


def pulse_rise(view: View) -> tuple[Reading, ...]:
    """Beats of the newest resting pulse over the usual."""
    days = _by_day(view, "hr_rest_d")
    usual = _usual(days)
    if usual is None:
        return ()
    newest = days[0][1]
    return (derived("pulse_rise", number_of(newest) - usual, "/min", newest, newest.when),)


def steps_low_days(view: View) -> tuple[Reading, ...]:
    """How many of the newest days in a row had 60 per cent of the usual steps or fewer."""
    days = _by_day(view, "steps")
    usual = _usual(days)
    return _in_a_row("steps_low_days", days, lambda value: usual is not None and value <= 0.6 * usual)


def pulse_high_days(view: View) -> tuple[Reading, ...]:
    """How many of the newest days in a row had a pulse of ten beats or more over the usual."""
    days = _by_day(view, "hr_rest_d")
    usual = _usual(days)
    return _in_a_row("pulse_high_days", days, lambda value: usual is not None and value >= usual + 10)


def _in_a_row(name: str, days: list[tuple[int, Reading]], far: Callable[[float], bool]) -> tuple[Reading, ...]:
    count = 0
    for _, reading in days:
        if not far(number_of(reading)):
            break
        count += 1
    return (derived(name, count, "d", days[0][1], days[0][1].when),) if days else ()


def device_pulse(view: View) -> tuple[Reading, ...]:
    """The resting pulse of the device of today and yesterday."""
    return tuple(reading for reading in view.current("hr_rest_d") if view.days_since(reading.when) <= 1)


# Sessions


def missed_sessions(view: View) -> tuple[Reading, ...]:
    """How many of the newest sessions in a row were missed."""
    return _sessions(view, "session_status", "missed_sessions", lambda reading: reading.value == "missed")


def hard_sessions(view: View) -> tuple[Reading, ...]:
    """How many of the newest sessions in a row felt two points or more over target."""
    return _sessions(view, "rpe", "hard_sessions", lambda reading: number_of(reading) >= _HARD_RPE)


def _sessions(view: View, alias: str, name: str, counts: Callable[[Reading], bool]) -> tuple[Reading, ...]:
    count, found = 0, final_values(view, alias)
    for reading in found:
        if not counts(reading):
            break
        count += 1
    return (derived(name, count, "{count}", found[0], found[0].when),) if found else ()
