"""Scores the people of a table through the shipped artifact and the serving code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.booster import Model, estimate
from models.errors import TrainingRefused
from models.training.table import records_of, snapshot_of


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
            yield Score(record["person_id"], None, str(error))
            continue
        found = estimate(model, snapshot)
        why = f"{where}: {found.refusal}" if found.refusal else ""
        yield Score(record["person_id"], found.probability, why)
