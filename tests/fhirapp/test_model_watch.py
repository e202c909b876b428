"""The log of predictions beside the training: drift, groups, and calibration once outcomes are in."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from fhirapp.commands.models import watch_text
from fhirapp.db.base import Sessions
from fhirapp.model_watch import Watch, watch
from fhirapp.predictions import PredictionRow
from fhirapp.referrals.referral import Referral, ReferralEvent
from fhirapp.referrals.status import State
from models.artifact import open_artifact
from models.catalogue import SPECS

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
SPACE = UUID("6f3a9b1e-55c3-4a2e-9a6f-0d1c2b3a4e5f")


def a_referral(number: int, state: State, since: datetime, reason: str | None = None) -> Referral:
    return Referral(
        id=uuid5(SPACE, str(number)), tenant_id="city", patient_id=f"p{number}", ordinal=1, state=state.value,
        is_open=False, version=0, opened_at=since, state_since=since, assessed_at=since, verdict="refer", tier="T3",
        destination="D3", prescription_released=False, summary={}, cleared_rules=[], offers=0, reason_code=reason,
    )  # fmt: skip


def filled(
    sessions: Sessions, model: str, scores: list[float], states: list[State], *, at: datetime,
    stored: bool = True, version: str | None = None, age: float | None = None,
) -> None:  # fmt: skip
    """One referral a score; each told on `at`, and in its state ten days later."""
    dice = random.Random(4)
    features = SPECS[model].features
    with sessions.begin() as session:
        for number, (score, state) in enumerate(zip(scores, states, strict=True)):
            dead = state is State.DEPARTED
            referral = a_referral(number, state, at + timedelta(days=10), "OO-DIED" if dead else None)
            session.add(referral)
            session.flush()
            told = {
                **dict.fromkeys(features),
                "age_years": age or float(dice.randint(40, 80)),
                "sex_female": number % 2,
            }
            session.add(
                PredictionRow(
                    tenant_id="city",
                    referral_id=referral.id,
                    at=at,
                    model=model,
                    score=score,
                    band="low",
                    version=version or open_artifact(SPECS[model]).version,
                    confidence="full",
                    features_hash="x",
                    features=told if stored else None,
                )
            )
            if state in (State.ENROLLED, State.COMPLETED):
                session.add(
                    ReferralEvent(
                        tenant_id="city",
                        referral_id=referral.id,
                        at=at + timedelta(days=10),
                        action="enrol",
                        state_before="booked",
                        state_after="enrolled",
                        role="programme",
                        actor="",
                        actor_display="",
                        details={},
                    )
                )


def looked(sessions: Sessions, model: str, now: datetime = NOW, last: int = 1000) -> Watch:
    with sessions() as session:
        return watch(session, "city", open_artifact(SPECS[model]), last, now)


def test_scores_like_those_of_the_training_are_alike_and_all_high_ones_are_not(sessions):
    reference = open_artifact(SPECS["risk"]).meta["reference"]["score"]
    middles = [0.001, *[(a + b) / 2 for a, b in zip(reference["edges"], reference["edges"][1:], strict=False)], 0.9]
    filled(sessions, "risk", middles * 20, [State.ENROLLED] * len(middles) * 20, at=NOW - timedelta(days=9))
    assert next(one for one in looked(sessions, "risk").drifts if one.name == "score").word == "alike"


def test_people_of_one_age_are_seen_to_differ(sessions):
    filled(sessions, "risk", [0.9] * 240, [State.ENROLLED] * 240, at=NOW - timedelta(days=9), age=80.0)
    words = {one.name: one.word for one in looked(sessions, "risk").drifts}
    assert words["score"] == words["age_years"] == "shifted"
    assert words["sex_female"] == "alike"


def test_with_hashes_only_the_score_is_watched_and_the_report_says_how_to_see_more(sessions):
    filled(sessions, "risk", [0.1] * 30, [State.ENROLLED] * 30, at=NOW - timedelta(days=9), stored=False)
    found = looked(sessions, "risk")
    assert [one.name for one in found.drifts] == ["score"]
    assert [group.name for group in found.groups] == ["everybody"]
    assert "STRIDE_PREDICTION_FEATURES=stored" in watch_text(found)


def test_uptake_is_calibrated_once_sixty_days_are_over_and_a_no_is_not_counted(sessions):
    states = [State.ENROLLED] * 30 + [State.QUEUED] * 20 + [State.OPTED_OUT] * 10
    filled(sessions, "adherence", [0.5] * 60, states, at=NOW - timedelta(days=61))
    everybody = looked(sessions, "adherence").groups[0]
    assert (everybody.people, everybody.known, everybody.observed, everybody.expected) == (60, 50, 30, 25.0)
    assert everybody.ratio == pytest.approx(1.2)
    early = looked(sessions, "adherence", now=NOW - timedelta(days=30)).groups[0]
    assert early.known == 0, "those who have come are not counted sooner than those who may still come"


def test_nobody_is_counted_before_five_years_are_over_and_then_the_dead_and_the_living_alike(sessions):
    filled(sessions, "risk", [0.2] * 40, [State.DEPARTED] * 25 + [State.COMPLETED] * 15, at=NOW - timedelta(days=90))
    early = looked(sessions, "risk").groups[0]
    assert (early.known, early.ratio) == (0, None), "of deaths alone a ratio would be far too high"
    later = looked(sessions, "risk", now=NOW + timedelta(days=1830)).groups[0]
    assert (later.known, later.observed) == (40, 25)
    assert later.ratio == pytest.approx(25 / 8)


def test_groups_have_figures_of_their_own(sessions):
    filled(sessions, "adherence", [0.5, 0.3] * 30, [State.ENROLLED] * 60, at=NOW - timedelta(days=70))
    groups = {group.name: group for group in looked(sessions, "adherence").groups}
    assert (groups["male"].mean_score, groups["female"].mean_score) == (pytest.approx(0.5), pytest.approx(0.3))
    assert "female" in watch_text(looked(sessions, "adherence"))


def test_predictions_of_another_version_are_left_out_and_counted(sessions):
    filled(sessions, "risk", [0.1] * 7, [State.ENROLLED] * 7, at=NOW, version="r0")
    found = looked(sessions, "risk")
    assert (found.people, found.other_versions, found.drifts) == (0, 7, ())
    assert "7 of another version" in watch_text(found)


def test_only_the_last_ones_are_looked_at(sessions):
    filled(sessions, "risk", [0.1] * 20 + [0.3] * 5, [State.ENROLLED] * 25, at=NOW)
    assert looked(sessions, "risk", last=5).groups[0].mean_score == pytest.approx(0.3)
