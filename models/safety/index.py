"""Which rules need be looked at for a snapshot: found by what is on file, and by the value of each number."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache, reduce
from operator import or_

from models.safety.condition import Band, Test
from models.safety.inputs import DERIVED, Derived
from models.safety.rule import Level, Rule, RuleSet
from models.safety.view import View
from models.snapshot import Reading

Tested = tuple[Rule, tuple[tuple[Test, Level], ...]]  # a rule and its levels, gravest first
Asked = tuple[tuple[str, ...], Derived | None, tuple[tuple[str, Test | None], ...]]
"""An input, or a choice of inputs, with the rules that need it and where it matters to them."""


class RuleIndex:
    """Rules by the aliases and value sets that wake them, so that quiet ones cost one look-up together.

    A set of rules is a number with one bit a rule.
    """

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._tested: list[Tested] = [
            (rule, tuple((level.condition.test, level) for level in rule.levels)) for rule in rules
        ]
        self._always = _together(1 << number for number, rule in enumerate(rules) if rule.wake is None)
        self._by_name: dict[str, int] = {}
        bands: dict[str, list[tuple[Band, int]]] = {}
        for number, rule in enumerate(rules):
            for name in rule.wake or ():
                self._by_name[name] = self._by_name.get(name, 0) | 1 << number
                bands.setdefault(name, []).extend((band, 1 << number) for band in rule.bands.get(name, (Band(),)))
        self._by_value = {name: _Steps(found) for name, found in bands.items()}
        self.asked = tuple(_asked(rules))

    def awake(self, view: View) -> list[Tested]:
        """The rules that can fire on this snapshot, in their order, each with the tests of its levels."""
        awake, by_name, by_value = self._always, self._by_name, self._by_value
        for name in view.snapshot.facts:
            awake |= by_name.get(name, 0)
        for name, readings in view.counting.items():
            steps = by_value.get(name)
            if steps is not None:
                awake |= steps.woken_by(readings)
        return [self._tested[number] for number in _numbers(awake)]


class _Steps:
    """The rules that one input wakes, by its value."""

    __slots__ = ("_all", "_from", "_woken")

    def __init__(self, bands: list[tuple[Band, int]]) -> None:
        closed = [(*band.closed, bit) for band, bit in bands]
        self._from = sorted({low for low, _, _ in closed} | {math.nextafter(high, math.inf) for _, high, _ in closed})
        self._woken = [
            _together(bit for low, high, bit in closed if low <= edge <= high) for edge in (-math.inf, *self._from)
        ]
        self._all = _together(bit for _, _, bit in closed)

    def woken_by(self, readings: tuple[Reading, ...]) -> int:
        """By the interval of one plain number; of anything else by its being there."""
        if len(readings) == 1:
            value = readings[0].value
            if value.__class__ is float and readings[0].comparator is None:
                return self._woken[bisect_right(self._from, value)]
        return self._all


def _together(bits: Iterable[int]) -> int:
    return reduce(or_, bits, 0)


def _numbers(bits: int) -> Iterable[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _asked(rules: tuple[Rule, ...]) -> Iterable[Asked]:
    """Each input, or choice of inputs, once, with the rules that need it."""
    found: dict[tuple[str, ...], list[tuple[str, Test | None]]] = {}
    for rule in rules:
        for ask in rule.asks:
            found.setdefault(ask.aliases, []).append((rule.id, ask.relevant.test if ask.relevant else None))
    for aliases, asks in found.items():
        yield aliases, DERIVED.get(aliases[0]), tuple(asks)


@cache
def index_of(rules: RuleSet) -> RuleIndex:
    """The index of a set of rules, made once per process."""
    return RuleIndex(rules.rules)
