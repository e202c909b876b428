"""Which observations of a chart feed which input, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import repeat
from operator import attrgetter, itemgetter

import msgspec

from mappings import decoders
from mappings.measures import UNSEEN, Measure, observed
from mappings.observation_index import ObservationIndex
from mappings.structs import NOTHING, Component, Observation
from models.snapshot import Gap

Entry = tuple[str, Measure, Observation, Component | None]  # text of its time, how, whole, part

_time = attrgetter("effective_date_time")


class Sorted:
    """The observations of a chart by the alias of the input that they feed."""

    def __init__(self, index: ObservationIndex, faults: list[Gap]) -> None:
        self.index = index
        self.alike: dict[str, list[tuple[Measure, list[Observation]]]] = {}  # those that share a code
        self.opened: dict[str, list[tuple[int, Entry]]] = {}  # those that had to be looked into one by one
        self.first: dict[str, int] = {}  # place of the first one of each input
        self._sort()
        for place, observation in index.apart:
            for entry in _opened(observation, faults):
                self.opened.setdefault(entry[1].alias, []).append((place, entry))

    def _sort(self) -> None:
        """A code that is no input's costs one look-up, however many observations have it."""
        table, alike = observed(), self.alike
        for (text, observations), place in zip(self.index.by_code.items(), self.index.first_places, strict=True):
            measure = table.by_text.get(text, UNSEEN)
            if measure is UNSEEN:
                measure = table.measure_of(text)
            if measure is None:
                continue
            if measure.alias in alike:
                alike[measure.alias].append((measure, observations))
            else:
                alike[measure.alias] = [(measure, observations)]
                self.first[measure.alias] = place

    def aliases(self) -> list[str]:
        """The inputs that are on file, in the order of the chart."""
        for alias, entries in self.opened.items():
            self.first[alias] = min(self.first.get(alias, entries[0][0]), entries[0][0])
        return sorted(self.first, key=self.first.__getitem__) if self.opened else list(self.first)

    def newest_first(self, alias: str) -> Iterable[Entry]:
        """The entries of one input by the texts of their times; those of one time in the order of the chart."""
        alike = self.alike.get(alias, ())
        if len(alike) == 1 and alias not in self.opened:
            measure, observations = alike[0]
            if len(observations) == 1:
                (one,) = observations
                return ((one.effective_date_time or "", measure, one, None),)
            found = sorted(observations, key=_time, reverse=True)
            return zip(map(_time, found), repeat(measure), found, repeat(None), strict=False)
        mixed = [*self._each(alike), *self.opened.get(alias, ())]
        mixed.sort(key=itemgetter(0))
        entries = [entry for _, entry in mixed]
        entries.sort(key=itemgetter(0), reverse=True)
        return entries

    def _each(self, alike: Iterable[tuple[Measure, list[Observation]]]) -> Iterator[tuple[int, Entry]]:
        for measure, observations in alike:
            for one in observations:
                yield self._places[id(one)], (one.effective_date_time or "", measure, one, None)

    @cached_property
    def _places(self) -> Mapping[int, int]:
        """Where each observation stands in the chart, by its identity."""
        return {id(one): place for place, one in enumerate(self.index.everything)}


def _opened(observation: Observation, faults: list[Gap]) -> Iterator[Entry]:
    """An observation as a whole, its components, and the members that lie inside it."""
    measure = observed().measure_of(bytes(observation.code))
    time = observation.effective_date_time or _time_text(observation)
    if measure is not None:
        yield time, measure, observation, None
    if observation.component is not NOTHING:
        for component in _components(observation, faults):
            measure = observed().measure_of_concept(component.code)
            if measure is not None:
                yield time, measure, observation, component
    if observation.contained is not NOTHING:
        for member in _contained(observation):
            yield from _opened(member, faults)


def _components(observation: Observation, faults: list[Gap]) -> list[Component]:
    try:
        return decoders.components_decoder.decode(observation.component) or []
    except msgspec.MsgspecError as error:
        source = f"Observation/{observation.id}"
        faults.append(Gap("observations", "unread", text=f"broken: {error}", source=source))
        return []


def _time_text(observation: Observation) -> str:
    """Text to sort by where there is no effectiveDateTime; broken ones are named when they are read."""
    if observation.effective_instant:
        return observation.effective_instant
    if observation.effective_period:
        try:
            period = decoders.period_decoder.decode(observation.effective_period)
        except msgspec.MsgspecError:
            period = None
        if period is not None and (period.end or period.start):
            return period.end or period.start or ""
    return observation.issued or ""


def _contained(observation: Observation) -> Iterator[Observation]:
    """Members of a panel that lie inside it; what they do not say themselves they have from the panel."""
    try:
        raws = decoders.raws_decoder.decode(observation.contained)
    except msgspec.MsgspecError:
        return
    for raw in raws or ():
        try:
            inner = decoders.resource_decoder.decode(raw)
        except msgspec.MsgspecError:
            continue
        if isinstance(inner, Observation):
            inner.id = f"{observation.id}#{inner.id}"
            inner.status = inner.status or observation.status
            if not inner.effective_date_time and not _time_text(inner):
                inner.effective_date_time = observation.effective_date_time or _time_text(observation)
            inner.contained = NOTHING
            yield inner
