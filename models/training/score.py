"""Scores the people of a table through the shipped artifact and the serving code; compares them with the training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.booster import Model, estimate, refusal
from models.errors import TrainingRefused
from models.training.table import id_of, read_table, records_of, snapshot_of


@dataclass(frozen=True, slots=True)
class Score:
    """The probability of one person, or the reason why there is none."""

    person_id: str
    probability: float | None
    refusal: str = ""


def scores_of(model: Model, path: Path) -> Iterator[Score]:
    """A score or a refusal for each row, in the order of the table.

    A row with an impossible value or an unknown word gets a refusal; a table without the columns raises
    `TrainingRefused` before the first.
    """
    for where, record in records_of(path, model.artifact.spec.features):
        try:
            snapshot = snapshot_of(record, where)
        except TrainingRefused as error:
            yield Score(id_of(record), None, str(error))
            continue
        found = estimate(model, snapshot)
        why = f"{where}: {found.refusal}" if found.refusal else ""
        yield Score(id_of(record), found.probability, why)


def drift_columns(model: Model, path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows `(n, features)` and scores `(n,)` of a table, to be compared with the training; no score is NaN.

    Raises `TrainingRefused` for a table that cannot be read, and for one without people.
    """
    features = model.artifact.spec.features
    table = read_table(path, features)
    if not len(table):
        raise TrainingRefused(f"{path}: nobody is in it")
    scores = [math.nan if refusal(model.artifact.spec, model.features, r[None]) else model.probability(r[None])
              for r in table.rows]  # fmt: skip
    return table.rows, np.array(scores, dtype=np.float64)
