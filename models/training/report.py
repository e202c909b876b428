"""Cross-validated figures of a recipe, as plain numbers for `meta.json`, the card and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.training import metrics
from models.training.fit import fit
from models.training.folds import folds_of
from models.training.logistic import fit_logistic
from models.training.masking import stress
from models.training.recipe import GROUPS, WEIGHT, Recipe
from models.training.table import Table

Column = NDArray[np.float64]
Progress = Callable[[int, int, str], None]

FEWEST: Final = 20  # cases and others that a group needs before a figure of its own says anything
WHOLE: Final = "nothing is missing"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Scores of people by models that never saw them, from one split into folds."""

    log_odds: dict[str, Column]  # by what was missing
    logistic: Column | None = None  # probability by the check; None: there was none
    shuffled: Mapping[str, Column] = field(default_factory=dict)  # log-odds with one feature shuffled among people

    @property
    def probability(self) -> Column:
        """Calibrated probability of everybody, nothing blanked."""
        return metrics.expit(self.log_odds[WHOLE])


def cross_validate(recipe: Recipe, table: Table, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures of a recipe by nested cross-validation over people."""
    return figures_of(recipe, table, held_out_runs(recipe, table, seed, progress), protocol_of(recipe))


def held_out_runs(
    recipe: Recipe, table: Table, seed: int, progress: Progress, *, shuffle: bool = False
) -> list[HeldOut]:
    """Scores by models that never saw the person, once for each repeat; in the first also with features shuffled.

    Settings and calibration are chosen anew inside each outer fold.
    """
    steps, runs = recipe.repeats * recipe.outer_folds, []
    for turn in range(recipe.repeats):
        before = turn * recipe.outer_folds
        runs.append(
            _one_split(
                recipe,
                table,
                seed + turn,
                lambda n, before=before: progress(before + n, steps, "fold"),  # type: ignore[misc]
                shuffle=shuffle and turn == 0,
            )
        )
    return runs


def protocol_of(recipe: Recipe) -> str:
    """How the held-out scores came about, in words."""
    return (
        f"{recipe.outer_folds}-fold cross-validation over people, {recipe.repeats} times; settings and "
        f"calibration chosen on {recipe.inner_folds} inner folds of each training part"
    )


def figures_of(recipe: Recipe, table: Table, runs: list[HeldOut], protocol: str) -> dict[str, Any]:
    """All figures of held-out scores: each is the mean over the runs, its interval that of the first moved there."""
    checks = [run.logistic for run in runs if run.logistic is not None]
    check = {"logistic_check": _mean([_overall(table, metrics.logit(one)) for one in checks])} if checks else {}
    return {
        "people": len(table),
        "events": int(table.label.sum()),
        "protocol": protocol,
        "overall": _mean([_overall(table, run.log_odds[WHOLE]) for run in runs]),
        **check,
        "missing": {case: _mean([_thin(table, run.log_odds[case]) for run in runs]) for case in runs[0].log_odds},
        "groups": _groups(table, runs),
        "thresholds": [
            {"threshold": cut, **_mean([_at(table, run.probability, cut) for run in runs])} for cut in recipe.thresholds
        ],
    }


def shuffled_scores(
    names: Sequence[str], rows: NDArray[np.float64], seed: int, score: Callable[[NDArray[np.float64]], Column]
) -> dict[str, Column]:
    """Scores with each feature in turn given to the wrong people."""
    rng, found = np.random.default_rng(seed), {}
    for place, name in enumerate(names):
        wrong = rows.copy()
        wrong[:, place] = rng.permutation(wrong[:, place])
        found[name] = score(wrong)
    return found


def auc_lost(label: Column, scores: HeldOut) -> dict[str, float]:
    """How much AUC is lost when a feature is shuffled among people: its importance by permutation."""
    whole = metrics.auc(label, scores.log_odds[WHOLE]).value
    return {name: whole - metrics.auc(label, odds).value for name, odds in scores.shuffled.items()}


def _one_split(
    recipe: Recipe, table: Table, seed: int, done: Callable[[int], None], *, shuffle: bool = False
) -> HeldOut:
    features = recipe.spec.features
    fold = folds_of(table.person, table.label, recipe.outer_folds, seed)
    cases = stress(table.rows, features, seed)
    log_odds = {case: np.zeros(len(table)) for case in cases}
    logistic = np.zeros(len(table))
    shuffled = {name: np.zeros(len(table)) for name in features} if shuffle else {}
    for one in range(recipe.outer_folds):
        train, test = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        people = [table.person[i] for i in train]
        fitted = fit(recipe, table.rows[train], table.label[train], people, seed)
        for case, rows in cases.items():
            log_odds[case][test] = fitted.log_odds(rows[test])
        logistic[test] = fit_logistic(table.rows[train], table.label[train]).probability(table.rows[test])
        if shuffle:
            for name, odds in shuffled_scores(features, table.rows[test], seed, fitted.log_odds).items():
                shuffled[name][test] = odds
        done(one + 1)
    return HeldOut(log_odds, logistic, shuffled)


def _overall(table: Table, log_odds: Column) -> dict[str, Any]:
    label, probability = table.label, metrics.expit(log_odds)
    weight = np.array([float(record.get(WEIGHT) or "nan") for record in table.records])
    return {
        "auc": _interval(metrics.auc(label, probability)),
        "auc_survey_weighted": None if np.isnan(weight).any() else metrics.weighted_auc(label, probability, weight),
        "average_precision": metrics.average_precision(label, probability),
        "brier": metrics.brier(label, probability),
        "log_loss": metrics.log_loss(label, probability),
        "calibration_slope": metrics.line_of_odds(label, log_odds)[1],
        "calibration_in_the_large": metrics.calibration_in_the_large(label, log_odds),
        "observed_over_expected": _interval(metrics.observed_over_expected(label, probability)),
    }


def _thin(table: Table, log_odds: Column) -> dict[str, Any]:
    probability = metrics.expit(log_odds)
    return {
        "auc": metrics.auc(table.label, probability).value,
        "brier": metrics.brier(table.label, probability),
        "calibration_slope": metrics.line_of_odds(table.label, log_odds)[1],
        "observed_over_expected": metrics.observed_over_expected(table.label, probability).value,
    }


def _groups(table: Table, runs: list[HeldOut]) -> list[dict[str, Any]]:
    found = []
    for kind, name_of in GROUPS.items():
        names = np.array([name_of(record) for record in table.records])
        for name in sorted(set(names.tolist()) - {""}):
            inside = names == name
            label = table.label[inside]
            row: dict[str, Any] = {"kind": kind, "group": name, "people": int(inside.sum()), "events": int(label.sum())}
            if min(label.sum(), (1 - label).sum()) >= FEWEST:
                row |= _mean([_group(label, run.probability[inside]) for run in runs])
            found.append(row)
    return found


def _group(label: Column, probability: Column) -> dict[str, Any]:
    return {
        "auc": _interval(metrics.auc(label, probability)),
        "observed_over_expected": _interval(metrics.observed_over_expected(label, probability)),
    }


def _at(table: Table, probability: Column, cut: float) -> dict[str, Any]:
    flagged, label = probability >= cut, table.label
    return {
        "flagged": float(flagged.mean()),
        "sensitivity": float(flagged[label == 1].mean()),
        "specificity": float((~flagged)[label == 0].mean()),
        "of_flagged_with_event": float(label[flagged].mean()) if flagged.any() else None,
        "net_benefit": metrics.net_benefit(label, probability, cut),
        "net_benefit_of_all": metrics.net_benefit(label, np.ones_like(label), cut),
    }


def _interval(found: metrics.Interval) -> list[float]:
    return [found.value, found.low, found.high]


def _mean(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean over repeats, in four places; intervals keep their width around the mean."""
    merged: dict[str, Any] = {}
    for key, first in rows[0].items():
        if isinstance(first, list):
            middle = sum(row[key][0] for row in rows) / len(rows)
            merged[key] = [round(middle + part - first[0], 4) for part in first]
        elif first is None or any(row[key] is None for row in rows):
            merged[key] = None
        else:
            merged[key] = round(sum(row[key] for row in rows) / len(rows), 4)
    return merged
