"""The short form, in every run of the tests, and the long one of `make chaos`."""

from __future__ import annotations

import os
import random
from typing import Final

LONG: Final = os.environ.get("STRIDE_CHAOS") == "long"


def seed_of_this_run() -> int:
    """A new seed each time, or the one of STRIDE_CHAOS_SEED, with which a run can be repeated."""
    return int(os.environ.get("STRIDE_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
