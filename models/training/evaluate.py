"""Measures a model on labelled people and writes a report with pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from numpy.typing import NDArray

from models.booster import Model, refusal
from models.errors import TrainingRefused
from models.training import curves, pictures, tables
from models.training.masking import stress
from models.training.recipe import Recipe
from models.training.report import (
    HeldOut,
    Progress,
    auc_lost,
    figures_of,
    held_out_runs,
    protocol_of,
    shuffled_scores,
)
from models.training.table import Table, read_table


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a model on some people, and the scores that they come from."""

    figures: Mapping[str, Any]
    table: Table
    scores: HeldOut  # of the first run; the pictures are drawn from it
    push: Mapping[str, float]  # mean push of each feature on the log-odds (TreeSHAP), by the artifact's own trees


def evaluate(recipe: Recipe, model: Model, path: Path, *, seed: int, progress: Progress) -> Evaluation:
    """The figures on the people of a table.

    People whom the model was trained on are scored by cross-validation, by models that never saw them; all
    others by the model itself. Raises `TrainingRefused` where the table cannot be used.
    """
    table = read_table(path, recipe.spec.features, recipe.label)
    if len(set(table.label.tolist())) < 2:
        raise TrainingRefused(f"{path}: needs people with and without {recipe.label}")
    if table.sha256 == model.artifact.meta["data"]["sha256"]:
        runs, protocol = held_out_runs(recipe, table, seed, progress, shuffle=True), protocol_of(recipe)
    else:
        progress(0, 1, f"scoring {len(table)} people")
        runs = [scored_by(model, table, seed)]
        protocol = f"Version {model.artifact.version} as it is, on people of {path.name}, who were not in its training"
    return Evaluation(figures_of(recipe, table, runs, protocol), table, runs[0], model.artifact.meta["importance"])


def scored_by(model: Model, table: Table, seed: int) -> HeldOut:
    """The scores of an artifact, whole and thinned; people whom it refuses raise `TrainingRefused`."""
    refused = [why for row in table.rows if (why := refusal(model.artifact.spec, model.features, row[None]))]
    if refused:
        raise TrainingRefused(f"{len(refused)} people must not be scored, such as: {refused[0]}")
    artifact = model.artifact

    def score(rows: NDArray[Any]) -> NDArray[Any]:
        raw = cast(NDArray[Any], model.booster.predict(rows, raw_score=True, num_threads=1))
        return cast(NDArray[Any], artifact.intercept + artifact.slope * raw)

    names = artifact.spec.features
    cases = {case: score(rows) for case, rows in stress(table.rows, names, seed).items()}
    return HeldOut(cases, shuffled=shuffled_scores(names, table.rows, seed, score))


def write_report(recipe: Recipe, found: Evaluation, out: Path, more: Mapping[str, str] = MappingProxyType({})) -> Path:
    """Writes report.md, figures.json and the pictures into a folder; the path of the report.

    `more` holds further sections, text by heading.
    """
    out.mkdir(parents=True, exist_ok=True)
    label, probability = found.table.label, found.scores.probability
    area = tables.with_range(found.figures["overall"]["auc"])
    drawn = {
        "roc.svg": pictures.roc_picture(curves.roc(label, probability), f"ROC, AUC {area}"),
        "calibration.svg": pictures.calibration_picture(curves.calibration(label, probability), "Calibration by tenth"),
        "decision.svg": pictures.decision_picture(curves.decision(label, probability), "Decision curve"),
        "groups.svg": pictures.groups_picture(found.figures["groups"], "Observed / expected (events)"),
        "missing.svg": pictures.missing_picture(found.figures["missing"], "When the chart is thin"),
        "importance.svg": pictures.importance_picture(
            auc_lost(label, found.scores), found.push, "What the estimate rests on"
        ),
    }
    for name, picture in drawn.items():
        (out / name).write_text(picture, encoding="utf-8")
    (out / "figures.json").write_text(json.dumps(found.figures, indent=1) + "\n", encoding="utf-8")
    (out / "report.md").write_text(_report(recipe, found.figures, more), encoding="utf-8")
    return out / "report.md"


def _report(recipe: Recipe, figures: Mapping[str, Any], more: Mapping[str, str]) -> str:
    parts = [
        f"# {recipe.title}: evaluation",
        "Written by `stride evaluate`; do not edit by hand.",
        f"{figures['protocol']}. {figures['people']:,} people, {figures['events']:,} with the outcome: "
        f"{recipe.label_meaning}",
        tables.overall_of(figures),
        "![ROC curve](roc.svg) ![Calibration](calibration.svg) ![Decision curve](decision.svg)",
        "## When the chart is thin",
        tables.missing_of(figures["missing"]),
        "![AUC and observed over expected by what is missing](missing.svg)",
        "## What the estimate rests on",
        "AUC that is lost when a feature is given to the wrong people (by models that never saw them), and the mean "
        "push on the log-odds (TreeSHAP).",
        "![Importance by permutation and by TreeSHAP](importance.svg)",
        "## Groups",
        tables.groups_of(figures["groups"]),
        "![Observed over expected by group](groups.svg)",
        tables.to_watch(figures["groups"]),
        "## What a threshold does",
        tables.thresholds_of(figures["thresholds"]),
        *(part for heading, text in more.items() for part in (f"## {heading}", text)),
        "## Limits",
        tables.bullets(recipe.limits),
        "## What may not be claimed",
        tables.bullets(recipe.may_not_say),
    ]
    return "\n\n".join(parts) + "\n"
