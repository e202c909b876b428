"""Writers of one SQLite file take turns."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from fhirapp.db import turns
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.db.turns import Turns

pytestmark = pytest.mark.only_sqlite("PostgreSQL needs no turns")

COUNT = """
import sys
from fhirapp.db.base import engine_for, sessions_for
import sqlalchemy as sa
sessions = sessions_for(engine_for(sys.argv[1]))
for _ in range(40):
    with sessions.begin() as session:
        seen = session.execute(sa.text("select n from counter")).scalar_one()
        session.execute(sa.text("update counter set n = :n"), {"n": seen + 1})
"""


def test_no_update_is_lost_among_threads_and_processes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'turns.sqlite'}"
    sessions = sessions_for(engine_for(url))
    with sessions.begin() as session:
        session.execute(sa.text("create table counter (n integer)"))
        session.execute(sa.text("insert into counter values (0)"))
    others = [subprocess.Popen([sys.executable, "-c", COUNT, url]) for _ in range(2)]

    def work() -> None:
        for _ in range(10):
            with sessions.begin() as session:
                seen = session.execute(sa.text("select n from counter")).scalar_one()
                session.execute(sa.text("update counter set n = :n"), {"n": seen + 1})

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(60) for other in others] == [0, 0]
    with sessions() as session:
        assert session.execute(sa.text("select n from counter")).scalar_one() == 2 * 40 + 8 * 10
    sessions.engine.dispose()


def test_one_at_a_time_and_a_failure_gives_the_turn_back(tmp_path: Path) -> None:
    ours, theirs, order = Turns(tmp_path / "db"), Turns(tmp_path / "db"), []

    def second() -> None:
        with theirs.turn():
            order.append("second")

    thread = threading.Thread(target=second)

    def first_and_fail() -> None:
        with ours.turn():
            thread.start()
            thread.join(0.05)
            order.append("first")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        first_and_fail()
    thread.join(5)
    assert order == ["first", "second"]


def test_whoever_waited_too_long_leaves_it_to_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.02)
    with Turns(tmp_path / "db").turn(), Turns(tmp_path / "db").turn():
        pass


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_only_what_is_of_use_for_minutes_may_be_lost_in_a_power_cut(tmp_path: Path, durable: bool, level: int) -> None:
    engine = engine_for(f"sqlite:///{tmp_path / 'd.sqlite'}", durable=durable)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()
