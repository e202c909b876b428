"""Measures of a probability against what came true. Only numpy: production has nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


def auc(label: Column, score: Column) -> Interval:
    """Area under the ROC curve with DeLong's interval; ties count half. Needs both outcomes.

    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837-45.
    """
    cases, others = score[label == 1], score[label == 0]
    m, n = len(cases), len(others)
    whole = _midranks(np.concatenate([cases, others]))
    area = (whole[:m].sum() - m * (m + 1) / 2) / (m * n)
    over = (whole[:m] - _midranks(cases)) / n
    under = 1 - (whole[m:] - _midranks(others)) / m
    variance = _variance(over) / m + _variance(under) / n
    half = 1.96 * math.sqrt(max(variance, 0.0))
    return Interval(float(area), max(0.0, float(area) - half), min(1.0, float(area) + half))


def weighted_auc(label: Column, score: Column, weight: Column) -> float:
    """Area under the ROC curve where each person counts for `weight` people; ties count half."""
    order = np.argsort(score, kind="stable")
    score, label, weight = score[order], label[order], weight[order]
    _, start = np.unique(score, return_index=True)
    cases = np.add.reduceat(weight * label, start)
    others = np.add.reduceat(weight * (1 - label), start)
    below = np.cumsum(others) - others
    return float((cases * (below + others / 2)).sum() / (cases.sum() * others.sum()))


def average_precision(label: Column, score: Column) -> float:
    """Area under the precision-recall curve, as the mean precision over the cases."""
    order = np.argsort(-score, kind="stable")
    hits = label[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / hits.sum())


def brier(label: Column, probability: Column) -> float:
    """Mean squared distance; smaller is better."""
    return float(((probability - label) ** 2).mean())


def log_loss(label: Column, probability: Column, weight: Column | None = None) -> float:
    """Mean negative log likelihood; smaller is better. Each person counts for `weight`, or for one."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return _mean_of(-(label * np.log(p) + (1 - label) * np.log(1 - p)), weight)


def line_of_odds(label: Column, log_odds: Column, weight: Column | None = None) -> tuple[float, float]:
    """Intercept and slope of a logistic line through the log-odds: Platt's two numbers, or a calibration slope."""
    line, loss = (float(logit(_mean_of(label, weight))), 0.0), math.inf
    step = (0.0, 0.0)
    for _ in range(100):
        tried = (line[0] + step[0], line[1] + step[1])
        p = expit(tried[0] + tried[1] * log_odds)
        if (now := log_loss(label, p, weight)) > loss:  # too far: half the step; the likelihood has one top
            step = (step[0] / 2, step[1] / 2)
        else:
            line, loss, step = tried, now, _newton(label, log_odds, p, weight)
        if abs(step[0]) + abs(step[1]) < 1e-10:
            break
    return line


def calibration_in_the_large(label: Column, log_odds: Column, weight: Column | None = None) -> float:
    """What must be added to all log-odds so that the expected count is the observed one; 0 is right."""
    counts = 1.0 if weight is None else weight
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        if (counts * expit(middle + log_odds)).sum() < (counts * label).sum():
            low = middle
        else:
            high = middle
    return (low + high) / 2


def observed_over_expected(label: Column, probability: Column) -> Interval:
    """Observed count over expected count; 1 is right. The interval is that of the observed count."""
    observed, expected = float(label.sum()), float(probability.sum())
    ratio, spread = observed / expected, math.exp(1.96 / math.sqrt(max(observed, 1.0)))
    return Interval(ratio, ratio / spread, ratio * spread)


def net_benefit(label: Column, probability: Column, threshold: float) -> float:
    """Net benefit of acting on those at or over the threshold. Source: Vickers and Elkin, 2006."""
    flagged = probability >= threshold
    right, wrong = (flagged * label).mean(), (flagged * (1 - label)).mean()
    return float(right - wrong * threshold / (1 - threshold))


def expit(log_odds: Column) -> Column:
    """Probabilities of log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -500, 500))), dtype=np.float64)


def logit(probability: Column | float) -> Column:
    """Log-odds of probabilities."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float64)


def _mean_of(column: Column, weight: Column | None) -> float:
    return float(column.mean()) if weight is None else float(np.average(column, weights=weight))


def _newton(label: Column, log_odds: Column, p: Column, weight: Column | None) -> tuple[float, float]:
    spread, miss = p * (1 - p), label - p
    if weight is not None:
        spread, miss = spread * weight, miss * weight
    a, b, c = spread.sum(), (spread * log_odds).sum(), (spread * log_odds**2).sum()
    g, h = miss.sum(), (miss * log_odds).sum()
    determinant = a * c - b * b
    if determinant <= 1e-12:  # a perfect order, or one score for all: no line is better than this one
        return 0.0, 0.0
    return float((c * g - b * h) / determinant), float((a * h - b * g) / determinant)


def _variance(column: Column) -> float:
    return float(column.var(ddof=1)) if len(column) > 1 else 0.0


def _midranks(column: Column) -> Column:
    _, place, count = np.unique(column, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place], dtype=np.float64)
