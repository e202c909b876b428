"""What a compiled condition is, and the two things that it is made of: evidence and intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from models.findings import Evidence
from models.safety.view import View
from models.snapshot import Fact, Reading

Test = Callable[[View], bool]
Collect = Callable[[View], Iterable[Evidence]]


class ConditionError(ValueError):
    """A rule's condition that the language does not know."""


@dataclass(frozen=True, slots=True)
class Band:
    """An interval of numbers."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    @property
    def closed(self) -> tuple[float, float]:
        """The least and the greatest number inside: an open end is the next number that a computer knows."""
        if (self.low_open and self.low == math.inf) or (self.high_open and self.high == -math.inf):
            return math.inf, -math.inf  # nothing is beyond infinity
        low = math.nextafter(self.low, math.inf) if self.low_open else self.low
        return low, math.nextafter(self.high, -math.inf) if self.high_open else self.high

    def holds(self, value: float) -> bool:
        """True when the number is inside."""
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high)

    def may_hold(self, reading: Reading) -> bool:
        """True when some number that the reading can stand for is inside."""
        value = reading.value
        if isinstance(value, str):
            return False
        if reading.comparator is None:
            return self.holds(value)
        open_end = reading.comparator in ("<", ">")
        if reading.comparator in ("<", "<="):
            return value > self.low or (value == self.low and not open_end and not self.low_open)
        return value < self.high or (value == self.high and not open_end and not self.high_open)


Bands = Mapping[str, tuple[Band, ...]]


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition: whether it holds, and on what evidence.

    `wake` are the aliases and value sets of which at least one must be on file for it to hold; `None`: none need be.
    One that is in `bands` wakes it only by a number that is inside one of them.
    """

    test: Test
    collect: Collect
    wake: frozenset[str] | None
    reads: frozenset[str] = field(default_factory=frozenset)
    bands: Bands = field(default_factory=dict)


def evidence_of(reading: Reading) -> Evidence:
    """A reading as page and card cite it."""
    value, comparator = reading.value, reading.comparator or ""
    if isinstance(value, bool):
        shown = "yes" if value else "no"
    elif isinstance(value, str):
        shown = value
    else:
        shown = f"{comparator}{round(value, 2):.12g}"
    notes = [note for note in (reading.note, "" if reading.when.certain else "time uncertain") if note]
    if notes:
        shown = f"{shown} ({', '.join(notes)})"
    return Evidence(reading.alias, shown, reading.unit, reading.when.day, reading.source, reading.status)


def evidence_of_fact(fact: Fact) -> Evidence:
    """A fact as page and card cite it."""
    day = fact.start.day if fact.start else ""
    status = "final" if fact.confirmed else "provisional"
    shown = fact.display or fact.code
    if fact.start is None or not fact.start.certain:
        shown = f"{shown} (date uncertain)"
    return Evidence(fact.value_set, shown, "", day, fact.source, status)


def nothing(view: View) -> Iterable[Evidence]:
    """No evidence: the condition holds because something is not there."""
    return ()


def bands_together(parts: Iterable[tuple[frozenset[str] | None, Bands]]) -> Bands:
    """The intervals by which several conditions are woken, of the names that wake each of them by a number alone."""
    found: dict[str, tuple[Band, ...]] = {}
    unbound: set[str] = set()
    for wake, bands in parts:
        unbound |= (wake or frozenset()) - frozenset(bands)
        for name, given in bands.items():
            found[name] = (*found.get(name, ()), *given)
    return {name: given for name, given in found.items() if name not in unbound}
