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
from numpy.typing import NDArray

from mappings.as_of import chart_before
from mappings.bulk import History, files_in, histories
from mappings.errors import MappingError
from mappings.from_fhir.snapshot import snapshot_from
from mappings.landmarks import LANDMARKS
from mappings.outcomes import DEATHS, LABELS, followed
from models.artifact import BEGINS, INSTALLED, KEEPS_COMING, open_artifact, promote, promoted_versions
from models.booster import Model, refusal
from models.errors import TrainingRefused
from models.features import features_named, row_of
from models.model_spec import ModelSpec
from models.purpose import LABELS_OF, Purpose, purpose_of
from models.training.censoring import weights_of
from models.training.recipe import RECIPES, Recipe
from models.training.report import HeldOut, figures_of
from models.training.site import Column, Judgement, adapted, base_rate, judged, odds_of, part_of, split_by_time
from models.training.table import Table
from models.training.train import artifact_files, write_artifact

Progress = Callable[[int, int, str], None]

LABEL_NOTES: Final = {
    **dict.fromkeys(
        ("decline-90", "decline-180"),
        "A sign is a fall of 5 T-points or more of PROMIS physical function, a first diagnosis of reduced mobility or "
        "falls, a first walking aid, or an inpatient stay that began as an emergency. Who died without one is set "
        "apart.",
    ),
    "persistence": "Who died, was in hospital or whose cancer spread meanwhile is set apart.",
}
_NOT_ASKED: Final = "The service does not ask it: no page, card or rule reads it. It is for the site's own study."
SITE_WORDS: Final = {"adherence": BEGINS, "persistence": KEEPS_COMING}
_NOT_THERE: Final = {
    "referral": "no referral to exercise",
    "session-2": "no second session on file",
    "week-4": "no session on file",
}
_SITE_LIMITS: Final = (
    "One site's own patients; for that site only.",
    "Labels come from routine records. Who was not seen again is left out; where the label is a death, who stayed in "
    "sight counts for those who were lost, which is right only if being lost has nothing to do with dying.",
    "Held out are the latest 30 % of people by the day of their referral.",
)


@dataclass(frozen=True, slots=True)
class SiteResult:
    """What came of a site's training."""

    folder: Path
    how: str
    left_out: dict[str, int]  # people, by the reason why they could not be used
    judgement: Judgement
    against: str  # what it was compared with


def people_of(
    purpose: Purpose, found: dict[str, History], sha256: str, *, last_updated: bool = True
) -> tuple[Table, list[datetime], Counter[str]]:
    """One row a person as of the landmark, with the label from what came after, and why others are not in it."""
    spec, label_of, landmark_of = purpose.spec, LABELS[purpose.label], LANDMARKS[purpose.landmark]
    columns, left, rows, labels, people, days = features_named(spec.features), Counter[str](), [], [], [], []
    sight: dict[str, tuple[float, float | None]] = {}
    for patient_id, history in sorted(found.items()):
        index = landmark_of(history)
        label = None if index is None else label_of(history, index)
        if index is not None and (time := _followed(purpose, history, index)) is not None:
            sight[patient_id] = (time, label)
        if index is None or label is None:
            left[_NOT_THERE[purpose.landmark] if index is None else "what became of them is not known"] += 1
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
        _weights(sight, people),
    )
    return table, days, left


def _followed(purpose: Purpose, history: History, index: datetime) -> float | None:
    """For how many days a patient was in sight, where the label is a death within some years."""
    return followed(history, index, DEATHS[purpose.label]) if purpose.label in DEATHS else None


def _weights(sight: dict[str, tuple[float, float | None]], people: list[str]) -> NDArray[np.float64] | None:
    """What each of these people counts for, mean 1, because others were lost from sight; `None` for other labels."""
    if not sight or not people:
        return None
    counts = weights_of([time for time, _ in sight.values()], [outcome for _, outcome in sight.values()])
    of = dict(zip(sight, counts, strict=True))
    mine = np.array([of[person] for person in people], dtype=np.float64)
    return np.asarray(mine / mine.mean(), dtype=np.float64)


def train_site(
    name: str,
    place: str,
    out: Path = INSTALLED,
    *,
    version: str,
    seed: int,
    progress: Progress,
    label: str | None = None,
    landmark: str | None = None,
    last_updated: bool = True,
    recipe: Recipe | None = None,
) -> SiteResult:
    """Trains a model on an export, writes it as a version, and promotes it if it beats the one in use.

    Where nothing of that purpose is in use, it must beat the share of the training part, told to everybody.
    Raises `TrainingRefused`, `ArtifactRefused` or `MappingError` where nothing can be trained.
    """
    purpose = _purpose(name, label, landmark)
    # A model of the service that was retired stays retired until a person promotes one: this raises.
    current = Model(open_artifact(purpose.spec, out)) if purpose.is_asked else _in_use(purpose.spec, out)
    files = files_in(place)
    found = histories(files, lambda file: progress(0, 1, f"reading {file}"))
    progress(0, 1, f"looking at {len(found)} patients as of their day")
    table, days, left = people_of(purpose, found, _sha256(files), last_updated=last_updated)
    if len(set(table.label.tolist())) < 2:
        raise TrainingRefused(f"{place}: {len(table)} people can be used, all with one outcome; left out: {dict(left)}")
    before, after = split_by_time(days)
    train, test = part_of(table, before), part_of(table, after)
    progress(0, 1, f"training on {len(train)} people, {int(train.label.sum())} with the outcome")
    base = replace(recipe or RECIPES[name], spec=purpose.spec)
    candidate, how = adapted(base, current or _kin(purpose, out), train, seed)
    site = _recipe(base, purpose, version, train, days, how)
    old, against = _until_now(current, train, test)
    judgement = judged(old, candidate, test, seed)
    odds = {"nothing is missing": candidate.log_odds(test.rows)}
    protocol = f"On the site's latest {len(test)} people, none of whom was trained on"
    figures = figures_of(site, test, [HeldOut(odds)], protocol) if len(set(test.label.tolist())) == 2 else _none(test)
    folder = out / purpose.place / version
    write_artifact(folder, artifact_files(site, train, candidate, figures, seed))
    if judgement.promote:
        promote(site.spec, version, out)
    return SiteResult(folder, how, dict(left), judgement, against)


def _purpose(name: str, label: str | None, landmark: str | None) -> Purpose:
    if (purpose := purpose_of(name, label, landmark)) is None:
        words = f" {label or ''} {landmark or ''}".rstrip()
        raise TrainingRefused(f"{name}{words}: no label is defined for a record; try {', '.join(LABELS_OF)}")
    return purpose


def _in_use(spec: ModelSpec, out: Path) -> Model | None:
    current = promoted_versions(out).get(spec.name)
    return None if current is None else Model(open_artifact(spec, out, current))


def _kin(purpose: Purpose, out: Path) -> Model | None:
    """The model of the service with the same columns: its trees may be a beginning for another label."""
    spec = RECIPES[purpose.model].spec
    return _in_use(spec, out) if spec.features == purpose.spec.features else None


def _until_now(current: Model | None, train: Table, test: Table) -> tuple[Column, str]:
    if current is not None:
        return odds_of(current, test), f"version {current.artifact.version}, in use"
    return base_rate(train, test), f"the share of the training part, {train.label.mean():.1%}, told to everybody"


def _recipe(recipe: Recipe, purpose: Purpose, version: str, train: Table, days: list[datetime], how: str) -> Recipe:
    meaning = SITE_WORDS.get(purpose.place, purpose.spec.meaning)
    others = () if purpose.is_asked else (_NOT_ASKED,)
    return replace(
        recipe,
        spec=replace(recipe.spec, meaning=meaning),
        version=version,
        table="export",
        label=purpose.label,
        title=f"{recipe.title.partition(':')[0]}, trained on this site's records",
        label_meaning=f"{purpose.meaning}, by this site's own record. {LABEL_NOTES.get(purpose.label, '')}".strip(),
        data=f"A Bulk Data export of this site, landmarks from {min(days).date()} to {max(days).date()}; {how}. "
        f"{len(train)} people trained on.",
        held_back="The latest 30 % of people were not trained on; the figures below are theirs.",
        licence="The site's own records; they are not part of this repository.",
        limits=(*others, *_SITE_LIMITS, *recipe.limits[-1:]),
    )


def _none(test: Table) -> dict[str, object]:
    raise TrainingRefused(f"the hold-out of {len(test)} people has one outcome only: a longer export is needed")


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()
