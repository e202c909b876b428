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
        self.put(Fact(value_set, **given))

    def put(self, fact: Fact) -> None:
        """As `add`, of a fact that is made already."""
        held = self._facts.get(fact.value_set)
        if held is None:
            self._facts[fact.value_set] = {fact.source: fact}
        elif fact.source not in held:
            held[fact.source] = fact

    def of(self, value_set: str) -> list[Fact]:
        """The facts of one value set so far, in the order of the chart."""
        return list(self._facts.get(value_set, {}).values())

    def closed(self) -> Mapping[str, tuple[Fact, ...]]:
        """All facts, newest first within each value set, those without a date last; helper parts left out."""
        return {
            name: tuple(sorted(facts.values(), key=_age) if len(facts) > 1 else facts.values())
            for name, facts in self._facts.items()
            if not name.startswith("part.")
        }


def _age(fact: Fact) -> float:
    return -fact.start.latest.timestamp() if fact.start is not None else float("inf")
