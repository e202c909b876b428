"""How far the people of today are from those a model was trained on: the population stability index."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

SCORE: Final = "score"  # the estimate itself, beside the features
LOOK: Final = 0.10  # from here on somebody should look; under it, people are alike
SHIFTED: Final = 0.25  # from here on the figures of the card may not hold
FEWEST: Final = 200  # people before the index says anything: of eleven bins chance alone makes (11 - 1) / people
_FLOOR: Final = 0.0005  # an empty bin would make the index infinite


@dataclass(frozen=True, slots=True)
class Drift:
    """One column then and now."""

    name: str
    psi: float
    unknown_then: float  # share of people without a value
    unknown_now: float
    people: int  # of today

    @property
    def word(self) -> str:
        """`alike`, `look` or `shifted`; `few` where chance alone could make such an index."""
        if self.people < FEWEST:
            return "few"
        return "shifted" if self.psi >= SHIFTED else "look" if self.psi >= LOOK else "alike"


def reference_of(column: Column) -> dict[str, Any]:
    """What to keep of a column: edges of at most ten bins, the share of people in each, the share unknown."""
    known = column[~np.isnan(column)]
    values = np.unique(known)
    if len(values) <= 6:
        edges = (values[1:] + values[:-1]) / 2
    else:
        edges = np.unique(np.quantile(known, np.linspace(0.1, 0.9, 9)))
    edges = np.round(edges, 4)
    return {"edges": edges.tolist(), **_shares(column, edges)}


def drift_of(name: str, reference: Mapping[str, Any], column: Column) -> Drift:
    """The index of one column against its reference; `unknown` is a bin of its own."""
    now = _shares(column, np.array(reference["edges"], dtype=np.float64))
    pairs = zip([*reference["shares"], reference["unknown"]], [*now["shares"], now["unknown"]], strict=True)
    psi = sum(_step(then, today) for then, today in pairs)
    return Drift(name, psi, float(reference["unknown"]), float(now["unknown"]), len(column))


def drifts_of(
    reference: Mapping[str, Mapping[str, Any]], names: Sequence[str], rows: NDArray[np.float64], scores: Column
) -> tuple[Drift, ...]:
    """The score and every feature against the reference of an artifact, the furthest first."""
    columns = {SCORE: scores, **{name: rows[:, place] for place, name in enumerate(names)}}
    found = [drift_of(name, reference[name], column) for name, column in columns.items()]
    return tuple(sorted(found, key=lambda drift: -drift.psi))


def _shares(column: Column, edges: Column) -> dict[str, Any]:
    unknown = np.isnan(column)
    counts = np.bincount(np.searchsorted(edges, column[~unknown], side="right"), minlength=len(edges) + 1)
    people = max(len(column), 1)
    return {"shares": np.round(counts / people, 6).tolist(), "unknown": round(float(unknown.sum()) / people, 6)}


def _step(then: float, now: float) -> float:
    then, now = max(then, _FLOOR), max(now, _FLOOR)
    return (now - then) * math.log(now / then)
