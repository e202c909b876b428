"""One row through the trees in a few microseconds: LightGBM's own single-row call, prepared once for each thread.

`Booster.predict` spends 20 us on checks around 3 us of trees (performance.md, section 3.3). The call below is part of
LightGBM's published C interface; that it is reached through two private Python names is why a test compares every
bit with `Booster.predict`, and why the slow way is taken when one of them is missing.

Source: LightGBM C API, LGBM_BoosterPredictForMatSingleRowFastInit and LGBM_BoosterPredictForMatSingleRowFast.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray

_FLOAT64: Final = 1
_RAW_SCORE: Final = 1
_SETTINGS: Final = b"num_threads=1"


class SingleRow:
    """The raw score of one row; safe to ask from several threads."""

    def __init__(self, booster: lightgbm.Booster) -> None:
        self.booster = booster
        self.columns = booster.num_feature()
        self.library: Any = getattr(lightgbm.basic, "_LIB", None)
        self.handle: Any = getattr(booster, "_handle", None)
        self.local = threading.local()

    @property
    def is_fast(self) -> bool:
        """Whether this LightGBM has the quick call where we look for it."""
        return self.handle is not None and hasattr(self.library, "LGBM_BoosterPredictForMatSingleRowFast")

    def raw(self, row: NDArray[np.float64]) -> float:
        """The raw score of a row of shape `(1, columns)`."""
        if not self.is_fast:
            # Without num_threads a busy neighbour makes 20 us into 16 ms (performance.md, LightGBM threads).
            slow: Any = self.booster.predict(row, raw_score=True, num_threads=1)
            return float(slow[0])
        if row.shape != (1, self.columns):
            raise ValueError(f"one row of {self.columns} columns expected, not {row.shape}")
        data = np.ascontiguousarray(row, dtype=np.float64)
        ask: _Prepared | None = getattr(self.local, "ask", None)
        if ask is None:
            ask = self.local.ask = _Prepared(self.library, self.handle, self.columns)
        return ask(data)


class _Prepared:
    """The prepared call of one thread: the library keeps its settings, we keep where the answer goes."""

    def __init__(self, library: Any, handle: Any, columns: int) -> None:
        self.library, self.settings = library, ctypes.c_void_p()
        self.length, self.answer = ctypes.c_int64(), ctypes.c_double()
        self.where = ctypes.byref(self.length), ctypes.byref(self.answer)
        self.call = library.LGBM_BoosterPredictForMatSingleRowFast
        done = library.LGBM_BoosterPredictForMatSingleRowFastInit(
            handle,
            ctypes.c_int(_RAW_SCORE),
            ctypes.c_int(0),
            ctypes.c_int(-1),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(columns),
            ctypes.c_char_p(_SETTINGS),
            ctypes.byref(self.settings),
        )
        _check(library, done)

    def __call__(self, data: NDArray[np.float64]) -> float:
        _check(self.library, self.call(self.settings, ctypes.c_void_p(data.ctypes.data), *self.where))
        return self.answer.value

    def __del__(self) -> None:
        if self.settings:
            self.library.LGBM_FastConfigFree(self.settings)


def _check(library: Any, done: int) -> None:
    if done != 0:
        library.LGBM_GetLastError.restype = ctypes.c_char_p
        raise lightgbm.basic.LightGBMError(library.LGBM_GetLastError().decode("utf-8", "replace"))
