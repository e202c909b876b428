"""A ridge logistic regression kept beside the trees as a check: they must not do worse than this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.metrics import expit

Rows = NDArray[np.float64]
Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted line: medians for the unknown, one more column that says unknown, standardised."""

    median: Column
    mean: Column
    spread: Column
    weights: Column

    def probability(self, rows: Rows) -> Column:
        """The probability of each row."""
        return expit(_design(rows, self.median, self.mean, self.spread) @ self.weights)


def fit_logistic(rows: Rows, label: Column, ridge: float = 1.0, weight: Column | None = None) -> Logistic:
    """The line through these people, by Newton steps; each counts for `weight`, mean 1, or for one."""
    counts = np.ones(len(label)) if weight is None else weight
    empty = np.isnan(rows).all(axis=0)
    median = np.nanmedian(np.where(empty, 0.0, rows), axis=0)
    wide = _widened(rows, median)
    mean, spread = wide.mean(axis=0), np.maximum(wide.std(axis=0), 1e-9)
    design = _design(rows, median, mean, spread)
    weights, penalty = np.zeros(design.shape[1]), np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    for _ in range(30):
        p = expit(design @ weights)
        slope = design.T @ (counts * (label - p)) - penalty * weights
        bend = (design * (counts * p * (1 - p))[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return Logistic(median, mean, spread, weights)


def _widened(rows: Rows, median: Column) -> Rows:
    unknown = np.isnan(rows)
    return np.hstack([np.where(unknown, median, rows), unknown.astype(np.float64)])


def _design(rows: Rows, median: Column, mean: Column, spread: Column) -> Rows:
    scaled = (_widened(rows, median) - mean) / spread
    return np.hstack([np.ones((len(rows), 1)), scaled])
