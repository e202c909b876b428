"""The curves behind the pictures of a report: ROC, calibration, decision."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training import metrics

Column = NDArray[np.float64]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bin:
    """A tenth of the people by probability: mean prediction, and the observed rate with its interval."""

    people: int
    predicted: float
    observed: float
    low: float
    high: float


def roc(label: Column, probability: Column, most: int = 200) -> list[Point]:
    """False-positive rate and true-positive rate from (0, 0) to (1, 1), thinned to about `most` points."""
    order = np.argsort(-probability, kind="stable")
    hits, last = label[order], np.append(np.diff(probability[order]) != 0, True)
    true = np.cumsum(hits)[last] / hits.sum()
    false = np.cumsum(1 - hits)[last] / (1 - hits).sum()
    keep = np.unique(np.linspace(0, len(true) - 1, min(most, len(true))).astype(int))
    return [(0.0, 0.0), *zip(false[keep].tolist(), true[keep].tolist(), strict=True)]


def calibration(label: Column, probability: Column, tenths: int = 10) -> list[Bin]:
    """People in order of their probability, cut into tenths; Wilson's interval."""
    order = np.argsort(probability, kind="stable")
    return [_bin(label[part], probability[part]) for part in np.array_split(order, tenths) if len(part)]


def decision(
    label: Column, probability: Column, upto: float = 0.5, steps: int = 50
) -> list[tuple[float, float, float]]:
    """Threshold, net benefit of acting on the model, net benefit of acting on everybody."""
    everybody = np.ones_like(label)
    return [
        (cut, metrics.net_benefit(label, probability, cut), metrics.net_benefit(label, everybody, cut))
        for cut in np.linspace(0.01, upto, steps).tolist()
    ]


def _bin(label: Column, probability: Column) -> Bin:
    n, rate, z = len(label), float(label.mean()), 1.96
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Bin(n, float(probability.mean()), rate, max(0.0, middle - half), min(1.0, middle + half))
