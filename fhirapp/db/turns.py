"""Writers of one SQLite file take turns, instead of asking again and again whether the lock is free."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PATIENCE_S: Final = 30.0  # then SQLite's own lock decides, and says so
_FIRST_NAP_S, _LONGEST_NAP_S = 0.00005, 0.001


class Turns:
    """One writer at a time, over all threads and processes of this machine.

    SQLite lets whoever finds the file locked sleep for up to a tenth of a second, in no order; with thirty-two
    threads a call then waits a quarter of a second for a write of two milliseconds. Here the threads of a process
    queue on a lock, so that no more than one of each process looks at the file, and often.
    """

    def __init__(self, beside: Path) -> None:
        self._path = beside.with_name(f"{beside.name}.turn")
        self._lock = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn; it ends with the block, and with the process."""
        got = self._lock.acquire(timeout=PATIENCE_S)
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                _wait_for(handle)
                yield
            finally:
                os.close(handle)  # gives the file's lock back
        finally:
            if got:
                self._lock.release()


def _wait_for(handle: int) -> None:
    ends, nap = time.monotonic() + PATIENCE_S, _FIRST_NAP_S
    while time.monotonic() < ends:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(nap)
            nap = min(nap * 1.5, _LONGEST_NAP_S)
