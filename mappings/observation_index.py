"""The observations of a chart by their code: put together once a chart, while it is read."""

from __future__ import annotations

from collections.abc import Iterable

from mappings.structs import NOTHING, Observation


class ObservationIndex:
    """Observations by `Observation.code` as it is written, in the order of the chart.

    Kept apart, each with its place in the chart, are those that say more than one thing, or not when: with components,
    with members inside, without an effectiveDateTime.
    """

    __slots__ = ("apart", "by_code", "everything", "first_places")

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self.everything: list[Observation] = []
        self.by_code: dict[bytes, list[Observation]] = {}
        self.first_places: list[int] = []  # of each code
        self.apart: list[tuple[int, Observation]] = []
        for one in observations:
            self.add(one)

    def add(self, one: Observation) -> None:
        """Takes the next observation of the chart; nothing of it is decoded."""
        everything = self.everything
        if one.component is NOTHING and one.contained is NOTHING and one.effective_date_time:
            text = bytes(one.code)
            try:
                self.by_code[text].append(one)
            except KeyError:
                self.by_code[text] = [one]
                self.first_places.append(len(everything))
        else:
            self.apart.append((len(everything), one))
        everything.append(one)
