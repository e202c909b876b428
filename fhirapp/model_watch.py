"""The last predictions of a model beside its training: drift, scores by group, and calibration once outcomes are in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.predictions import PredictionRow, newest
from fhirapp.referrals.referral import Referral, ReferralEvent
from fhirapp.referrals.status import State
from mappings.outcomes import HORIZON_YEARS, UPTAKE
from models.artifact import Artifact
from models.drift import SCORE, Drift, drift_of

FEWEST: Final = 20  # people with an outcome before a ratio says anything
_CAME: Final = frozenset({State.BASELINE_DONE, State.ENROLLED, State.COMPLETED})
_SAID_NO: Final = frozenset({State.DECLINED, State.OPTED_OUT, State.TRANSFERRED, State.ERROR})


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the people: how many, what they were told on average, and what came of those whose time is over."""

    name: str
    people: int
    refused: int
    mean_score: float | None
    known: int  # with an outcome
    observed: float
    expected: float

    @property
    def ratio(self) -> float | None:
        """Observed over expected; `None` while too few outcomes are in."""
        return self.observed / self.expected if self.known >= FEWEST and self.expected else None


@dataclass(frozen=True, slots=True)
class Watch:
    """The report."""

    model: str
    version: str
    people: int
    other_versions: int  # predictions of another version, which are left out
    stored: int  # of whom the input was stored
    drifts: tuple[Drift, ...]
    groups: tuple[Group, ...]


def watch(session: Session, tenant_id: str, artifact: Artifact, most: int, now: datetime) -> Watch:
    """The last `most` predictions of one model at one hospital, one for each referral."""
    found = newest(session, tenant_id, artifact.spec.name, most)
    rows = [row for row in found if row.version == artifact.version]
    kept = [row.features for row in rows if row.features is not None]
    outcomes = _outcomes(session, tenant_id, artifact.spec.name, rows, now)
    return Watch(
        model=artifact.spec.name,
        version=artifact.version,
        people=len(rows),
        other_versions=len(found) - len(rows),
        stored=len(kept),
        drifts=_drifts(artifact, rows, kept),
        groups=tuple(_groups(rows, outcomes)),
    )


def _drifts(artifact: Artifact, rows: list[PredictionRow], kept: list[dict[str, Any]]) -> tuple[Drift, ...]:
    if not rows:
        return ()
    reference: Mapping[str, Any] = artifact.meta["reference"]
    columns = {SCORE: [row.score for row in rows]}
    if kept:
        columns |= {name: [told.get(name) for told in kept] for name in artifact.spec.features}
    drifts = [drift_of(name, reference[name], np.array(told, dtype=np.float64)) for name, told in columns.items()]
    return tuple(sorted(drifts, key=lambda one: -one.psi))


def _groups(rows: list[PredictionRow], outcomes: Mapping[UUID, float]) -> Iterable[Group]:
    yield _group("everybody", rows, outcomes)
    for name, holds in _GROUPS.items():
        inside = [row for row in rows if row.features is not None and holds(row.features)]
        if inside:
            yield _group(name, inside, outcomes)


def _group(name: str, rows: list[PredictionRow], outcomes: Mapping[UUID, float]) -> Group:
    told = [row.score for row in rows if row.score is not None]
    done = [
        (outcomes[row.referral_id], row.score) for row in rows if row.referral_id in outcomes and row.score is not None
    ]
    return Group(
        name=name,
        people=len(rows),
        refused=len(rows) - len(told),
        mean_score=sum(told) / len(told) if told else None,
        known=len(done),
        observed=sum(label for label, _ in done),
        expected=sum(score for _, score in done),
    )


def _is(name: str, value: float) -> Callable[[Mapping[str, Any]], bool]:
    return lambda told: told.get(name) == value


def _aged(low: float, high: float) -> Callable[[Mapping[str, Any]], bool]:
    return lambda told: told.get("age_years") is not None and low <= told["age_years"] < high


_GROUPS: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "female": _is("sex_female", 1),
    "male": _is("sex_female", 0),
    "under 55": _aged(0, 55),
    "55-64": _aged(55, 65),
    "65-74": _aged(65, 75),
    "75 and over": _aged(75, 200),
}


def _outcomes(
    session: Session, tenant_id: str, model: str, rows: list[PredictionRow], now: datetime
) -> dict[UUID, float]:
    """What came of each referral, where its time is over; a no is an outcome of its own and not counted.

    Who died or came early is counted no sooner than who did not: else only the early ones would be known.
    """
    found: dict[UUID, float] = {}
    if model not in ("risk", "adherence"):
        return found  # what the later stages estimate is counted by a programme, not seen by a referral
    theirs = (Referral.tenant_id == tenant_id, Referral.id.in_([row.referral_id for row in rows]))
    referrals = {referral.id: referral for referral in session.scalars(sa.select(Referral).where(*theirs))}
    for row in rows:
        referral = referrals[row.referral_id]
        label = _died(referral, row.at, now) if model == "risk" else _came(session, referral, row.at, now)
        if label is not None:
            found[row.referral_id] = label
    return found


def _died(referral: Referral, at: datetime, now: datetime) -> float | None:
    end = at + timedelta(days=365.25 * HORIZON_YEARS)
    if now < end:
        return None
    died = referral.status is State.DEPARTED and referral.reason_code == "OO-DIED"
    return float(died and referral.state_since <= end)


def _came(session: Session, referral: Referral, at: datetime, now: datetime) -> float | None:
    """Came to the programme within 60 days of the release. Source: modelling.md section 5, "Uptake"."""
    start = referral.signed_at or at
    if now < start + UPTAKE or referral.status in _SAID_NO or referral.status is State.DEPARTED:
        return None
    query = sa.select(ReferralEvent.at).where(
        ReferralEvent.tenant_id == referral.tenant_id,
        ReferralEvent.referral_id == referral.id,
        ReferralEvent.state_after.in_([state.value for state in _CAME]),
    )
    begun = session.scalars(query.order_by(ReferralEvent.id)).first()
    return float(begun is not None and begun <= start + UPTAKE)
