"""Blanks whole blocks of features, as thin charts do, so that trees learn to live without them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features import features_named

COPIES: Final = 4  # one whole and three thinned, as in modelling.md section 4
CHANCE: Final = 0.35  # that a block is blanked in a thinned copy
# In the survey those without a waist were too frail to be measured; in a hospital nobody took one. Blanked more often,
# a gap says less of the first.
CHANCE_OF: Final = {"waist": 0.55}
EMPTY: Final = 0.10  # that a thinned copy keeps age and sex only: otherwise the thinnest charts are never seen whole
REPORTED: Final = ("self-rated health", "mobility", "hospital stay")  # come and go as one questionnaire, too
NEVER: Final = ("person", "attendance")  # without them nothing is estimated

Rows = NDArray[np.float64]


def blocks_of(features: Sequence[str]) -> dict[str, list[int]]:
    """Which columns go missing together, by the name of their block."""
    blocks: dict[str, list[int]] = {}
    for column, feature in enumerate(features_named(features)):
        blocks.setdefault(feature.block, []).append(column)
    return blocks


def thinned(rows: Rows, features: Sequence[str], rng: np.random.Generator) -> Rows:
    """`COPIES` times the rows, the first copy whole: shape `(COPIES * n, features)`.

    The rows alone, once, where there is nothing to blank.
    """
    blocks = {name: columns for name, columns in blocks_of(features).items() if name not in NEVER}
    if not blocks:
        return rows
    masks = [(columns, CHANCE_OF.get(name, CHANCE)) for name, columns in blocks.items()]
    masks.append(([c for name in REPORTED for c in blocks.get(name, [])], CHANCE))
    masks.append(([c for columns in blocks.values() for c in columns], EMPTY))
    copies = [rows]
    for _ in range(COPIES - 1):
        copy = rows.copy()
        for columns, chance in masks:
            gone = rng.random(len(copy)) < chance
            for column in columns:
                copy[gone, column] = np.nan
        copies.append(copy)
    return np.vstack(copies)


def without(rows: Rows, features: Sequence[str], *names: str) -> Rows:
    """The rows with the named blocks blanked."""
    blocks, blanked = blocks_of(features), rows.copy()
    for name in names:
        blanked[:, blocks.get(name, [])] = np.nan
    return blanked


def stress(rows: Rows, features: Sequence[str], seed: int) -> dict[str, Rows]:
    """Thinner and thinner charts of the same people, by what is missing."""
    blocks = [name for name in blocks_of(features) if name not in NEVER]
    if not blocks:
        return {"nothing is missing": rows}
    scattered = rows.copy()
    gone = np.random.default_rng(seed).random(rows.shape) < 0.3
    for name in NEVER:
        gone[:, blocks_of(features).get(name, [])] = False
    scattered[gone] = np.nan
    cases = {"nothing is missing": rows, "no patient-reported answers": without(rows, features, *REPORTED)}
    if "waist" in blocks:
        cases["no patient-reported answers, no waist"] = without(rows, features, *REPORTED, "waist")
    for name in blocks:
        if name not in REPORTED:
            cases[f"no {name}"] = without(rows, features, name)
    cases["30 % missing at random"] = scattered
    cases["only age and sex"] = without(rows, features, *blocks)
    return cases
