"""Brings to disk soon what a commit did not wait for, and empties SQLite's log outside anybody's call."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import Engine

WITHIN_S: Final = 0.1  # of a hasty commit its rows are on disk: so much a power cut may take
LOG_BYTES: Final = 4_000_000  # then the log is written back into the database


class Syncing:
    """One timer for any number of commits.

    SQLite would write its log back inside the commit that makes it a thousand pages long: that call then pays for a
    hundred others. `synchronous=NORMAL` alone would leave its pages to the machine for half a minute.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._log = Path(f"{engine.url.database}-wal")
        self._lock, self._timer_of = threading.Lock(), 0  # the process whose timer runs; a fork has none

    def soon(self) -> None:
        """There is something to bring to disk."""
        mine = os.getpid()
        if self._timer_of == mine:
            return
        with self._lock:
            if self._timer_of == mine:
                return
            self._timer_of = mine
        timer = threading.Timer(WITHIN_S, self._run)
        timer.daemon = True
        timer.start()

    def _run(self) -> None:
        self._timer_of = 0  # first: what is written from here on gets a timer of its own
        self.now()

    def now(self) -> None:
        """Bring it to disk; a log that has gone meanwhile was brought there by whoever removed it."""
        try:
            handle = os.open(self._log, os.O_RDWR)
        except FileNotFoundError:
            return
        try:  # SQLite locks other files than this one, so that closing it takes no lock away
            os.fsync(handle)
            length = os.fstat(handle).st_size
        finally:
            os.close(handle)
        if length > LOG_BYTES:
            self._write_back()

    def _write_back(self) -> None:
        connection: Any = self._engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()
        finally:
            connection.close()
