"""The committed adherence model is weak, says so, and may only add support."""

from __future__ import annotations

import pytest

from models.adherence import ADHERENCE
from models.artifact import CARD_FILE, open_artifact
from models.training.card import card_of
from models.training.recipe import ADHERENCE_RECIPE

ARTIFACT = open_artifact(ADHERENCE)
FIGURES = ARTIFACT.meta["figures"]
CARD = (ARTIFACT.folder / CARD_FILE).read_text(encoding="utf-8")


def test_it_was_trained_on_the_label_that_activity_corroborates():
    assert ARTIFACT.meta["data"]["label"] == "took_up_exercise_corroborated_by_activity_report"


def test_discrimination_and_calibration_are_as_good_as_the_data_allow():
    assert 0.675 <= FIGURES["overall"]["auc"][0] <= 0.72
    assert 0.85 <= FIGURES["overall"]["calibration_slope"] <= 1.15


def test_the_card_says_without_the_social_block_what_is_left():
    assert FIGURES["missing"]["no social"]["auc"] < FIGURES["overall"]["auc"][0]
    assert "| no social | " in CARD


def test_the_card_is_what_its_numbers_write():
    assert card_of(ADHERENCE_RECIPE, ARTIFACT.meta) == CARD


@pytest.mark.parametrize("words", ["weak", "self-reported", "not attendance", "never block, delay or shorten"])
def test_the_card_says_how_little_it_is(words):
    assert words.lower() in CARD.lower()


def test_a_low_figure_means_more_support_and_nothing_else():
    assert "more support" in ADHERENCE.band_meaning["low"]
    assert not any(word in " ".join(ADHERENCE.band_meaning.values()) for word in ("wait", "later", "refuse"))


def test_no_answer_about_activity_itself_is_a_feature():
    assert not any(word in name for name in ADHERENCE.features for word in ("leisure", "sedentary", "walk_or_cycle"))
