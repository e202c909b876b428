"""The one clock of the service: the database's, plus an offset that only a demo or a test may set."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fhirapp.db.base import Base, Sessions

READ_EVERY_S: Final = 10.0  # a server is asked for its time no more often: our own counter is exact for so long


class Clock(Protocol):
    """Tells an aware moment in UTC."""

    def __call__(self) -> datetime: ...


class ClockOffset(Base):
    """How far a demo has moved the clock; one row at most. All processes of the service see it."""

    __tablename__ = "clock_offset"

    id: Mapped[int] = mapped_column(primary_key=True)
    seconds: Mapped[float]


class DatabaseClock:
    """The clock that all processes share.

    On PostgreSQL it is the server's clock, so that pods with skewed clocks agree. SQLite has no server: there it is
    this machine's. `movable` reads the offset as well; it is refused in production by `Config`.
    """

    def __init__(self, sessions: Sessions, *, movable: bool = False) -> None:
        self._sessions = sessions
        self._movable = movable
        self._server = sessions.engine.dialect.name != "sqlite"
        self._read: tuple[datetime, float] | None = None  # the server's time, and our own counter at that moment

    def __call__(self) -> datetime:
        now = self._server_time() if self._server else datetime.now(UTC)
        return now + self._offset() if self._movable else now

    def _server_time(self) -> datetime:
        """The server's time as read within the last seconds, and what has passed since by our own counter."""
        passed = time.monotonic() - self._read[1] if self._read else READ_EVERY_S
        if self._read is None or passed >= READ_EVERY_S:
            with self._sessions() as session:
                told = session.execute(sa.select(sa.func.clock_timestamp())).scalar_one().astimezone(UTC)
            self._read, passed = (told, time.monotonic()), 0.0
        return self._read[0] + timedelta(seconds=passed)

    def _offset(self) -> timedelta:
        with self._sessions() as session:
            return timedelta(seconds=session.execute(sa.select(ClockOffset.seconds)).scalar() or 0)

    def move(self, by: timedelta) -> None:
        """Move the clock of every process; raises `PermissionError` unless the clock may be moved."""
        if not self._movable:
            raise PermissionError("the clock may be moved only in a demo or a test")
        with self._sessions.begin() as session:
            row = session.get(ClockOffset, 1) or ClockOffset(id=1, seconds=0)
            row.seconds += by.total_seconds()
            session.add(row)
