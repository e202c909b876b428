"""How tests get a database: SQLite, or PostgreSQL in a throwaway cluster of this process.

`--database=postgresql` or STRIDE_TEST_DATABASE picks it. A test gets its own, already migrated, by the fixture
`database` or by `a_database`; both ways it says so with its fixture or with `pytest.mark.database`, which is how the
second run of CI knows what to run again. tests/conftest.py fails whoever forgets.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql

from fhirapp.db.base import engine_for
from fhirapp.db.schema import upgrade

VARIABLE: Final = "STRIDE_TEST_DATABASE"
KINDS: Final = ("sqlite", "postgresql")
OWNER: Final = "stride"
_TEMPLATE: Final = "migrated"
# What is lost when the machine loses power is of no interest here; everything else is as in production.
_HASTY: Final = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
_SETTINGS: Final = ("listen_addresses=", "max_connections=200", "shared_buffers=32MB", "timezone=Asia/Kathmandu")
_number = count(1)


def kind() -> str:
    """The database of this run: "sqlite" or "postgresql"."""
    chosen = os.environ.get(VARIABLE) or "sqlite"
    if chosen not in KINDS:
        raise pytest.UsageError(f"{VARIABLE} must be one of {', '.join(KINDS)}, not {chosen}")
    return chosen


@contextmanager
def a_database(folder: Path, *, of: str | None = None, migrated: bool = True) -> Iterator[str]:
    """The URL of a database of its own while the block runs; without `migrated` there is not a table in it."""
    if (of or kind()) == "sqlite":
        url = f"sqlite:///{folder / 'stride.sqlite'}"
        if migrated:
            migrate(url)
        yield url
        return
    server = cluster()
    name = server.create(_TEMPLATE if migrated else "template0")
    try:
        yield server.url(name)
    finally:
        server.drop(name)


def migrate(url: str) -> None:
    """All tables of this version, in a database that has none."""
    engine = engine_for(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


class Cluster:
    """A PostgreSQL server in a temporary folder, reached by a socket in it: no port, no password, nobody else."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="stride-pg-"))
        self._programs, self._run_as = programs, _somebody()
        if self._run_as:
            os.chown(self.folder, self._run_as, -1)
        self._run("initdb", "--no-sync", "--auth=trust", f"--username={OWNER}", "--encoding=UTF8",
                  "--locale=C.UTF-8", f"--pgdata={self.folder / 'data'}")  # fmt: skip
        settings = [*_SETTINGS, f"unix_socket_directories={self.folder}", *(() if durable else _HASTY)]
        self.log = (self.folder / "log").open("wb")
        self._server = subprocess.Popen(
            [programs / "postgres", "-D", self.folder / "data", *(word for one in settings for word in ("-c", one))],
            stdout=self.log, stderr=self.log, preexec_fn=_end_with_parent,
            user=self._run_as, group=self._group(), extra_groups=self._none(),
        )  # fmt: skip
        atexit.register(self.stop)
        self._wait()
        self.create("template0", _TEMPLATE)
        migrate(self.url(_TEMPLATE))

    @property
    def pid(self) -> int:
        """Of the server's first process."""
        return self._server.pid

    def url(self, name: str) -> str:
        """How SQLAlchemy reaches a database of this cluster."""
        return f"postgresql://{OWNER}@/{name}?host={self.folder}"

    def create(self, template: str, name: str = "") -> str:
        """A new database, a copy of `template`; returns its name."""
        name = name or f"test_{next(_number)}"
        self._say(sql.SQL("CREATE DATABASE {} TEMPLATE {}"), name, template)
        return name

    def drop(self, name: str) -> None:
        """Remove a database; whoever is still connected is sent away."""
        self._say(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"), name)

    def stop(self) -> None:
        """End the server and remove all that it kept."""
        if self._server.poll() is None:
            self._server.send_signal(signal.SIGQUIT)  # at once, without a last write
            self._server.wait(30)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _say(self, text: sql.SQL, *names: str) -> None:
        with psycopg.connect(f"host={self.folder} user={OWNER} dbname=postgres", autocommit=True) as connection:
            connection.execute(text.format(*map(sql.Identifier, names)))

    def _wait(self) -> None:
        ends = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(f"host={self.folder} user={OWNER} dbname=postgres").close()
                return
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")) from None
                time.sleep(0.02)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._programs / program, *words], capture_output=True, text=True, check=False, cwd=self.folder,
            user=self._run_as, group=self._group(), extra_groups=self._none(),
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")

    def _group(self) -> int | None:
        return None if self._run_as is None else pwd.getpwuid(self._run_as).pw_gid

    def _none(self) -> list[int] | None:
        return None if self._run_as is None else []


@cache
def cluster() -> Cluster:
    """The cluster of this process; made when the first test needs it. Skips the test where there is no PostgreSQL."""
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("needs PostgreSQL (Debian: apt-get install postgresql)")
    return Cluster(programs)


def postgresql_programs() -> Path | None:
    """The folder with `initdb` and `postgres`: Debian keeps them off the PATH, one folder for each version."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    places = [*installed, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _end_with_parent() -> None:
    """Have Linux end the server when the tests are killed: nobody else would."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _somebody() -> int | None:
    """Whom the server runs as where we are root, which it refuses to be."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no other user")
