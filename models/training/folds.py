"""Splits people, never rows, so that nobody is on both sides of a fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def folds_of(person: Sequence[str], label: NDArray[np.float64], count: int, seed: int) -> NDArray[np.int64]:
    """The fold, 0 to `count - 1`, of each row: whole people, with like shares of the outcome."""
    _, index = np.unique(np.asarray(person, dtype=object).astype(str), return_inverse=True)
    outcome = np.zeros(index.max() + 1)
    np.maximum.at(outcome, index, label)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(outcome))
    shuffled = np.concatenate([order[outcome[order] == 0], order[outcome[order] == 1]])
    fold = np.empty(len(outcome), dtype=np.int64)
    fold[shuffled] = np.arange(len(shuffled)) % count
    return fold[index]
