"""Backups of the database, taken while the service works, and their return."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url

from fhirapp.db.base import engine_for

PACKAGE: Final = "postgresql-client"
PAGES: Final = 1000  # copied at a time; between two, others may write


class CopyFailed(Exception):
    """The copy was not made or not brought back; the message says why and leaves everything as it was."""


def back_up(database_url: str, target: Path, *, force: bool = False) -> int:
    """A copy of the database as it stands at one moment; returns its size in bytes.

    SQLite: a database file, by its own online backup. PostgreSQL: an archive of `pg_dump`. Raises `CopyFailed`.
    """
    if target.exists() and not force:
        raise CopyFailed(f"{target} is there already; --force replaces it")
    url, unfinished = make_url(database_url), target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # it holds patients' data
        if url.get_backend_name() == "sqlite":
            _copy_sqlite(_file_of(url), unfinished)
        else:
            _run(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={unfinished}")
        os.replace(unfinished, target)  # noqa: PTH105 - atomic
    except (OSError, sqlite3.Error) as error:
        raise CopyFailed(f"{type(error).__name__}: {error}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def restore(database_url: str, source: Path, *, force: bool = False) -> None:
    """Put a copy in the place of the database. Stop the service first.

    Raises `CopyFailed`: also when there is something in the database, unless `force`.
    """
    if not source.is_file():
        raise CopyFailed(f"{source} is no file")
    url = make_url(database_url)
    try:
        if not force and _has_tables(url):
            raise CopyFailed("the database is not empty; --force replaces everything in it")
        if url.get_backend_name() == "sqlite":
            _restore_sqlite(source, _file_of(url))
        else:
            _restore_postgresql(url, source)
    except (OSError, sqlite3.Error, sa.exc.SQLAlchemyError) as error:
        raise CopyFailed(f"{type(error).__name__}: {str(error).splitlines()[0]}") from None


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.exists():
        raise CopyFailed(f"there is no database at {source}")
    with _opened(source) as database, _opened(target) as copy:
        database.backup(copy, pages=PAGES)


def _restore_sqlite(source: Path, target: Path) -> None:
    """Into a file beside it first, so that a broken copy costs nothing."""
    beside = target.with_name(f"{target.name}.restored")
    beside.unlink(missing_ok=True)
    with _opened(source) as copy, _opened(beside) as database:
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise CopyFailed(f"{source} is damaged")
        copy.backup(database)
    if target.exists():
        _refuse_if_in_use(target)
    for rest in ("-wal", "-shm"):
        target.with_name(f"{target.name}{rest}").unlink(missing_ok=True)
    beside.chmod(0o600)
    os.replace(beside, target)  # noqa: PTH105 - atomic


def _refuse_if_in_use(file: Path) -> None:
    try:
        with _opened(file) as database:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("PRAGMA journal_mode=DELETE")  # needs to be alone, and folds the log into the file
    except sqlite3.OperationalError:
        raise CopyFailed("the database is in use: stop the service and its workers first") from None


def _restore_postgresql(url: URL, source: Path) -> None:
    _run(
        url, "pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction",
        "--exit-on-error", str(source),
    )  # fmt: skip


def _has_tables(url: URL) -> bool:
    if url.get_backend_name() == "sqlite" and not _file_of(url).exists():
        return False
    engine: Engine = engine_for(url.render_as_string(hide_password=False))
    try:
        return bool(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def _run(url: URL, program: str, *words: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise CopyFailed(f"{program} is not installed (Debian: apt-get install {PACKAGE})")
    found = subprocess.run(  # noqa: S603 - the database's own program
        [path, *words, f"--dbname={_address(url)}"], env=_environment(url), capture_output=True, text=True, check=False
    )
    if found.returncode:
        said: Sequence[str] = found.stderr.strip().splitlines()
        raise CopyFailed(f"{program} failed: {said[-1] if said else found.returncode}")


def _address(url: URL) -> str:
    """The address as PostgreSQL's programs read it; the password goes by the environment, which nobody else sees."""
    return url.set(drivername="postgresql", password=None).render_as_string()


def _environment(url: URL) -> Mapping[str, str]:
    return {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}


def _file_of(url: URL) -> Path:
    return Path(url.database or "")


class _opened:  # noqa: N801 - reads as a word: with _opened(file)
    """A connection that is closed at the end of the block; sqlite3's own only commits."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, timeout=30, isolation_level=None)

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
