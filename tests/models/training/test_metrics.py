"""Measures against hand-worked values and against slow, plain definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training import metrics

PEOPLE = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=4, max_size=40).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)


def columns(rows):
    label, score = zip(*rows, strict=True)
    return np.array(label, dtype=float), np.array(score, dtype=float) / 8 + 0.05


@given(PEOPLE)
def test_the_area_is_the_share_of_pairs_in_the_right_order_and_ties_count_half(rows):
    label, score = columns(rows)
    pairs = [(a > b) + (a == b) / 2 for a in score[label == 1] for b in score[label == 0]]
    found = metrics.auc(label, score)
    assert found.value == pytest.approx(np.mean(pairs))
    assert found.low <= found.value <= found.high


@given(PEOPLE)
def test_equal_weights_change_no_area_and_a_weight_of_two_is_two_people(rows):
    label, score = columns(rows)
    assert metrics.weighted_auc(label, score, np.full(len(label), 3.0)) == pytest.approx(
        metrics.auc(label, score).value
    )
    double = np.concatenate([label, label[:1]]), np.concatenate([score, score[:1]])
    weight = np.ones(len(label))
    weight[0] = 2
    assert metrics.weighted_auc(label, score, weight) == pytest.approx(metrics.auc(*double).value)


def test_delongs_interval_is_that_of_a_worked_example():
    # Cases 0.8, 0.6, 0.4 and others 0.7, 0.3, 0.2: seven of nine pairs in order.
    label = np.array([1, 1, 1, 0, 0, 0.0])
    score = np.array([0.8, 0.6, 0.4, 0.7, 0.3, 0.2])
    cases, others = [1, 2 / 3, 2 / 3], [1 / 3, 1, 1]
    half = 1.96 * math.sqrt(np.var(cases, ddof=1) / 3 + np.var(others, ddof=1) / 3)
    found = metrics.auc(label, score)
    assert found.value == pytest.approx(7 / 9)
    assert found.low == pytest.approx(7 / 9 - half)
    assert found.high == 1.0


@given(st.floats(-2, 2), st.floats(0.3, 2.5))
def test_the_line_through_log_odds_finds_the_line_that_made_the_outcome(intercept, slope):
    grid = np.linspace(-3, 3, 61)
    chance = metrics.expit(intercept + slope * grid)
    # Weighted by copies: a label of 1 for the chance, of 0 for the rest, in parts of a thousand.
    ones = np.round(chance * 1000).astype(int)
    odds = np.concatenate([np.repeat(grid, ones), np.repeat(grid, 1000 - ones)])
    label = np.concatenate([np.ones(ones.sum()), np.zeros(len(odds) - ones.sum())])
    assert metrics.line_of_odds(label, odds) == pytest.approx((intercept, slope), abs=0.02)


def test_a_line_through_scores_that_are_far_too_sure_is_found_all_the_same():
    rng = np.random.default_rng(2)
    odds = rng.normal(size=3000) * 9
    label = (rng.random(3000) < metrics.expit(0.05 * odds)).astype(float)
    intercept, slope = metrics.line_of_odds(label, odds)
    assert slope == pytest.approx(0.05, abs=0.01)
    assert intercept == pytest.approx(0.0, abs=0.1)


def test_one_score_for_everybody_gives_the_rate_and_no_slope():
    assert metrics.line_of_odds(np.array([1, 0, 0, 0.0]), np.zeros(4)) == pytest.approx((math.log(1 / 3), 0.0))


def test_a_perfect_order_does_not_break_the_line():
    found = metrics.line_of_odds(np.array([0, 0, 1, 1.0]), np.array([-2, -1, 1, 2.0]))
    assert all(math.isfinite(part) for part in found)


def test_calibration_in_the_large_is_the_shift_that_makes_the_count_right():
    label, odds = np.array([1, 0, 0, 0.0]), np.zeros(4)
    assert metrics.calibration_in_the_large(label, odds) == pytest.approx(math.log(1 / 3))


def test_observed_over_expected_and_brier_and_loss_by_hand():
    label, probability = np.array([1, 0, 0, 1.0]), np.array([0.5, 0.25, 0.25, 0.5])
    assert metrics.observed_over_expected(label, probability).value == pytest.approx(2 / 1.5)
    assert metrics.brier(label, probability) == pytest.approx((0.25 + 0.0625 + 0.0625 + 0.25) / 4)
    assert metrics.log_loss(label, probability) == pytest.approx(-(2 * math.log(0.5) + 2 * math.log(0.75)) / 4)


def test_average_precision_by_hand():
    # In order of score: case, other, case. Precision at the cases: 1 and 2/3.
    assert metrics.average_precision(np.array([1, 0, 1.0]), np.array([0.9, 0.5, 0.1])) == pytest.approx(5 / 6)


def test_net_benefit_counts_a_false_alarm_at_the_odds_of_the_threshold():
    label, probability = np.array([1, 0, 0, 0.0]), np.array([0.9, 0.9, 0.1, 0.1])
    assert metrics.net_benefit(label, probability, 0.2) == pytest.approx(0.25 - 0.25 * 0.25)


@given(st.floats(-20, 20))
def test_logit_undoes_expit(odds):
    assert metrics.logit(metrics.expit(np.array([odds])))[0] == pytest.approx(odds, abs=1e-6)
