"""What is kept of each estimate, so that somebody can see later whether the model still fits its people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.catalogue import SPECS
from models.decision import Assessment, Estimate
from models.features import features_named
from models.snapshot import PatientSnapshot


@dataclass(frozen=True, slots=True)
class Prediction:
    """One estimate as it was made: what went in, what came out, by which version."""

    model: str
    version: str
    score: float | None  # None: refused
    band: str
    confidence: str
    features: Mapping[str, float | None]  # None: unknown


def predictions_of(assessment: Assessment) -> tuple[Prediction, ...]:
    """The estimates of one assessment; none for a model that is switched off."""
    found = (assessment.risk, assessment.adherence)
    return tuple(_prediction(one, assessment.snapshot) for one in found if one is not None)


def _prediction(estimate: Estimate, snapshot: PatientSnapshot) -> Prediction:
    values = ((f.name, f.read(snapshot)) for f in features_named(SPECS[estimate.name].features))
    return Prediction(
        model=estimate.name,
        version=estimate.version,
        score=estimate.probability,
        band=estimate.band,
        confidence=estimate.confidence,
        features={name: value if value == value else None for name, value in values},
    )
