"""The stability index: nothing for the same people, more the further they are, gaps counted as a bin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.drift import FEWEST, SCORE, Drift, drift_of, drifts_of, reference_of

COLUMNS = st.lists(st.one_of(st.floats(-50, 50), st.just(math.nan)), min_size=20, max_size=200).map(np.array)


@given(COLUMNS)
def test_the_same_people_have_not_moved_and_no_index_is_negative(column):
    reference = reference_of(column)
    assert drift_of("x", reference, column).psi == pytest.approx(0, abs=1e-4)
    assert sum(reference["shares"]) + reference["unknown"] == pytest.approx(1, abs=1e-4)
    assert drift_of("x", reference, column + 7).psi >= 0


def test_the_index_of_two_shares_by_hand():
    then, now = np.array([0.0] * 50 + [1.0] * 50), np.array([0.0] * 80 + [1.0] * 20)
    by_hand = 0.3 * math.log(0.8 / 0.5) + (-0.3) * math.log(0.2 / 0.5)
    assert drift_of("x", reference_of(then), now).psi == pytest.approx(by_hand)


def test_people_further_away_have_a_higher_index():
    rng = np.random.default_rng(3)
    then = rng.normal(size=5000)
    reference = reference_of(then)
    moved = [drift_of("x", reference, rng.normal(loc=shift, size=5000)).psi for shift in (0, 0.3, 0.6, 1.2)]
    assert moved == sorted(moved)
    assert moved[0] < 0.01
    assert moved[3] > 0.25


def test_values_that_went_missing_are_a_drift():
    then = np.arange(500.0)
    found = drift_of("x", reference_of(then), np.where(then < 200, math.nan, then))
    assert (found.unknown_then, found.unknown_now) == (0.0, 0.4)
    assert found.word == "shifted"


def test_a_column_that_nobody_has_any_more_still_has_an_index():
    found = drift_of("x", reference_of(np.arange(100.0)), np.full(10, math.nan))
    assert math.isfinite(found.psi)
    assert found.psi > 1


@pytest.mark.parametrize(
    ("psi", "word"), [(0.0, "alike"), (0.0999, "alike"), (0.10, "look"), (0.2499, "look"), (0.25, "shifted")]
)
def test_a_word_begins_at_its_limit(psi, word):
    assert Drift("x", psi, 0, 0, FEWEST).word == word


def test_of_a_handful_of_people_nothing_is_said():
    reference = reference_of(np.arange(5000.0))
    assert drift_of("x", reference, np.array([2500.0])).word == "few"
    assert Drift("x", 3.0, 0, 0, FEWEST - 1).word == "few"


def test_the_furthest_column_comes_first_and_the_score_is_one_of_them():
    rng = np.random.default_rng(1)
    rows, scores = rng.normal(size=(500, 2)), rng.random(500)
    reference = {"a": reference_of(rows[:, 0]), "b": reference_of(rows[:, 1]), SCORE: reference_of(scores)}
    rows[:, 1] += 3
    found = drifts_of(reference, ("a", "b"), rows, scores)
    assert found[0].name == "b"
    assert {one.name for one in found} == {"a", "b", SCORE}
