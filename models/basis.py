"""Which entries of the chart an estimate rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final, cast

from models.feature_sources import newest
from models.features import Feature
from models.snapshot import Fact, PatientSnapshot, Reading

_EVER: Final = timedelta(days=365 * 150)


class _Watched:
    """A snapshot that remembers what was asked of it."""

    def __init__(self, snapshot: PatientSnapshot) -> None:
        self.snapshot = snapshot
        self.aliases: list[str] = []
        self.facts: list[Fact] = []

    def series(self, alias: str) -> tuple[Reading, ...]:
        self.aliases.append(alias)
        return self.snapshot.series(alias)

    def having(self, *value_sets: str) -> Iterator[Fact]:
        for fact in self.snapshot.having(*value_sets):
            self.facts.append(fact)
            yield fact

    def __getattr__(self, name: str) -> Any:
        return getattr(self.snapshot, name)


def basis_of(features: Sequence[Feature], snapshot: PatientSnapshot) -> tuple[str, ...]:
    """References of the results, answers and diagnoses behind the known values, each once.

    A disease that is not on the problem list rests on no entry and adds none.
    """
    found: list[str] = []
    for feature in features:
        watched = _Watched(snapshot)
        value = feature.read(cast(PatientSnapshot, watched))
        if value == value:
            readings = (newest(snapshot, alias, _EVER) for alias in watched.aliases)
            found += [reading.source for reading in readings if reading is not None]
            found += [fact.source for fact in watched.facts if fact.confirmed and value]
    return tuple(dict.fromkeys(source.split("#")[0] for source in found))
