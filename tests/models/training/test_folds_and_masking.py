"""Folds keep people together; masks blank whole blocks, never age and sex, and leave one copy whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.persistence import PERSISTENCE
from models.risk import RISK
from models.training.folds import folds_of
from models.training.logistic import fit_logistic
from models.training.masking import COPIES, REPORTED, blocks_of, stress, thinned, without
from models.training.metrics import auc

BLOCKS = blocks_of(RISK.features)
ROWS = np.arange(200.0 * len(RISK.features)).reshape(200, -1)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 1)), min_size=20, max_size=120), st.integers(0, 99))
def test_nobody_is_in_two_folds(rows, seed):
    person = [str(number) for number, _ in rows]
    fold = folds_of(person, np.array([label for _, label in rows], dtype=float), 3, seed)
    assert all(len({f for p, f in zip(person, fold.tolist(), strict=True) if p == one}) == 1 for one in set(person))


def test_folds_have_like_shares_of_the_outcome_and_a_seed_repeats_them():
    label = np.array([1.0] * 30 + [0.0] * 270)
    person = [str(n) for n in range(300)]
    fold = folds_of(person, label, 5, seed=1)
    assert [int(label[fold == one].sum()) for one in range(5)] == [6] * 5
    assert (fold == folds_of(person, label, 5, seed=1)).all()
    assert (fold != folds_of(person, label, 5, seed=2)).any()


def test_the_first_copy_is_whole_and_the_others_lose_blocks_as_one():
    copies = thinned(ROWS, RISK.features, np.random.default_rng(1))
    assert copies.shape == (COPIES * len(ROWS), len(RISK.features))
    assert (copies[: len(ROWS)] == ROWS).all()
    gone = np.isnan(copies[len(ROWS) :])
    for name, columns in BLOCKS.items():
        together = gone[:, columns]
        assert (together.all(axis=1) == together.any(axis=1)).all(), name
        share = together[:, 0].mean()
        assert share == 0 if name == "person" else 0.25 < share < 0.65, name


def test_masking_does_not_touch_the_rows_it_was_given():
    before = ROWS.copy()
    thinned(ROWS, RISK.features, np.random.default_rng(1))
    without(ROWS, RISK.features, "body")
    assert (before == ROWS).all()


def test_the_thinnest_chart_has_age_and_sex_and_the_thickest_has_all():
    cases = stress(ROWS, RISK.features, seed=1)
    left = ~np.isnan(cases["only age and sex"]).all(axis=0)
    assert [name for name, kept in zip(RISK.features, left, strict=True) if kept] == ["age_years", "sex_female"]
    assert (cases["nothing is missing"] == ROWS).all()
    hidden = np.isnan(cases["no patient-reported answers"]).all(axis=0)
    assert {RISK.features[i] for i in np.flatnonzero(hidden)} == {
        RISK.features[column] for name in REPORTED for column in BLOCKS[name]
    }


def test_the_logistic_check_learns_a_line_and_bears_gaps():
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(2000, 3))
    label = (rng.random(2000) < 1 / (1 + np.exp(-2 * rows[:, 0]))).astype(float)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    found = auc(label, fit_logistic(rows, label).probability(rows)).value
    assert found == pytest.approx(0.80, abs=0.05)


def test_some_copies_have_nothing_but_age_and_sex_and_a_waist_goes_missing_most_often():
    rows = np.tile(ROWS, (20, 1))
    gone = np.isnan(thinned(rows, RISK.features, np.random.default_rng(1))[len(rows) :])
    rest = [column for name, columns in BLOCKS.items() if name != "person" for column in columns]
    assert 0.09 < gone[:, rest].all(axis=1).mean() < 0.13
    shares = {name: gone[:, columns[0]].mean() for name, columns in BLOCKS.items()}
    assert max((n for n in shares if n not in REPORTED), key=lambda n: shares[n]) == "waist"


def test_a_model_without_blocks_to_blank_gets_its_rows_once():
    rows = np.ones((7, 3))
    assert thinned(rows, PERSISTENCE.features, np.random.default_rng(1)) is rows
    assert list(stress(rows, PERSISTENCE.features, seed=1)) == ["nothing is missing"]
