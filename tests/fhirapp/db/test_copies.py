"""A copy that is taken while the service works is whole, and nothing is overwritten by accident."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from fhirapp.cli import main
from fhirapp.config import Config
from fhirapp.consistency import verify
from fhirapp.db import copies
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.db.copies import CopyFailed, back_up, restore
from fhirapp.referrals.referral import Referral
from tests.chaos.house import charts
from tests.databases import a_database, kind
from tests.world import CLINICIAN_WINDOW, PATIENT, World, hospital

pytestmark = pytest.mark.database
PATIENTS = [f"p{number:02}" for number in range(24)]


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[World]:
    with hospital(tmp_path, charts=charts(PATIENTS)) as world:
        yield world


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """A second database with nothing in it."""
    (tmp_path / "elsewhere").mkdir()
    with a_database(tmp_path / "elsewhere", migrated=False) as url:
        yield url


def test_a_backup_under_load_passes_verify_when_it_is_restored(busy: World, elsewhere: str, tmp_path: Path) -> None:
    for patient in PATIENTS[:8]:
        busy.opened(patient)
    busy.stride.clock.move(CLINICIAN_WINDOW)
    begun = threading.Event()

    def work() -> None:
        begun.set()
        for number, patient in enumerate(PATIENTS[8:]):
            referral = busy.opened(patient)
            busy.worker.run_due(3)
            if number % 3 == 0:
                busy.stride.actions.opt_out(referral.id, actor=PATIENT, now=busy.stride.clock())

    at_work = threading.Thread(target=work)
    at_work.start()
    begun.wait()
    sizes, url = [], busy.stride.config.database_url
    while at_work.is_alive():
        sizes.append(back_up(url, tmp_path / f"copy-{len(sizes)}"))
    at_work.join()
    assert len(sizes) >= 3
    counted = []
    for number in (0, len(sizes) // 2, len(sizes) - 1):
        restore(elsewhere, tmp_path / f"copy-{number}", force=number > 0)
        engine = engine_for(elsewhere)
        wrong = {check.name: check.wrong for check in verify(sessions_for(engine), busy.stride.sealer) if check.wrong}
        with engine.connect() as connection:
            counted.append(connection.execute(sa.select(sa.func.count()).select_from(Referral)).scalar_one())
        engine.dispose()
        assert not wrong, f"copy {number} of {len(sizes)}"
    assert counted == sorted(counted)
    assert counted[0] < counted[-1], "it was copied in the middle of the work"


def test_nothing_is_overwritten_unless_it_is_asked_for(database: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    back_up(database, copy)
    assert copy.stat().st_mode & 0o077 == 0, "it holds patients' data"
    with pytest.raises(CopyFailed, match="there already"):
        back_up(database, copy)
    with pytest.raises(CopyFailed, match="not empty"):
        restore(database, copy)
    restore(database, copy, force=True)
    assert back_up(database, copy, force=True) > 0
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_broken_copy_changes_nothing(database: str, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"not a database at all" * 400)
    with pytest.raises(CopyFailed):
        restore(database, tmp_path / "copy", force=True)
    with pytest.raises(CopyFailed, match="no file"):
        restore(database, tmp_path / "nothing")
    engine = engine_for(database)
    assert sa.inspect(engine).has_table("referral")
    engine.dispose()


@pytest.mark.only_sqlite("PostgreSQL sends the others away itself")
def test_a_database_that_is_in_use_is_not_replaced(tmp_path: Path) -> None:
    with a_database(tmp_path, of="sqlite") as url:
        back_up(url, tmp_path / "copy")
        with closing(sqlite3.connect(tmp_path / "stride.sqlite")) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(CopyFailed, match="in use"):
                restore(url, tmp_path / "copy", force=True)
        restore(url, tmp_path / "copy", force=True)


def test_without_postgresqls_programs_it_says_what_to_install(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies.shutil, "which", lambda _name: None)
    if kind() == "sqlite":
        assert back_up(database, tmp_path / "copy") > 0, "SQLite needs none"
    else:
        with pytest.raises(CopyFailed, match="postgresql-client"):
            back_up(database, tmp_path / "copy")


def test_the_commands_say_what_they_did_and_end_with_a_code(
    world: World, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.queued("ada-refer")
    config = world.stride.config
    monkeypatch.setattr(Config, "from_env", lambda environment: config if environment is os.environ else None)
    copy = str(tmp_path / "copy")
    assert main(["db", "verify"]) == 0, capsys.readouterr().out
    assert main(["db", "backup", copy]) == 0
    assert "secret file" in capsys.readouterr().out
    assert main(["db", "backup", copy]) == 1
    assert main(["db", "restore", copy]) == 1
    assert "not empty" in capsys.readouterr().err
    with world.stride.sessions.begin() as session:
        session.execute(sa.text("DELETE FROM job"))
    assert main(["db", "verify"]) == 0, "a queued referral needs no job"
    world.opened("eva-falls")
    with world.stride.sessions.begin() as session:
        session.execute(sa.text("DELETE FROM job"))
    assert main(["db", "verify"]) == 1
    assert "its job clinician_window is missing" in capsys.readouterr().out
