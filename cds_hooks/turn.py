"""One call at a time works out its answer; the others wait for network or database meanwhile, or for their turn.

Python runs one thread of a process at a time anyhow. Left alone, sixteen calls each hold a decoded chart of megabytes
and hand the interpreter round at every disk write, up to five milliseconds a time: the last is done when all are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turn:
    """The turn of one process. A thread that waits for anybody steps aside."""

    def __init__(self) -> None:
        self._lock, self._mine = threading.Lock(), threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Work during the block."""
        self._take()
        try:
            yield
        finally:
            self._give_back()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others work during the block, which waits for something; without a turn it is just run."""
        if not getattr(self._mine, "held", False):
            yield
            return
        self._give_back()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        self._lock.acquire()
        self._mine.held = True

    def _give_back(self) -> None:
        self._mine.held = False
        self._lock.release()
