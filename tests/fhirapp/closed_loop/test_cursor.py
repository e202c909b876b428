"""How far an EHR was read: never back, never past what is not done, and each version once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fhirapp.closed_loop.cursor import OVERLAP, Cursors
from fhirapp.db.base import Sessions

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_the_first_look_begins_nowhere_and_the_next_before_the_last(sessions: Sessions) -> None:
    cursors = Cursors(sessions, "ward")
    assert cursors.look("Task").begins is None
    cursors.done("Task", NOON, [])
    assert cursors.look("Task").begins == NOON - OVERLAP


def test_a_clock_that_goes_back_takes_the_cursor_with_it_nowhere(sessions: Sessions) -> None:
    cursors = Cursors(sessions, "ward")
    cursors.done("Task", NOON, [])
    cursors.done("Task", NOON - timedelta(hours=3), [])
    assert cursors.look("Task").since == NOON


def test_what_was_seen_is_known_while_the_overlap_shows_it_again_and_forgotten_after(sessions: Sessions) -> None:
    cursors = Cursors(sessions, "ward")
    cursors.done("Task", NOON, [("Task/1|1", NOON - timedelta(minutes=1)), ("Task/2|1", NOON - timedelta(minutes=9))])
    assert set(cursors.look("Task").seen) == {"Task/1|1"}
    cursors.done("Task", NOON + timedelta(minutes=3), [("Task/3|1", NOON)])
    assert set(cursors.look("Task").seen) == {"Task/1|1", "Task/3|1"}
    cursors.done("Task", NOON + timedelta(minutes=30), [])
    assert set(cursors.look("Task").seen) == set()


def test_each_kind_and_each_tenant_has_its_own(sessions: Sessions) -> None:
    Cursors(sessions, "ward").done("Task", NOON, [("Task/1|1", NOON)])
    assert Cursors(sessions, "ward").look("Observation").since is None
    assert Cursors(sessions, "other").look("Task").since is None
