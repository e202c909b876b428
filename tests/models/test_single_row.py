"""The quick way through the trees gives the same bits as the slow one, from every thread."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from models.booster import load_estimators
from models.catalogue import SPECS
from models.single_row import SingleRow

MODELS = load_estimators().models


def rows_for(name: str, count: int = 300) -> np.ndarray:
    """Made-up rows with gaps, over and beyond what people can have."""
    rng = np.random.default_rng(8)
    rows = rng.normal(30, 40, size=(count, len(SPECS[name].features)))
    rows[rng.random(rows.shape) < 0.3] = np.nan
    return rows


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_bit_is_that_of_the_slow_way(name):
    booster, rows = MODELS[name].booster, rows_for(name)
    single = SingleRow(booster)
    assert single.is_fast, "LightGBM has moved the call that we rely on"
    slow = booster.predict(rows, raw_score=True, num_threads=1)
    assert [single.raw(row[None]) for row in rows] == slow.tolist()


def test_the_slow_way_is_taken_where_the_call_is_missing(monkeypatch):
    booster, rows = MODELS["risk"].booster, rows_for("risk", 5)
    single = SingleRow(booster)
    fast = [single.raw(row[None]) for row in rows]
    monkeypatch.setattr(single, "handle", None)
    assert not single.is_fast
    assert [single.raw(row[None]) for row in rows] == fast


def test_threads_do_not_mix_their_answers():
    booster, rows = MODELS["risk"].booster, rows_for("risk")
    single, expected = SingleRow(booster), booster.predict(rows, raw_score=True, num_threads=1).tolist()
    wrong: list[int] = []

    def ask(turn: int) -> None:
        for i in (turn * 37 + n for n in range(2000)):
            if single.raw(rows[i % len(rows)][None]) != expected[i % len(rows)]:
                wrong.append(i)

    threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_row_of_another_length_is_refused_never_read_beyond_its_end():
    with pytest.raises(ValueError, match="columns expected"):
        SingleRow(MODELS["risk"].booster).raw(np.zeros((1, 3)))


def test_a_row_that_lies_apart_in_memory_is_read_rightly():
    rows = np.asfortranarray(rows_for("risk"))
    single = SingleRow(MODELS["risk"].booster)
    assert single.raw(rows[7:8]) == single.raw(np.ascontiguousarray(rows[7:8]))
