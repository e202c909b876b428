"""Fits trees on thinned rows, chooses their settings on inner folds and calibrates them on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.model_spec import ModelSpec
from models.training.folds import folds_of
from models.training.masking import thinned
from models.training.metrics import expit, line_of_odds, log_loss
from models.training.recipe import Recipe, Settings

Rows = NDArray[np.float64]
Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Trees, the settings that were chosen, and the two numbers of the calibration."""

    booster: lightgbm.Booster
    settings: Settings
    intercept: float
    slope: float

    def log_odds(self, rows: Rows) -> Column:
        """Calibrated log-odds of each row."""
        return self.intercept + self.slope * _raw(self.booster, rows)


def fit(
    recipe: Recipe, rows: Rows, label: Column, person: Sequence[str], seed: int, *, weight: Column | None = None
) -> Fitted:
    """The model of these people: settings by log loss on inner folds, Platt's line on the same held-out scores.

    Each person counts for `weight`, mean 1, or for one.
    """
    fold = folds_of(person, label, recipe.inner_folds, seed)
    held_out = [_held_out(recipe.spec, rows, label, fold, each, seed, weight) for each in recipe.candidates]
    losses = [log_loss(label, expit(raw), weight) for raw in held_out]
    best = int(np.argmin(losses))
    intercept, slope = line_of_odds(label, held_out[best], weight)
    settings = recipe.candidates[best]
    trees = grow(recipe.spec, rows, label, settings, seed, weight)
    # Six places are enough, and make the same bytes on machines whose last bit differs.
    return Fitted(trees, settings, round(intercept, 6), round(slope, 6))


def grow(
    spec: ModelSpec, rows: Rows, label: Column, settings: Settings, seed: int, weight: Column | None = None
) -> lightgbm.Booster:
    """Trees on thinned copies of the rows; the same input and seed give the same bytes."""
    copies = thinned(rows, spec.features, np.random.default_rng(seed))
    times = len(copies) // len(rows)
    counts = None if weight is None else np.tile(weight, times)
    data = lightgbm.Dataset(copies, np.tile(label, times), weight=counts, feature_name=list(spec.features))
    return lightgbm.train(_parameters(spec, settings, seed), data, num_boost_round=settings.rounds)


def _held_out(
    spec: ModelSpec, rows: Rows, label: Column, fold: NDArray[np.int64], settings: Settings, seed: int,
    weight: Column | None,
) -> Column:  # fmt: skip
    raw = np.zeros(len(label))
    for one in range(int(fold.max()) + 1):
        inside = fold != one
        counts = None if weight is None else weight[inside]
        raw[~inside] = _raw(grow(spec, rows[inside], label[inside], settings, seed, counts), rows[~inside])
    return raw


def _raw(booster: lightgbm.Booster, rows: Rows) -> Column:
    return cast(Column, booster.predict(rows, raw_score=True, num_threads=1))


def _parameters(spec: ModelSpec, settings: Settings, seed: int) -> dict[str, object]:
    return {
        "objective": "binary",
        "num_leaves": settings.leaves,
        "learning_rate": settings.rate,
        "min_data_in_leaf": settings.min_leaf,
        "lambda_l2": settings.l2,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "monotone_constraints": [spec.monotone.get(name, 0) for name in spec.features],
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": seed,
        "verbosity": -1,
    }
