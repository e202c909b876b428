"""Collects the facts of one chart by value set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.snapshot import Fact


class FactBook:
    """Facts by value set, each source once in each set; sorted when it is closed."""

    def __init__(self) -> None:
        self._facts: dict[str, dict[str, Fact]] = {}

    def add(self, value_set: str, **given: Any) -> None:
        """Takes one fact; a second coding of the same resource in the same set adds nothing."""
        fact = Fact(value_set=value_set, **given)
        self._facts.setdefault(value_set, {}).setdefault(fact.source, fact)

    def of(self, value_set: str) -> list[Fact]:
        """The facts of one value set so far, in the order of the chart."""
        return list(self._facts.get(value_set, {}).values())

    def closed(self) -> Mapping[str, tuple[Fact, ...]]:
        """All facts, newest first within each value set, those without a date last; helper parts left out."""
        return {
            name: tuple(sorted(facts.values(), key=_age))
            for name, facts in self._facts.items()
            if not name.startswith("part.")
        }


def _age(fact: Fact) -> float:
    return -fact.start.latest.timestamp() if fact.start is not None else float("inf")
