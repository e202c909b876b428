"""People who went out of sight are made up for by those who stayed: no outcome is counted too often."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.censoring import LEAST_IN_SIGHT, weights_of

HORIZON = 365.0


def test_the_share_who_died_is_found_although_half_were_lost() -> None:
    rng = np.random.default_rng(7)
    death, gone = rng.exponential(HORIZON / 0.36, 20_000), rng.exponential(HORIZON / 0.7, 20_000)
    truth = float((death <= HORIZON).mean())
    time = np.minimum(np.minimum(death, gone), HORIZON)
    outcome = [1.0 if d == t else 0.0 if t == HORIZON else None for d, t in zip(death, time, strict=True)]
    known = np.array([one is not None for one in outcome])
    label = np.array([one or 0.0 for one in outcome])
    assert label[known].mean() - truth > 0.07, "leaving out the others counts the dead too often"
    weight = weights_of(np.ceil(time).tolist(), outcome)
    assert np.average(label, weights=weight) == pytest.approx(truth, abs=0.015)


def test_two_of_four_lost_before_the_horizon_count_for_those_who_stayed() -> None:
    found = weights_of([10, 20, 30, 100], [1.0, None, None, 0.0])
    assert found.tolist() == pytest.approx([1.0, 0.0, 0.0, 3.0])


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from([1.0, 0.0, None])), min_size=1, max_size=40))
def test_nobody_lost_counts_and_nobody_known_counts_for_less_than_one(people: list[tuple[int, float | None]]) -> None:
    found = weights_of([time for time, _ in people], [outcome for _, outcome in people])
    for weight, (_, outcome) in zip(found, people, strict=True):
        assert weight == 0.0 if outcome is None else 1.0 <= weight <= 1 / LEAST_IN_SIGHT + 1e-9
