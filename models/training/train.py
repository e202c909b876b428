"""Trains one recipe and writes its artifact: trees, numbers and card."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.artifact import (
    CARD_FILE,
    CURRENT,
    LAYOUT,
    META_FILE,
    MODEL_FILE,
    columns_of,
    promote,
    promoted_versions,
)
from models.drift import SCORE, reference_of
from models.errors import TrainingRefused
from models.training.card import card_of
from models.training.fit import Fitted, fit
from models.training.metrics import expit
from models.training.recipe import Recipe
from models.training.report import Progress, cross_validate
from models.training.table import Table, read_table

CONFIDENCE = {
    "full": "every block of features but the social one and the waist is known",
    "reduced": "diagnoses and at least half of the blocks are known",
    "low": "less is known, or the record holds something that the training data never had (spread cancer)",
}


def train(recipe: Recipe, data: Path, out: Path, *, seed: int, version: str | None = None, progress: Progress) -> Path:
    """The folder of the new artifact under `out`; the same table and seed write the same bytes.

    Never writes over a different artifact of the same version: raises `TrainingRefused` instead.
    """
    recipe = replace(recipe, version=version or recipe.version)
    progress(0, 1, f"reading {recipe.table}")
    table = read_table(data / recipe.table, recipe.spec.features, recipe.label)
    figures = cross_validate(recipe, table, seed, progress)
    progress(0, 1, "fitting on everybody")
    fitted = fit(recipe, table.rows, table.label, table.person, seed)
    files = artifact_files(recipe, table, fitted, figures, seed)
    folder = out / recipe.spec.name / recipe.version
    write_artifact(folder, files)
    _promote_first(out, recipe)
    return folder


def artifact_files(
    recipe: Recipe, table: Table, fitted: Fitted, figures: dict[str, Any], seed: int
) -> dict[str, bytes]:
    """The three files of an artifact, by name."""
    model = fitted.booster.model_to_string().encode("ascii")
    meta = {
        "layout": LAYOUT,
        "name": recipe.spec.name,
        "version": recipe.version,
        "meaning": recipe.spec.meaning.render(),
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "lightgbm": lightgbm.__version__,
        "code": version("stride-referral"),
        "seed": seed,
        "data": {"table": recipe.table, "label": recipe.label, "sha256": table.sha256},
        "features": columns_of(recipe.spec),
        "settings": asdict(fitted.settings),
        "candidates": len(recipe.candidates),
        "calibration": {"method": "platt", "intercept": fitted.intercept, "slope": fitted.slope},
        "bands": {**asdict(recipe.spec.bands), "meaning": dict(recipe.spec.band_meaning)},
        "confidence": CONFIDENCE,
        "importance": _importance(recipe, table, fitted),
        "reference": _reference(recipe, table, fitted),
        "figures": figures,
    }
    return {
        MODEL_FILE: model,
        META_FILE: (json.dumps(meta, indent=1, ensure_ascii=False) + "\n").encode(),
        CARD_FILE: card_of(recipe, meta).encode(),
    }


def _importance(recipe: Recipe, table: Table, fitted: Fitted) -> dict[str, float]:
    parts = fitted.booster.predict(table.rows, pred_contrib=True, num_threads=1)
    push = np.abs(cast(NDArray[np.float64], parts)[:, :-1]).mean(axis=0) * abs(fitted.slope)
    return {name: round(float(mean), 3) for name, mean in zip(recipe.spec.features, push, strict=True)}


def _reference(recipe: Recipe, table: Table, fitted: Fitted) -> dict[str, Any]:
    """The people of the training, as later ones are compared with them."""
    columns = {SCORE: expit(fitted.log_odds(table.rows))}
    columns |= {name: table.rows[:, place] for place, name in enumerate(recipe.spec.features)}
    return {name: reference_of(column) for name, column in columns.items()}


def write_artifact(folder: Path, files: dict[str, bytes]) -> None:
    """Writes the files of a version; one that is there already and differs is refused, never changed."""
    for name, content in files.items():
        path = folder / name
        if path.exists() and path.read_bytes() != content:
            raise TrainingRefused(
                f"{path} exists and differs; an artifact is never changed: choose another --version or --out"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _promote_first(out: Path, recipe: Recipe) -> None:
    """A model that has no current version yet gets this one; a later one is promoted on purpose."""
    current = promoted_versions(out) if (out / CURRENT).exists() else {}
    if recipe.spec.name not in current:
        promote(recipe.spec, recipe.version, out)
