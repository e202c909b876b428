"""Training from a Bulk Data export: as-of rows, labels from what came after, hold-out in time, promotion by rules."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from mappings.as_of import chart_before
from mappings.bulk import History, files_in, histories
from mappings.errors import MappingError
from mappings.from_fhir.snapshot import snapshot_from
from mappings.outcomes import LABELS, index_of
from models.artifact import BEGINS, INSTALLED, KEEPS_COMING, open_artifact, promote
from models.booster import Model, refusal
from models.errors import TrainingRefused
from models.features import features_named, row_of
from models.training.recipe import RECIPES, Recipe
from models.training.report import HeldOut, figures_of
from models.training.site import Judgement, adapted, judged, part_of, split_by_time
from models.training.table import Table
from models.training.train import artifact_files, write_artifact

Progress = Callable[[int, int, str], None]

MEANINGS: Final = {
    "risk": "Death from any cause within five years of the first referral to exercise, by this site's own record.",
    "adherence": "A first exercise visit or a finished task within 60 days of the first referral to exercise.",
    "persistence": "At least 70 % of the planned sessions of the first twelve weeks attended.",
}
SITE_WORDS: Final = {"adherence": BEGINS, "persistence": KEEPS_COMING}
_SITE_LIMITS: Final = (
    "One site's own patients; for that site only.",
    "Labels come from routine records: who moved away and was not seen again is left out.",
    "Held out are the latest 30 % of people by the day of their referral.",
)


@dataclass(frozen=True, slots=True)
class SiteResult:
    """What came of a site's training."""

    folder: Path
    how: str
    left_out: dict[str, int]  # people, by the reason why they could not be used
    judgement: Judgement


def people_of(
    name: str, found: dict[str, History], sha256: str, *, last_updated: bool = True
) -> tuple[Table, list[datetime], Counter[str]]:
    """One row a person as of the index day, with the label from what came after, and why others are not in it."""
    spec, label_of = RECIPES[name].spec, LABELS[name]
    columns, left, rows, labels, people, days = features_named(spec.features), Counter[str](), [], [], [], []
    for patient_id, history in sorted(found.items()):
        index = index_of(history)
        label = None if index is None else label_of(history, index)
        if index is None or label is None:
            left["no referral to exercise" if index is None else "what became of them is not known"] += 1
            continue
        try:
            snapshot = snapshot_from(chart_before(history, index, last_updated=last_updated), as_of=index)
        except MappingError:
            left["the chart cannot be read"] += 1
            continue
        row = row_of(columns, snapshot)
        if refusal(spec, columns, row) is not None:
            left["the model must not score them"] += 1
            continue
        rows.append(row[0])
        labels.append(label)
        people.append(patient_id)
        days.append(index)
    records = tuple({n: "" if v != v else f"{v:g}" for n, v in zip(spec.features, r, strict=True)} for r in rows)
    table = Table(
        np.array(rows, dtype=np.float64).reshape(len(rows), len(columns)),
        np.array(labels, dtype=np.float64),
        tuple(people),
        records,
        sha256,
    )
    return table, days, left


def train_site(
    name: str,
    place: str,
    out: Path = INSTALLED,
    *,
    version: str,
    seed: int,
    progress: Progress,
    last_updated: bool = True,
    recipe: Recipe | None = None,
) -> SiteResult:
    """Trains a model on an export, writes it as a version, and promotes it if it beats the one in use.

    Raises `TrainingRefused`, `ArtifactRefused` or `MappingError` where nothing can be trained.
    """
    if name not in LABELS:
        raise TrainingRefused(f"{name}: no label is defined for a record; try {', '.join(LABELS)}")
    files = files_in(place)
    found = histories(files, lambda file: progress(0, 1, f"reading {file}"))
    progress(0, 1, f"looking at {len(found)} patients as of their day")
    table, days, left = people_of(name, found, _sha256(files), last_updated=last_updated)
    if len(set(table.label.tolist())) < 2:
        raise TrainingRefused(f"{place}: {len(table)} people can be used, all with one outcome; left out: {dict(left)}")
    current = Model(open_artifact(RECIPES[name].spec, out))
    before, after = split_by_time(days)
    train, test = part_of(table, before), part_of(table, after)
    progress(0, 1, f"training on {len(train)} people, {int(train.label.sum())} with the outcome")
    candidate, how = adapted(recipe or RECIPES[name], current, train, seed)
    site = _recipe(recipe or RECIPES[name], version, train, days, how)
    judgement = judged(current, candidate, test, seed)
    odds = {"nothing is missing": candidate.log_odds(test.rows)}
    protocol = f"On the site's latest {len(test)} people, none of whom was trained on"
    figures = figures_of(site, test, [HeldOut(odds)], protocol) if len(set(test.label.tolist())) == 2 else _none(test)
    folder = out / name / version
    write_artifact(folder, artifact_files(site, train, candidate, figures, seed))
    if judgement.promote:
        promote(site.spec, version, out)
    return SiteResult(folder, how, dict(left), judgement)


def _recipe(recipe: Recipe, version: str, train: Table, days: list[datetime], how: str) -> Recipe:
    meaning = SITE_WORDS.get(recipe.spec.name, recipe.spec.meaning)
    return replace(
        recipe,
        spec=replace(recipe.spec, meaning=meaning),
        version=version,
        table="export",
        label=recipe.spec.name,
        label_meaning=MEANINGS[recipe.spec.name],
        data=f"A Bulk Data export of this site, referrals from {min(days).date()} to {max(days).date()}; {how}. "
        f"{len(train)} people trained on.",
        held_back="The latest 30 % of people were not trained on; the figures below are theirs.",
        licence="The site's own records; they are not part of this repository.",
        limits=(*_SITE_LIMITS, *recipe.limits[-1:]),
    )


def _none(test: Table) -> dict[str, object]:
    raise TrainingRefused(f"the hold-out of {len(test)} people has one outcome only: a longer export is needed")


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()
