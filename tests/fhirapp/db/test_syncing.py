"""What did not wait for the disk gets there soon, and the log does not grow for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from fhirapp.db import syncing
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.db.direct import Direct
from fhirapp.db.syncing import Syncing

pytestmark = pytest.mark.only_sqlite("PostgreSQL has a writer of its own for this")


def test_many_commits_share_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(syncing, "WITHIN_S", 0.01)
    engine = engine_for(f"sqlite:///{tmp_path / 'd.sqlite'}", durable=False)
    with engine.begin() as connection:
        connection.execute(sa.text("create table t (n integer)"))
    direct = Direct(sessions_for(engine), Syncing(engine).soon)
    for _ in range(20):
        with direct.connected() as link, link.writing():
            pass
    ends = time.monotonic() + 10
    while not synced and time.monotonic() < ends:
        time.sleep(0.005)
    assert 1 <= len(synced) < 20
    engine.dispose()


def test_a_long_log_is_written_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "LOG_BYTES", 100_000)
    file = tmp_path / "d.sqlite"
    engine = engine_for(f"sqlite:///{file}", durable=False)
    with engine.connect() as held:  # the last connection to go would write the log back itself
        held.execute(sa.text("create table t (x text)"))
        held.execute(sa.text("insert into t values (:x)"), {"x": "long" * 100_000})
        held.commit()
        before = file.stat().st_size
        Syncing(engine).now()
        assert before < 100_000 < file.stat().st_size
    engine.dispose()


def test_without_a_log_there_is_nothing_to_do(tmp_path: Path) -> None:
    Syncing(engine_for(f"sqlite:///{tmp_path / 'none.sqlite'}")).now()


def test_a_fork_gets_a_timer_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []

    class Timer:
        def __init__(self, *_: object) -> None:
            started.append(self)

        def start(self) -> None:
            """It never runs out here."""

    monkeypatch.setattr(syncing.threading, "Timer", Timer)
    shared = Syncing(engine_for(f"sqlite:///{tmp_path / 'd.sqlite'}"))
    shared.soon()
    shared.soon()
    assert len(started) == 1
    monkeypatch.setattr(os, "getpid", lambda: -1)
    shared.soon()
    assert len(started) == 2
