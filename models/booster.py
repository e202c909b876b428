"""Loads the trained models and asks them about one patient: the one home of LightGBM in serving."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from threading import Lock
from typing import Final, cast

import lightgbm
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.artifact import INSTALLED, Artifact, open_artifact, promoted_versions
from models.basis import basis_of
from models.catalogue import SPECS
from models.decision import Driver, Estimate
from models.errors import ArtifactRefused
from models.features import Feature, Row, features_named, row_of
from models.model_spec import ModelSpec
from models.persistence import LATER_STAGES
from models.single_row import SingleRow
from models.snapshot import PatientSnapshot
from models.text import N_, Text

_ALWAYS: Final = ("risk", "adherence")  # an installation without a word about these is damaged
_DRIVERS: Final = 5
_NOT_KNOWN: Final = {
    "age_years": N_("Not estimated: the age is not known"),
    "sex_female": N_("Not estimated: the model was trained on people recorded as female or male"),
    "course_finished": N_("Not estimated: no earlier course is on file"),
    "attended_days_past_year": N_("Not estimated: nobody has counted the days of the last year"),
}
_WORTH_SAYING: Final = 0.05  # log-odds; a smaller push moves a probability by about one point at most


class Model:
    """One trained model, loaded at its first use and safe to ask from several threads."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.features: tuple[Feature, ...] = features_named(artifact.spec.features)
        self._booster: lightgbm.Booster | None = None
        self._single: SingleRow | None = None
        self._lock = Lock()

    def probability(self, row: Row) -> float:
        """The calibrated probability of one row."""
        single = self._single or SingleRow(self.booster)
        self._single = single
        return _squashed(self.artifact.intercept + self.artifact.slope * single.raw(row))

    def contributions(self, row: Row) -> list[float]:
        """What each feature adds to the log-odds of one row, in the order of the columns (TreeSHAP)."""
        parts = cast(Row, self.booster.predict(row, pred_contrib=True, num_threads=1))
        return [self.artifact.slope * float(part) for part in parts[0][:-1]]

    @property
    def booster(self) -> lightgbm.Booster:
        """The trees. Loaded after the fork, one thread at a time."""
        if self._booster is None:
            with self._lock:
                if self._booster is None:
                    self._booster = _loaded(self.artifact)
        return self._booster


@dataclasses.dataclass(frozen=True, slots=True)
class InstalledEstimators:
    """The estimators of this installation; one that is switched off answers `None`."""

    models: dict[str, Model]

    def warm(self) -> None:
        """Reads the trees of every model now; call it after the fork, before the first request."""
        for model in self.models.values():
            _ = model.booster

    def risk(self, snapshot: PatientSnapshot) -> Estimate | None:
        """Five-year mortality, without its drivers; `None` when the model is switched off."""
        return self.estimate("risk", snapshot)

    def adherence(self, snapshot: PatientSnapshot) -> Estimate | None:
        """Uptake of advised exercise, or going on once attendance is on file, without its drivers.

        `None` when the model is switched off. Attendance says far more than anything else does.
        """
        for spec, alias in LATER_STAGES:
            if spec.name in self.models and snapshot.latest(alias) is not None:
                later = self.estimate(spec.name, snapshot)
                if later is not None and later.probability is not None:
                    return later
        return self.estimate("adherence", snapshot)

    def estimate(self, name: str, snapshot: PatientSnapshot) -> Estimate | None:
        """The estimate of one model by name."""
        model = self.models.get(name)
        return estimate(model, snapshot) if model else None

    def explain(self, snapshot: PatientSnapshot, name: str) -> tuple[Driver, ...]:
        """The main reasons of one estimate, the strongest first; empty when there is no estimate.

        Costs about 1 ms, thirty times the estimate itself: ask only for a card or page that is shown.
        """
        model = self.models.get(name)
        if model is None:
            return ()
        row = row_of(model.features, snapshot)
        return drivers(model, row) if refusal(model.artifact.spec, model.features, row) is None else ()

    def with_drivers(self, estimate: Estimate, snapshot: PatientSnapshot) -> Estimate:
        """The same estimate with its main reasons, and the entries of the chart that it rests on."""
        model = self.models.get(estimate.name)
        if model is None or estimate.probability is None:
            return estimate
        basis = basis_of(model.features, snapshot)
        return dataclasses.replace(estimate, drivers=self.explain(snapshot, estimate.name), basis=basis)


def load_estimators(root: Path | None = None, *, risk: bool = True, adherence: bool = True) -> InstalledEstimators:
    """The current version of each model that is switched on and not retired, hash and features checked.

    Trees are read at the first estimate, so that a process may fork in between. Raises `ArtifactRefused`.
    """
    root, wanted = root or INSTALLED, {"risk": risk}
    current = promoted_versions(root)
    return InstalledEstimators(
        {
            name: Model(open_artifact(spec, root))
            for name, spec in SPECS.items()
            if wanted.get(name, adherence) and current.get(name, "" if name in _ALWAYS else None) is not None
        }
    )


def estimate(model: Model, snapshot: PatientSnapshot) -> Estimate:
    """What one model says of one patient; a refusal, with its reason, where it must not speak."""
    artifact, row = model.artifact, row_of(model.features, snapshot)
    missing = tuple(f.name for f, value in zip(model.features, row[0].tolist(), strict=True) if value != value)
    why = refusal(artifact.spec, model.features, row)
    probability = None if why else model.probability(row)
    return Estimate(
        name=artifact.spec.name,
        probability=probability,
        meaning=artifact.meaning,
        band="not scored" if probability is None else artifact.bands.of(probability),
        confidence=_confidence(model, frozenset(missing), snapshot),
        version=artifact.version,
        missing=missing,
        refusal=why,
    )


def refusal(spec: ModelSpec, features: tuple[Feature, ...], row: Row) -> Text | None:
    """Why this row gets no number: age or sex is unknown, or the age was not in the training table.

    A column without gaps in training treats an unknown as 0: it must never meet one.
    """
    values = dict(zip(spec.features, row[0].tolist(), strict=True))
    for feature in features:
        if feature.name in spec.needed and values[feature.name] != values[feature.name]:
            return _NOT_KNOWN[feature.name]
    return spec.refuse_age if values["age_years"] < spec.min_age_years else None


def drivers(model: Model, row: Row) -> tuple[Driver, ...]:
    """The strongest reasons that rest on something the record says."""
    told = [
        Driver(feature.name, feature.say(value), effect)
        for feature, value, effect in zip(model.features, row[0].tolist(), model.contributions(row), strict=True)
        if value == value and abs(effect) >= _WORTH_SAYING
    ]
    return tuple(sorted(told, key=lambda driver: -abs(driver.effect))[:_DRIVERS])


def _confidence(model: Model, missing: frozenset[str], snapshot: PatientSnapshot) -> str:
    """How much of what the model was trained on is known: every block, half of them, or less."""
    spec = model.artifact.spec
    if spec.at_most == "low" or any(True for _ in snapshot.having(*spec.blind_to)):
        return "low"
    blocks = {f.block for f in model.features if f.name not in spec.needed} - spec.optional_blocks
    known = blocks & {f.block for f in model.features if f.name not in missing}
    if known == blocks:
        return "full"
    return "reduced" if "diagnoses" in known and 2 * len(known) >= len(blocks) else "low"


def _loaded(artifact: Artifact) -> lightgbm.Booster:
    # Loading has no thread argument, and a process that forks after OpenMP has started threads hangs.
    with threadpool_limits(1, user_api="openmp"):
        try:
            booster = lightgbm.Booster(model_str=artifact.model_text)
        except lightgbm.basic.LightGBMError as error:
            raise ArtifactRefused(f"{artifact.folder}: LightGBM cannot read the model ({error})") from error
        if booster.num_feature() != len(artifact.spec.features):
            raise ArtifactRefused(f"{artifact.folder}: the trees read {booster.num_feature()} columns")
        return booster


def _squashed(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))
