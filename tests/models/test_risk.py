"""The committed risk model keeps what its card promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.artifact import CARD_FILE, INSTALLED, MODEL_FILE, open_artifact
from models.booster import Model
from models.features import FEATURES
from models.risk import RISK
from models.training.card import card_of
from models.training.masking import stress
from models.training.metrics import auc, expit, line_of_odds, logit, observed_over_expected
from models.training.recipe import RISK_RECIPE
from models.training.table import read_table

ARTIFACT = open_artifact(RISK)
FIGURES = ARTIFACT.meta["figures"]
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def test_discrimination_and_calibration_reach_what_was_asked():
    assert FIGURES["overall"]["auc"][0] >= 0.855
    assert 0.90 <= FIGURES["overall"]["calibration_slope"] <= 1.10
    assert FIGURES["overall"]["brier"] <= 0.072


def test_the_trees_beat_the_logistic_check_on_the_same_folds():
    assert FIGURES["overall"]["auc"][0] > FIGURES["logistic_check"]["auc"][0]
    assert FIGURES["overall"]["brier"] < FIGURES["logistic_check"]["brier"]


@pytest.mark.parametrize("case", FIGURES["missing"])
def test_thin_charts_are_scored_sanely(case):
    assert 0.85 <= FIGURES["missing"][case]["observed_over_expected"] <= 1.20


def test_cancer_survivors_are_told_apart():
    survivors = next(group for group in FIGURES["groups"] if group["group"] == "cancer survivors")
    assert survivors["auc"][0] >= 0.79


def test_no_group_is_far_off_unless_the_card_says_what_is_done():
    card = (ARTIFACT.folder / CARD_FILE).read_text(encoding="utf-8")
    for group in FIGURES["groups"]:
        low, high = group.get("observed_over_expected", [1, 1, 1])[1:]
        if not low <= 1 <= high:
            assert f"**{group['group']}**: says too" in card
            assert "Action:" in card


def test_the_card_is_what_its_numbers_write():
    card = (ARTIFACT.folder / CARD_FILE).read_text(encoding="utf-8")
    assert card == card_of(RISK_RECIPE, ARTIFACT.meta)


def test_mortality_is_named_as_what_it_is_and_supervision_is_not_claimed():
    card = (ARTIFACT.folder / CARD_FILE).read_text(encoding="utf-8")
    assert RISK.meaning.render() == "Death from any cause within five years"
    assert "It does not say who needs supervision" in card


def test_the_model_file_is_small():
    assert (INSTALLED / "risk" / ARTIFACT.version / MODEL_FILE).stat().st_size < 300_000


def test_more_of_what_harms_never_lowers_the_estimate():
    model, rng = Model(ARTIFACT), np.random.default_rng(11)
    spans = {"age_years": (40, 80), "smoking": (0, 2), "self_rated_health": (1, 5), "weight_kg": (45, 140),
             "height_cm": (150, 195), "body_mass_index": (17, 45), "years_since_cancer_diagnosis": (0, 30)}  # fmt: skip
    rows = np.column_stack(
        [rng.integers(low, high + 1, 200) for low, high in (spans.get(n, (0, 1)) for n in RISK.features)]
    )
    rows = rows.astype(float)
    for name, sign in RISK.monotone.items():
        column = RISK.features.index(name)
        low, high = spans.get(name, (0, 1))
        less, more = rows.copy(), rows.copy()
        less[:, column], more[:, column] = low, high
        step = model.booster.predict(more, num_threads=1) - model.booster.predict(less, num_threads=1)
        assert (sign * step >= -1e-12).all(), name


@pytest.mark.shared
def test_the_committed_model_scores_its_own_table_as_well_as_it_says():
    if not (SHARED / RISK_RECIPE.table).exists():
        pytest.skip("needs ../shared beside the checkout")
    table = read_table(SHARED / RISK_RECIPE.table, RISK.features, RISK_RECIPE.label)
    assert table.sha256 == ARTIFACT.meta["data"]["sha256"]
    model = Model(ARTIFACT)
    odds = ARTIFACT.intercept + ARTIFACT.slope * model.booster.predict(table.rows, raw_score=True, num_threads=1)
    # Seen in training, so a little better than cross-validation, and by no more than a small model can be.
    assert 0.0 < auc(table.label, odds).value - FIGURES["overall"]["auc"][0] < 0.03
    assert 0.95 < line_of_odds(table.label, odds)[1] < 1.25
    thin = stress(table.rows, RISK.features, seed=1)["only age and sex"]
    alone = ARTIFACT.intercept + ARTIFACT.slope * model.booster.predict(thin, raw_score=True, num_threads=1)
    assert 0.85 < observed_over_expected(table.label, expit(alone)).value < 1.20
    assert logit(expit(odds)) == pytest.approx(odds)


def test_nothing_in_the_model_reads_race_wearables_or_the_survey():
    names = " ".join((*RISK.features, *(FEATURES[name].fhir for name in RISK.features)))
    assert not any(word in names for word in ("race", "ethnic", "wearable", "steps", "survey", "person_id"))
