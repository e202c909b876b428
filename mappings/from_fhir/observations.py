"""Observations: from thousands of resources to series of readings in canonical units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from operator import itemgetter
from typing import Final, Literal

import msgspec

from mappings import structs
from mappings.codes import Measure, observed
from mappings.datatypes import Dates
from mappings.from_fhir.quantities import Read, Refused, read_value, upper_limit
from mappings.structs import Component, Observation
from models.inputs import INPUTS
from models.snapshot import Gap, GapReason, Reading, When

Status = Literal["final", "preliminary"]
_Found = tuple[str, Measure, Observation, Observation | Component]  # text of its time, how, whole, part

# observations.md section 1. Without a status (which FHIR requires) a value may warn but not clear.
_STATUS: Final[Mapping[str | None, Status]] = {
    "final": "final",
    "amended": "final",
    "corrected": "final",
    "preliminary": "preliminary",
    None: "preliminary",
}

# How far behind its newest value an input's series reaches, in days, where that is more than its age limit:
# the highest ejection fraction of 24 months; the highest weight of 4 to 7 months back (conventions.md 3).
_REACH: Final = {"lvef": 2 * 366 + 7, "weight": 230, "bmi": 230, "height": 5 * 366}
_LEAST_REACH: Final = 100
_LEAST_KEPT: Final = 3  # of any age: an old value fires until a newer one clears it, and "new" needs the one before
_MOST_FAULTS: Final = 5  # per input: the same wrong unit a hundred times is one fault to a reader


def reach_of(alias: str) -> timedelta:
    """How far behind the newest value of an input older ones are still read."""
    known = INPUTS.get(alias)
    limit = max(known.otherwise, known.on_treatment).days + 10 if known else 0
    return timedelta(days=max(limit, _LEAST_REACH, _REACH.get(alias, 0)))


class Observations:
    """Reads observations into series.

    An observation whose code is none of ours costs one dictionary look-up. Of each input the newest
    values are converted, down to the input's reach; older ones are not looked at.

    Source: observations.md sections 1 and 9.
    """

    def __init__(self, dates: Dates, faults: list[Gap]) -> None:
        self.dates, self.faults = dates, faults
        self.table = observed()
        self.found: dict[str, list[_Found]] = {}
        self.settled = (dates.as_of - timedelta(days=2)).date().isoformat()  # texts below it lie in the past

    def read(self, observations: Iterable[Observation]) -> dict[str, list[Reading]]:
        """Alias -> readings, newest first."""
        self.sort_out(observations)
        series = {alias: self.series(alias, found) for alias, found in self.found.items()}
        return {alias: readings for alias, readings in series.items() if readings}

    def sort_out(self, observations: Iterable[Observation]) -> None:
        """Puts each observation, or each component, under the input that its code means."""
        by_code, found = self.table.by_code, self.found
        for observation in observations:
            concept = observation.code
            if concept is not None and concept.coding is not None:
                for coding in concept.coding:
                    systems = by_code.get(coding.code)  # type: ignore[arg-type]
                    if systems is None:
                        continue
                    measure = systems.get(coding.system)  # type: ignore[arg-type]
                    if measure is None:
                        continue
                    text = observation.effective_date_time or _time_text(observation)
                    try:
                        found[measure.alias].append((text, measure, observation, observation))
                    except KeyError:
                        found[measure.alias] = [(text, measure, observation, observation)]
                    if not measure.clinic_vital:
                        break
            if observation.component is not None:
                self.sort_out_components(observation)
            if observation.contained is not None:
                self.sort_out(_contained(observation))

    def sort_out_components(self, observation: Observation) -> None:
        text = observation.effective_date_time or _time_text(observation)
        for component in observation.component or ():
            if component.code is None:
                continue
            for coding in component.code.coding or ():
                measure = self.table.by_code.get(coding.code or "", {}).get(coding.system or "")
                if measure is not None:
                    self.found.setdefault(measure.alias, []).append((text, measure, observation, component))
                    break

    def series(self, alias: str, found: list[_Found]) -> list[Reading]:
        """The readings of one input, newest first, down to its reach."""
        found.sort(key=itemgetter(0), reverse=True)
        readings: list[Reading] = []
        seen: set[str] = set()
        faults = 0
        oldest = ""
        for text, measure, observation, part in found:
            if text < oldest and len(readings) >= _LEAST_KEPT:
                break
            source = f"Observation/{observation.id}"
            if source in seen and part is observation:
                continue
            seen.add(source)
            outcome = self.reading(measure, observation, part, source)
            if isinstance(outcome, Reading):
                readings.append(outcome)
                if not oldest:
                    # Two days of slack: texts are compared, and their offsets differ.
                    oldest = (outcome.when.earliest - reach_of(alias) - timedelta(days=2)).date().isoformat()
            elif outcome is not None and faults < _MOST_FAULTS:
                faults += 1
                self.faults.append(outcome)
        readings.sort(key=_newest, reverse=True)
        return readings

    def reading(
        self, measure: Measure, observation: Observation, part: Observation | Component, source: str
    ) -> Reading | Gap | None:
        """One value; a gap that says why it cannot be used; or `None` where there is nothing to say."""
        status = _STATUS.get(observation.status)
        if status is None or (measure.clinic_vital and not _at_rest(observation)):
            return None
        when = self.when(observation)
        if when is None:
            return _gap(measure, "missing", "no date", source)
        issued = observation.issued
        settled = when.latest < self.dates.as_of and (issued is None or issued < self.settled)
        place = "past" if settled else self.dates.place(when, self.dates.when(issued))
        if place == "later":
            return None
        if place == "future":
            return _gap(measure, "conflict", f"dated {when.day}, after the day of the chart", source)
        value = read_value(measure, observation, part)
        if isinstance(value, Refused):
            return _gap(value.measure, value.why, value.text, source) if value.why else None
        return self.finished(value, observation, part, when, status, source)

    def finished(
        self,
        value: Read,
        observation: Observation,
        part: Observation | Component,
        when: When,
        status: Status,
        source: str,
    ) -> Reading:
        measure = value.measure
        ranges = part.reference_range
        return Reading(
            measure.alias,
            value.value,
            measure.unit,
            when,
            source,
            status,
            value.comparator,
            upper_limit(measure, part) if ranges else None,
            _told(observation),
            value.note,
        )

    def when(self, observation: Observation) -> When | None:
        """When it was measured; the time of issue stands in for it, marked uncertain."""
        text = observation.effective_date_time or observation.effective_instant
        if text is None and observation.effective_period is not None:
            text = observation.effective_period.end or observation.effective_period.start
        found = self.dates.when(text)
        if found is None:
            issued = self.dates.when(observation.issued)
            if issued is not None:
                return When(issued.earliest, issued.latest, certain=False)
        return found


def _newest(reading: Reading) -> float:
    return reading.when.latest.timestamp()


def _time_text(observation: Observation) -> str:
    period = observation.effective_period
    return observation.effective_instant or (period and (period.end or period.start)) or observation.issued or ""


def _contained(observation: Observation) -> Iterator[Observation]:
    """Members of a panel that lie inside it; what they do not say themselves they have from the panel."""
    for raw in observation.contained or ():
        try:
            inner = structs.resource_decoder.decode(raw)
        except msgspec.MsgspecError:
            continue
        if isinstance(inner, Observation):
            inner.id = f"{observation.id}#{inner.id}"
            inner.status = inner.status or observation.status
            if not _time_text(inner) and not inner.effective_date_time:
                inner.effective_date_time = observation.effective_date_time or _time_text(observation)
            inner.contained = None
            yield inner


_category_decoder = msgspec.json.Decoder(list[structs.BareConcept])
_performer_decoder = msgspec.json.Decoder(list[structs.Reference])
_VITAL: Final = frozenset({"vital-signs", "vital-sign"})  # the second is met in charts


def _at_rest(observation: Observation) -> bool:
    """True for a heart rate that a clinic took as a vital sign, outside any activity.

    Source: observations.md section 3 (`hr_rest`) and 9 (wearable against clinic).
    """
    if _told(observation):
        return False
    try:
        concepts = _category_decoder.decode(observation.category) if observation.category else []
    except msgspec.MsgspecError:
        return False
    found = {coding.code for concept in concepts for coding in concept.coding or ()}
    return bool(found & _VITAL) and "activity" not in found and "physical-activity" not in found


def _told(observation: Observation) -> bool:
    """True when the patient, a relative or a device at home says it, not the clinic."""
    if not observation.performer:
        return bool(observation.device)
    try:
        performers = _performer_decoder.decode(observation.performer)
    except msgspec.MsgspecError:
        return True
    names = [performer.reference or "" for performer in performers]
    subject = observation.subject.reference if observation.subject else None
    clinic = [name for name in names if not _is_lay(name, subject)]
    return not clinic and bool(names)


def _is_lay(reference: str, subject: str | None) -> bool:
    kind = reference.split("/")[-2] if "/" in reference else ""
    return kind in ("Patient", "RelatedPerson", "Device") or reference == subject


def _gap(measure: Measure, why: GapReason, text: str, source: str) -> Gap:
    return Gap(measure.alias, why, text=text, source=source)
