"""The quick road for plain quantities, which nine of ten observations are."""

from __future__ import annotations

from datetime import UTC, timedelta

import msgspec
from msgspec import Raw

from mappings.datatypes import Dates
from mappings.decoders import quantity_decoder, ranges_decoder
from mappings.from_fhir.circumstances import STATUS, Performers, of_clinic
from mappings.from_fhir.quantities import upper_limit
from mappings.measures import Measure
from mappings.structs import NOTHING, Observation, Quantity
from mappings.units import SAME, Factor
from models.snapshot import Reading

_decoded = quantity_decoder.decode


class PlainReadings:
    """Reads quantities that there is nothing to think about, and remembers what one laboratory writes alike.

    Unit, reference range, performer and category of a value are mostly those of the value before: each is looked into
    when it differs. Source: observations.md sections 1 and 9.
    """

    __slots__ = (
        "as_of", "category", "clinic", "dates", "factor", "limit", "measure", "now", "offset", "performer",
        "performers", "ranges", "settled", "texts", "told", "unit",
    )  # fmt: skip

    def __init__(self, dates: Dates, performers: Performers) -> None:
        self.dates, self.texts, self.as_of, self.performers = dates, dates.texts, dates.as_of, performers
        # Texts below it lie in the past, whatever their offset: none is further west of UTC than twelve hours.
        self.settled = (dates.as_of.astimezone(UTC) - timedelta(hours=12)).isoformat()[:19]
        now = dates.as_of.replace(microsecond=0).isoformat()
        self.now, self.offset = now[:19], now[19:]
        self.measure: Measure | None = None
        self.unit: tuple[str | None, str | None, str | None] = (None, None, None)
        self.factor: Factor | None = None
        self.ranges = NOTHING
        self.limit: float | None = None
        self.performer, self.told = NOTHING, False
        self.category, self.clinic = NOTHING, False

    def read(self, measure: Measure, observation: Observation) -> Reading | None:
        """The reading; `None` when there is anything to think about."""
        text, issued, given = observation.effective_date_time, observation.issued, observation.value_quantity
        when, status = self.texts[text] if text else None, STATUS.get(observation.status)
        if when is None or status is None or given is NOTHING or when.latest > self.as_of:
            return None
        if issued is not None and issued >= self.settled and self.is_later(issued):
            return None
        try:
            quantity = _decoded(given)
            if quantity is None or quantity.value is None or quantity.comparator is not None:
                return None
            unit, ranges = (quantity.system, quantity.code, quantity.unit), observation.reference_range
            if measure is not self.measure or unit != self.unit or ranges != self.ranges:
                self.look_into(measure, quantity, ranges)
        except msgspec.MsgspecError:
            return None
        factor, value = self.factor, quantity.value
        if factor is not SAME:
            if factor is None:
                return None
            value = round(value * factor[0] + factor[1], 6)
        if not measure.low <= value <= measure.high:
            return None
        if observation.performer != self.performer or observation.performer is NOTHING:
            self.performer, self.told = observation.performer, self.performers.told(observation)
        if measure.clinic_vital and (self.told or not self.is_clinic(observation)):
            return None
        return Reading(
            measure.alias,
            value,
            measure.unit,
            when,
            f"Observation/{observation.id}",
            status,
            None,
            self.limit,
            self.told,
        )

    def look_into(self, measure: Measure, quantity: Quantity, ranges: Raw) -> None:
        """Finds factor and upper limit, which hold while measure, unit and range stay. Raises `MsgspecError`."""
        self.measure = None
        self.factor = measure.conversion.factor(quantity.system, quantity.code, quantity.unit)
        self.limit = None if ranges is NOTHING else upper_limit(measure, ranges_decoder.decode(ranges), quantity)
        self.measure, self.ranges = measure, ranges
        self.unit = (quantity.system, quantity.code, quantity.unit)

    def is_clinic(self, observation: Observation) -> bool:
        """Whether it was taken as a vital sign."""
        if observation.category != self.category:
            self.category, self.clinic = observation.category, of_clinic(observation)
        return self.clinic

    def is_later(self, issued: str) -> bool:
        """Whether a result was issued after `as_of`; most are told apart by their text."""
        if issued < self.settled or (issued[19:] == self.offset and issued[:19] < self.now):
            return False
        return self.dates.after(self.dates.when(issued))
