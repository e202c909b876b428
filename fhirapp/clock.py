"""The one clock of the service: the database's, plus an offset that only a demo or a test may set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fhirapp.db.base import Base, Sessions


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

    def __call__(self) -> datetime:
        if not self._server and not self._movable:
            return datetime.now(UTC)
        with self._sessions() as session, session.begin():
            now = (
                session.execute(sa.select(sa.func.clock_timestamp())).scalar_one().astimezone(UTC)
                if self._server
                else datetime.now(UTC)
            )
            if self._movable:
                now += timedelta(seconds=session.execute(sa.select(ClockOffset.seconds)).scalar() or 0)
            return now

    def move(self, by: timedelta) -> None:
        """Move the clock of every process; raises `PermissionError` unless the clock may be moved."""
        if not self._movable:
            raise PermissionError("the clock may be moved only in a demo or a test")
        with self._sessions.begin() as session:
            row = session.get(ClockOffset, 1) or ClockOffset(id=1, seconds=0)
            row.seconds += by.total_seconds()
            session.add(row)
