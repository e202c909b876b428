"""Nobody is scored by a model that saw them: where there is nothing to learn, nothing is found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from models.risk import RISK
from models.training.fit import fit
from models.training.recipe import Settings
from models.training.report import cross_validate
from models.training.table import read_table
from tests.models.training.builders import a_recipe, a_table

GREEDY = (Settings(leaves=15, rounds=60, min_leaf=4, l2=0, rate=0.2),)  # learns any table by heart


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    recipe = a_recipe()
    table = read_table(a_table(tmp_path_factory.mktemp("noise") / "t.csv", people=500), RISK.features, recipe.label)
    return dataclasses.replace(table, label=np.random.default_rng(8).integers(0, 2, len(table)).astype(float))


def test_a_model_that_learned_noise_by_heart_is_found_out_by_cross_validation(noise):
    figures = cross_validate(a_recipe(candidates=GREEDY), noise, 1, lambda *_: None)
    assert 0.42 < figures["overall"]["auc"][0] < 0.58


def test_calibration_of_noise_lets_no_score_stand(noise):
    fitted = fit(a_recipe(candidates=GREEDY), noise.rows, noise.label, noise.person, seed=1)
    assert abs(fitted.slope) < 0.3


def test_the_settings_with_the_smaller_loss_on_held_out_people_are_chosen(tmp_path):
    recipe = a_recipe()
    table = read_table(a_table(tmp_path / "t.csv", people=500), RISK.features, recipe.label)
    modest = recipe.candidates[0]
    fitted = fit(a_recipe(candidates=(*GREEDY, modest)), table.rows, table.label, table.person, seed=1)
    assert fitted.settings == modest


def test_the_people_of_one_fold_are_told_apart_from_those_of_another(noise):
    twice = dataclasses.replace(
        noise, rows=np.vstack([noise.rows] * 2), label=np.tile(noise.label, 2), person=noise.person * 2,
        records=noise.records * 2,
    )  # fmt: skip
    figures = cross_validate(a_recipe(candidates=GREEDY), twice, 1, lambda *_: None)
    # A twin in the training part would give the answer away: the split is by person, not by row.
    assert figures["overall"]["auc"][0] < 0.6
