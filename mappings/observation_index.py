"""The observations of a chart by their code: put together once a chart, while it is read."""

from __future__ import annotations

from collections.abc import Sequence

from mappings.structs import NOTHING, Observation


class ObservationIndex:
    """Observations by `Observation.code` as it is written, in the order of the chart.

    Kept apart, each with its place in the chart, are those that say more than one thing, or not when: with components,
    with members inside, without an effectiveDateTime.
    """

    __slots__ = ("apart", "by_code", "everything", "first_places")

    def __init__(self, observations: Sequence[Observation]) -> None:
        self.everything = observations
        self.by_code: dict[bytes, list[Observation]] = {}
        self.first_places: list[int] = []  # of each code
        self.apart: list[tuple[int, Observation]] = []
        by_code = self.by_code
        for place, one in enumerate(observations):
            if one.component is NOTHING and one.contained is NOTHING and one.effective_date_time:
                try:
                    by_code[bytes(one.code)].append(one)
                except KeyError:
                    by_code[bytes(one.code)] = [one]
                    self.first_places.append(place)
            else:
                self.apart.append((place, one))
