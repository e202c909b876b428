"""Trains on a site's own people and says, by stated rules, whether the result may replace the model in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from models.booster import Model
from models.errors import TrainingRefused
from models.training import metrics
from models.training.fit import Fitted, fit
from models.training.recipe import GROUPS, Recipe, Settings
from models.training.table import Table

Column = NDArray[np.float64]

HELD_OUT: Final = 0.30  # the latest people by their day
# Source: modelling.md section 5, "Size".
REFIT_FROM: Final = 500  # events in the training part: new trees; fewer: the trees in use with a new line
LINE_FROM: Final = 100  # fewer: only the intercept moves
FEWEST_EVENTS: Final = 100  # events and others in the hold-out before anything is compared
SLOPE: Final = (0.80, 1.25)
AUC_LOSS: Final = 0.01
RATIO: Final = (0.70, 1.40)  # observed over expected of a group with GROUP_EVENTS or more
GROUP_EVENTS: Final = 25
DRAWS: Final = 500


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a candidate may replace the model in use, and each rule with its figures."""

    promote: bool
    lines: tuple[str, ...]


def split_by_time(days: Sequence[datetime]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of the earlier people, to train on, and of the latest ones, to be held out; a day stays whole."""
    if len(days) < 2:
        raise TrainingRefused("fewer than two people: nothing can be held out")
    order = sorted(days)
    border = order[int(len(order) * (1 - HELD_OUT))]
    before = np.array([day < border for day in days])
    return np.flatnonzero(before), np.flatnonzero(~before)


def part_of(table: Table, places: NDArray[np.int64]) -> Table:
    """The people at these places."""
    return Table(
        rows=table.rows[places],
        label=table.label[places],
        person=tuple(table.person[i] for i in places),
        records=tuple(table.records[i] for i in places),
        sha256=table.sha256,
        weight=None if table.weight is None else table.weight[places],
    )


def adapted(recipe: Recipe, current: Model | None, train: Table, seed: int) -> tuple[Fitted, str]:
    """A candidate as bold as the number of events allows, and in words how it was made.

    `current` is what there is to begin from: the version in use, or the trees of a model with the same features.
    Raises `TrainingRefused` where there is nothing, and too few events for new trees.
    """
    events = int(min(train.label.sum(), (1 - train.label).sum()))
    if events >= REFIT_FROM:
        fitted = fit(recipe, train.rows, train.label, train.person, seed, weight=train.weight)
        return fitted, f"new trees ({events} events)"
    if current is None:
        raise TrainingRefused(f"{events} events; {REFIT_FROM} are needed where there are no trees to begin from")
    raw = _raw(current, train.rows)
    artifact = current.artifact
    settings = Settings(**artifact.meta["settings"])
    if events >= LINE_FROM:
        intercept, slope = metrics.line_of_odds(train.label, raw, train.weight)
        how = f"the trees in use, line of the calibration fitted anew ({events} events; {REFIT_FROM} for new trees)"
        return Fitted(current.booster, settings, round(intercept, 6), round(slope, 6)), how
    if not events:
        raise TrainingRefused("everybody, or nobody, has the outcome: nothing can be learnt")
    now = artifact.intercept + artifact.slope * raw
    moved = artifact.intercept + metrics.calibration_in_the_large(train.label, now, train.weight)
    how = f"the trees in use, intercept moved ({events} events; {LINE_FROM} for the whole line)"
    return Fitted(current.booster, settings, round(moved, 6), artifact.slope), how


def odds_of(current: Model, test: Table) -> Column:
    """What the version in use says of these people."""
    return current.artifact.intercept + current.artifact.slope * _raw(current, test.rows)


def base_rate(train: Table, test: Table) -> Column:
    """What anybody may say without a model: the share of the training part, the same for all."""
    rate = float(np.average(train.label, weights=train.weight))
    return np.full(len(test.label), np.log(rate / (1 - rate)))


def judged(old: Column, candidate: Fitted, test: Table, seed: int) -> Judgement:
    """The candidate against what was said until now, on people later than all that it was trained on."""
    events = int(min(test.label.sum(), (1 - test.label).sum()))
    if events < FEWEST_EVENTS:
        return Judgement(False, (f"no: {events} events in the hold-out; {FEWEST_EVENTS} are needed to compare",))
    new = candidate.log_odds(test.rows)
    weight = np.ones(len(test.label)) if test.weight is None else test.weight
    checks = [_gain(test.label, old, new, weight, seed), _order(test.label, old, new, weight)]
    checks += [_line(test.label, new, weight)]
    checks += _groups(test, old, new, weight)
    return Judgement(all(good for good, _ in checks), tuple(f"{'yes' if ok else 'no'}: {line}" for ok, line in checks))


def _gain(label: Column, old: Column, new: Column, weight: Column, seed: int) -> tuple[bool, str]:
    """Log loss must fall by more than chance: the lower end of a paired bootstrap over people is above 0."""
    gain = weight * (_losses(label, old) - _losses(label, new))
    rng = np.random.default_rng(seed)
    means = [float(gain[rng.integers(0, len(gain), len(gain))].mean()) for _ in range(DRAWS)]
    low, high = np.quantile(means, (0.025, 0.975))
    return bool(low > 0), f"log loss falls by {gain.mean():.4f} ({low:.4f} to {high:.4f}); must be above 0"


def _order(label: Column, old: Column, new: Column, weight: Column) -> tuple[bool, str]:
    was, now = (metrics.weighted_auc(label, odds, weight) for odds in (old, new))
    return now >= was - AUC_LOSS, f"AUC {now:.3f}, in use {was:.3f}; may lose {AUC_LOSS}"


def _line(label: Column, new: Column, weight: Column) -> tuple[bool, str]:
    slope = metrics.line_of_odds(label, new, weight)[1]
    return SLOPE[0] <= slope <= SLOPE[1], f"calibration slope {slope:.2f}; must be {SLOPE[0]:.2f} to {SLOPE[1]:.2f}"


def _groups(test: Table, old: Column, new: Column, weight: Column) -> list[tuple[bool, str]]:
    """No group that is told wrongly, unless the model in use tells it as wrongly or worse."""
    found = []
    for name_of in GROUPS.values():
        names = np.array([name_of(record) for record in test.records])
        for name in sorted(set(names.tolist()) - {""}):
            inside = names == name
            if test.label[inside].sum() >= GROUP_EVENTS:
                was, now = (_ratio(test.label[inside], odds[inside], weight[inside]) for odds in (old, new))
                good = RATIO[0] <= now <= RATIO[1] or abs(np.log(now)) <= abs(np.log(was))
                found.append((bool(good), f"{name}: observed / expected {now:.2f}, in use {was:.2f}"))
    return found


def _ratio(label: Column, log_odds: Column, weight: Column) -> float:
    return float((weight * label).sum() / (weight * metrics.expit(log_odds)).sum())


def _losses(label: Column, log_odds: Column) -> Column:
    p = np.clip(metrics.expit(log_odds), 1e-12, 1 - 1e-12)
    return -(label * np.log(p) + (1 - label) * np.log(1 - p))


def _raw(model: Model, rows: NDArray[Any]) -> Column:
    return cast(Column, model.booster.predict(rows, raw_score=True, num_threads=1))
