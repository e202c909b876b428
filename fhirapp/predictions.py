"""The log of predictions: one row an estimate, so that drift and calibration can be looked at later."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment
from fhirapp.db.direct import Statement, linked
from fhirapp.referrals.referral import Referral
from models.decision import Assessment
from models.prediction import Prediction, predictions_of

WAYS: Final = ("hashed", "stored")


class PredictionRow(Base):
    """One estimate as it was made, beside which decision, by which version. Rows are only ever added."""

    __tablename__ = "prediction"
    __table_args__ = (sa.Index("ix_prediction_model", "tenant_id", "model", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    model: Mapped[str]
    version: Mapped[str]
    score: Mapped[float | None] = mapped_column(sa.Double)  # None: refused
    band: Mapped[str]
    confidence: Mapped[str]
    features_hash: Mapped[str]  # keyed: the same patient values give the same hash, and nobody can guess them
    features: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)  # None: only the hash is kept


_PREDICTION: Final = Statement.inserting(PredictionRow)


@dataclass(frozen=True, slots=True)
class Predictions:
    """Writes the log. What went into an estimate is kept as a keyed hash, or as it is where the site says so."""

    secret: bytes
    store_features: bool = False

    def keep(self, session: Session, referral: Referral, assessment: Assessment, at: datetime) -> None:
        """Adds the estimates of one decision to the caller's transaction: one statement, and none without estimates."""
        rows = [self._row(one, referral, at) for one in predictions_of(assessment)]
        if rows:
            with linked(session) as link:
                link.insert_all(_PREDICTION, rows)

    def _row(self, prediction: Prediction, referral: Referral, at: datetime) -> dict[str, Any]:
        features = dict(prediction.features)
        return {
            "tenant_id": referral.tenant_id,
            "referral_id": referral.id,
            "at": at,
            "model": prediction.model,
            "version": prediction.version,
            "score": prediction.score,
            "band": prediction.band,
            "confidence": prediction.confidence,
            "features_hash": features_hash(self.secret, features),
            "features": features if self.store_features else None,
        }


def features_hash(secret: bytes, features: Mapping[str, float | None]) -> str:
    """A keyed hash of what a model was told."""
    told = json.dumps(features, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(b"prediction/" + secret, told, hashlib.sha256).hexdigest()


def newest(session: Session, tenant_id: str, model: str, most: int) -> list[PredictionRow]:
    """The last `most` predictions of a model, one for each referral: a chart that is opened often counts once."""
    last = (
        sa.select(sa.func.max(PredictionRow.id))
        .where(PredictionRow.tenant_id == tenant_id, PredictionRow.model == model)
        .group_by(PredictionRow.referral_id)
    )
    found = sa.select(PredictionRow).where(PredictionRow.id.in_(last)).order_by(PredictionRow.id.desc()).limit(most)
    return list(session.scalars(found))
