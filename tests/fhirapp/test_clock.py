"""The one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from fhirapp.clock import DatabaseClock
from fhirapp.db.base import Sessions


def test_the_clock_tells_an_aware_moment_that_goes_on_and_asks_a_server_seldom(sessions: Sessions) -> None:
    asked: list[str] = []
    sa.event.listen(sessions.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    clock = DatabaseClock(sessions)
    told = [clock() for _ in range(50)]
    assert told == sorted(told)
    assert all(one.tzinfo is UTC for one in told)
    assert abs(told[-1] - datetime.now(UTC)) < timedelta(seconds=20)
    assert len(asked) == (1 if sessions.engine.dialect.name == "postgresql" else 0)


def test_every_process_sees_at_once_that_a_demo_has_moved_the_clock(sessions: Sessions) -> None:
    ours, theirs = DatabaseClock(sessions, movable=True), DatabaseClock(sessions, movable=True)
    before = theirs()
    ours.move(timedelta(days=3))
    assert timedelta(days=3) <= theirs() - before < timedelta(days=3, minutes=1)


def test_the_clock_of_a_real_installation_cannot_be_moved(sessions: Sessions) -> None:
    with pytest.raises(PermissionError):
        DatabaseClock(sessions).move(timedelta(days=1))
