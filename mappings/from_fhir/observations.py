"""Observations: from thousands of resources to series of readings in canonical units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from mappings import decoders
from mappings.datatypes import Dates
from mappings.from_fhir.circumstances import STATUS, Performers, of_activity, of_clinic
from mappings.from_fhir.plain import PlainReadings
from mappings.from_fhir.quantities import Refused, read_value, result_of, upper_limit
from mappings.from_fhir.sorting import Entry, Sorted
from mappings.measures import Measure, observed
from mappings.observation_index import ObservationIndex
from mappings.structs import Component, Observation
from models.snapshot import Gap, Reading, When

# How many days of values behind its newest one an input's series holds, where a rule looks at a course: neutrophils
# that fall within 7 days, a first low saturation and worsening fatigue or pain within 14, weight 4 to 7 months back,
# the highest ejection fraction of 24 months (conventions.md 3), 28 days of a wearable (rules.md 10). All others:
# the day of the newest value and the value before.
_SERIES: Final = ("act_mod", "act_vig", "act_dur", "act_hr_mean", "act_hr_max", "act_kcal", "kcal_day", "steps")
_NIGHTS: Final = ("hr_rest_d", "hr_max_day", "hrv", "hrv_rmssd", "sleep", "sedentary", "rpe", "session_status")
_REACH: Final[Mapping[str, int]] = {
    **dict.fromkeys((*_SERIES, *_NIGHTS, "act_type"), 29),
    "anc": 8,
    "temp": 4,
    "hr_rest": 8,
    "spo2": 15,
    "fatigue_nrs": 15,
    "pain_nrs": 15,
    "dyspnoea_mmrc": 15,
    "dyspnoea_borg": 15,
    "6mwd": 366,
    "albumin": 100,
    "height": 100,
    "weight": 230,
    "lvef": 740,
}
_LEAST_REACH: Final = 1
# Read beyond their newest day only to stand beside a value of another input: no further back than that one asks.
_BESIDE: Final[Mapping[str, str]] = {"height": "weight", "albumin": "ca"}
_THREE_DAYS: Final = timedelta(days=3)
_MOST_DOUBTFUL: Final = 8  # values that cannot clear: looked behind for one that can, but not without end
_MOST_FAULTS: Final = 5  # per input: the same wrong unit a hundred times is one fault to a reader


def reach_of(alias: str) -> int:
    """How many days behind the newest value of an input older ones are still read."""
    return _REACH.get(alias, _LEAST_REACH)


class Observations:
    """Reads observations into series.

    An observation whose code is none of ours costs one dictionary look-up. Of each input the newest
    values are converted, down to the input's reach; older ones are not looked at.

    Source: observations.md sections 1 and 9.
    """

    def __init__(self, dates: Dates, faults: list[Gap]) -> None:
        self.dates, self.faults, self.table = dates, faults, observed()
        self.cuts: dict[tuple[str, int], str] = {}
        self.performers = Performers()
        self.plain = PlainReadings(dates, self.performers)

    def read(self, index: ObservationIndex) -> dict[str, list[Reading]]:
        """Alias -> readings, newest first."""
        found = Sorted(index, self.faults)
        series: dict[str, list[Reading]] = {}
        for alias in sorted(found.aliases(), key=_BESIDE.__contains__):  # those that stand beside others come last
            beside = _looked_at(series.get(_BESIDE[alias], ())) if alias in _BESIDE else None
            series[alias] = self.series(alias, found.newest_first(alias), beside)
        for alias in _MOVED:
            if alias in series:
                _move(alias, series)
        return {alias: readings for alias, readings in series.items() if readings}

    def series(self, alias: str, entries: Iterable[Entry], beside: When | None = None) -> list[Reading]:
        """The readings of one input, newest first, down to its reach and one beyond.

        The reach is counted from the newest value that may clear: final, exact, measured in the clinic. With `beside`
        it ends there, once a value of before it is found that can stand beside.
        """
        readings: list[Reading] = []
        seen: set[str | None] = set()
        faults, oldest = 0, ""
        clearing: Reading | None = None
        last, quick = None, None
        for text, measure, observation, part in entries:
            if measure is not last:
                last, quick = measure, self.plain.reader(measure) if measure.plain else None
            reading = None
            if part is None:
                if observation.id in seen:
                    continue
                seen.add(observation.id)
                if quick is not None:
                    reading = quick(observation)
            if reading is None:
                outcome = self.reading(measure, observation, part)
                if not isinstance(outcome, Reading):
                    if outcome is not None and faults < _MOST_FAULTS:
                        faults += 1
                        self.faults.append(outcome)
                    continue
                reading = outcome
            readings.append(reading)
            if clearing is None:
                if len(readings) > _MOST_DOUBTFUL or _may_clear(reading):
                    clearing, newest = reading, text
                continue
            if not oldest:
                oldest = self.days_before(newest, clearing.when, reach_of(alias))
                if beside is not None:
                    ends = min(_day_before(beside), self.days_before(newest, clearing.when, _LEAST_REACH))
                    oldest = max(oldest, ends)
            if text < oldest and (beside is None or reading.comparator is None):
                break
        if len(readings) > 1:
            _order(readings)
        return readings

    def days_before(self, text: str, when: When, reach: int) -> str:
        """The text below which a value lies out of a reach of days; many inputs share their newest day."""
        key = (text[:10], reach)
        known = self.cuts.get(key)
        if known is None:
            # A day of slack: texts are compared, and their offsets differ.
            day = when.earliest - timedelta(days=key[1] + 1)
            known = self.cuts[key] = day.date().isoformat()
        return known

    def reading(self, measure: Measure, observation: Observation, part: Component | None) -> Reading | Gap | None:
        """One value; a gap that says why it cannot be used; or `None` where there is nothing to say."""
        status = STATUS.get(observation.status)
        if status is None or (measure.clinic_vital and not self.at_rest(observation)):
            return None
        source = f"Observation/{observation.id}"
        try:
            when = self.dates.when(observation.effective_date_time) or self.other_time(observation)
            result = result_of(observation) if part is None else part
        except msgspec.MsgspecError as error:
            return Gap(measure.alias, "unread", text=f"broken: {error}", source=source)
        if when is None:
            return Gap(measure.alias, "missing", text="no date", source=source)
        issued = observation.issued
        if when.latest > self.dates.as_of or (issued is not None and issued >= self.plain.settled):
            place = self.dates.place(when, self.dates.when(issued))
            if place == "later":
                return None
            if place == "future":
                text = f"dated {when.day}, after the day of the chart"
                return Gap(measure.alias, "conflict", text=text, source=source)
        told = self.performers.told(observation)
        if measure.told_as is not None and (told or of_activity(observation)):
            measure = self.table.by_alias[measure.told_as]
        value = read_value(measure, observation, result)
        if isinstance(value, Refused):
            return Gap(value.measure.alias, value.why, text=value.text, source=source) if value.why else None
        actual, number, comparator, note = value
        limit = upper_limit(actual, result.reference_range, result.value_quantity)
        return Reading(actual.alias, number, actual.unit, when, source, status, comparator, limit, told, note)

    def at_rest(self, observation: Observation) -> bool:
        """True for a heart rate that a clinic took as a vital sign, outside any activity."""
        return of_clinic(observation) and not self.performers.told(observation)

    def other_time(self, observation: Observation) -> When | None:
        """When it was measured; the time of issue stands in for it, marked uncertain."""
        text = observation.effective_instant
        if text is None and observation.effective_period:
            period = decoders.period_decoder.decode(observation.effective_period)
            text = (period.end or period.start) if period else None
        found = self.dates.when(text)
        if found is None:
            issued = self.dates.when(observation.issued)
            if issued is not None:
                return When(issued.earliest, issued.latest, certain=False)
        return found


_MOVED: Final = [alias for alias, measure in observed().by_alias.items() if measure.graded_as or measure.told_as]


def _move(alias: str, series: dict[str, list[Reading]]) -> None:
    """What came under a shared code goes to the input that it belongs to."""
    for reading in [one for one in series[alias] if one.alias != alias]:
        series[alias].remove(reading)
        series.setdefault(reading.alias, []).append(reading)
        series[reading.alias].sort(key=_newest, reverse=True)


def _order(readings: list[Reading]) -> None:
    """Newest first: their texts are in order already, but offsets may differ."""
    before = readings[0].when.latest
    for reading in readings:
        latest = reading.when.latest
        if latest > before:
            readings.sort(key=_newest, reverse=True)
            return
        before = latest


def _looked_at(readings: Sequence[Reading]) -> When | None:
    """The time of the oldest reading that is set beside another input: of the newest sure one, its day, one beyond."""
    sure: Reading | None = None
    for reading in readings:
        if sure is not None and reading.when.latest < sure.when.earliest - _THREE_DAYS:
            return reading.when
        if sure is None and _may_clear(reading):
            sure = reading
    return readings[-1].when if readings else None


def _day_before(when: When) -> str:
    return (when.earliest - timedelta(days=1)).date().isoformat()


def _may_clear(reading: Reading) -> bool:
    return reading.status == "final" and reading.comparator is None and not reading.patient_reported


def _newest(reading: Reading) -> float:
    return reading.when.latest.timestamp()
