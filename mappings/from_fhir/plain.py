"""The quick road for plain quantities, which nine of ten observations are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta

import msgspec
from msgspec import Raw

from mappings.datatypes import Dates
from mappings.decoders import plain_quantity_decoder, ranges_decoder
from mappings.from_fhir.circumstances import STATUS, Performers, of_clinic
from mappings.from_fhir.quantities import upper_limit
from mappings.measures import Measure
from mappings.structs import NOTHING, Observation, Quantity
from mappings.units import SAME, Factor, Written
from models.quick import maker
from models.snapshot import Reading

_reading = maker(Reading)
_decoded = plain_quantity_decoder.decode
Read = Callable[[Observation], Reading | None]


class PlainReadings:
    """Reads quantities that there is nothing to think about. Source: observations.md sections 1 and 9."""

    def __init__(self, dates: Dates, performers: Performers) -> None:
        self.dates, self.performers = dates, performers
        # Texts below it lie in the past, whatever their offset: none is further west of UTC than twelve hours.
        self.settled = (dates.as_of.astimezone(UTC) - timedelta(hours=12)).isoformat(timespec="seconds")[:19]
        now = dates.as_of.isoformat(timespec="seconds")
        self.now, self.offset = now[:19], now[19:]

    def reader(self, measure: Measure) -> Read:
        """Reads one input; `None` where there is anything to think about.

        Unit, reference range and performer of a value are mostly those of the value before: they are looked into when
        they differ. A function of its own for each input, because it runs hundreds of times a chart.
        """
        texts, as_of, settled, is_later = self.dates.texts, self.dates.as_of, self.settled, self.is_later
        alias, unit, low, high = measure.alias, measure.unit, measure.low, measure.high
        at_rest, who = measure.clinic_vital, self.performers.told
        last_unit: object = None
        last_ranges = last_performer = last_category = NOTHING
        factor: Factor | None = SAME
        limit: float | None = None
        told = clinic = False

        def read(observation: Observation) -> Reading | None:
            nonlocal last_unit, last_ranges, last_performer, last_category, factor, limit, told, clinic
            when, issued = texts[observation.effective_date_time], observation.issued
            if when is None or when.latest > as_of:
                return None
            if issued is not None and issued >= settled and is_later(issued):
                return None
            try:
                quantity = _decoded(observation.value_quantity)
                value, written = quantity.value, (quantity.system, quantity.code, quantity.unit)
                ranges = observation.reference_range
                if written != last_unit or ranges != last_ranges:
                    last_unit = None
                    factor, limit = _looked_into(measure, written, ranges)
                    last_unit, last_ranges = written, ranges
            except msgspec.MsgspecError:
                return None
            if factor is not SAME:
                if factor is None:
                    return None
                value = factor.of(value)
            if not low <= value <= high:
                return None
            status = STATUS.get(observation.status)
            if status is None:
                return None
            performer = observation.performer
            if performer != last_performer or performer is NOTHING:
                told, last_performer = who(observation), performer
            if at_rest:
                if observation.category != last_category:
                    clinic, last_category = of_clinic(observation), observation.category
                if told or not clinic:
                    return None
            return _reading(alias, value, unit, when, f"Observation/{observation.id}", status, None, limit, told)

        return read

    def is_later(self, issued: str) -> bool:
        """Whether a result was issued after `as_of`; most are told apart by their text."""
        if issued < self.settled or (issued[19:] == self.offset and issued[:19] < self.now):
            return False
        return self.dates.after(self.dates.when(issued))


def _looked_into(measure: Measure, written: Written, ranges: Raw) -> tuple[Factor | None, float | None]:
    """Factor of a unit and upper limit in a reference range. Raises `MsgspecError` when the latter is broken."""
    if ranges is NOTHING:
        return measure.conversion.factor(*written), None
    key, known = (written, bytes(ranges)), measure.conversion.looked_into
    found = known.get(key)
    if found is None:
        system, code, unit = written
        given = Quantity(None, None, unit, system, code)
        found = measure.conversion.factor(*written), upper_limit(measure, ranges_decoder.decode(ranges), given)
        if len(known) < 200 and len(key[1]) < 500:  # they come from outside: a hundred inputs must not fill the memory
            known[key] = found
    return found
