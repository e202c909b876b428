"""What each person counts for where others went out of sight: inverse probability of censoring weights.

Who died early is known to have died, however soon the record ends; who lived must have been seen after the horizon.
To leave out the others alone would count the dead too often. So each person who is known counts for those like them who
were lost: one over the share that was still in sight at that time (Kaplan and Meier's estimate of censoring).
Source: modelling.md section 5, "Death"; Robins and Finkelstein, 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

LEAST_IN_SIGHT: Final = 0.05  # nobody counts for more than twenty


def weights_of(days: Sequence[float], outcome: Sequence[float | None]) -> Column:
    """What each person counts for; 0 for who was lost.

    `days`: how long each was followed, up to death, the last time seen, or the horizon. `outcome`: 1.0 died, 0.0
    alive at the horizon, `None` lost before it.
    """
    time = np.asarray(days, dtype=np.float64)
    lost = np.array([one is None for one in outcome])
    return np.where(lost, 0.0, 1.0 / np.maximum(_share_in_sight(time, lost), LEAST_IN_SIGHT))


def _share_in_sight(time: Column, lost: NDArray[np.bool_]) -> Column:
    """For each person the share of all who were not lost before that person's time."""
    moments, count = np.unique(time[lost], return_counts=True)
    in_sight = len(time) - np.searchsorted(np.sort(time), moments, side="left")
    share = np.concatenate(([1.0], np.cumprod(1.0 - count / in_sight)))
    return share[np.searchsorted(moments, time, side="left")]
