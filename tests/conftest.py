"""What all tests share: the world, the database, and the promise that CI skips nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import sqlalchemy as sa
from hypothesis import settings
from sqlalchemy.pool import Pool

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from fhirapp.db.base import Sessions
    from tests.world import World

VARIABLE: Final = "STRIDE_TEST_DATABASE"  # as in tests/databases.py, which the tests of the lower rooms never import
WITH_DATABASE: Final = frozenset({"database", "sessions", "world", "one_by_one"})  # fixtures

# No deadline: a busy machine is no fault of the code. In CI the same examples each time: a red run can be repeated.
settings.register_profile("stride", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("stride")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The database of this run, and whether only what touches it is run."""
    parser.addoption("--database", choices=("sqlite", "postgresql"), help="the database that tests get")
    parser.addoption("--touching-the-database", action="store_true", help="only tests that need a database")


def pytest_configure(config: pytest.Config) -> None:
    """The choice is in the environment, where the workers of xdist and every process that a test starts find it."""
    if chosen := config.getoption("--database"):
        os.environ[VARIABLE] = chosen


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For a second run on another database: everything that touches one, and nothing else."""
    if config.getoption("--touching-the-database"):
        keep = [item for item in items if touches_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if not touches_database(item)])
        items[:] = keep


def touches_database(item: pytest.Item) -> bool:
    """Whether a test has said that it works with a database of either kind."""
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("database") is not None or not WITH_DATABASE.isdisjoint(fixtures)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """The URL of a database of its own, with all tables and no row."""
    from tests.databases import a_database

    with a_database(tmp_path) as url:
        yield url


@pytest.fixture
def sessions(database: str) -> Iterator[Sessions]:
    """The sessions of such a database."""
    from fhirapp.db.base import engine_for, sessions_for

    engine = engine_for(database)
    yield sessions_for(engine)
    engine.dispose()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hospital of its own for one test."""
    from tests.world import hospital  # here, so that tests of the lower rooms do not assemble the whole house

    with hospital(tmp_path) as running:
        yield running


@pytest.fixture
def one_by_one(tmp_path: Path) -> Iterator[World]:
    """A hospital that wants no transactions: each resource is written by itself, so a write can stop half way."""
    from tests.world import hospital

    with hospital(tmp_path, toml="{base}\n[tenants.city.write_back]\ntransactions = false\n") as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Headless Chromium, one for all tests of this process."""
    from tests.chromium import running_chromium

    with running_chromium() as browser:
        yield browser


_dialects_seen: set[str] = set()


@sa.event.listens_for(Pool, "checkout")
def _see(_connection: object, record: sa.pool.ConnectionPoolEntry, _proxy: object) -> None:
    _dialects_seen.add("postgresql" if type(record.dbapi_connection).__module__.startswith("psycopg") else "sqlite")


_faults_seen: set[str] = set()


@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def _look(
    _connection: object, _cursor: object, statement: str, _parameters: object, _context: object, _many: bool
) -> None:
    from tests.statements import fault_of, is_ours

    if (fault := fault_of(statement)) and is_ours():
        _faults_seen.add(fault)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """From here on what is seen is this test's doing, also in fixtures that it shares with others."""
    _dialects_seen.clear()
    _faults_seen.clear()


@pytest.fixture(autouse=True)
def _databases_are_declared(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that works with a database and has not said so: the run on the other database would miss it.

    And one in which the service has sent a statement that could reach another hospital's rows.

    `database` runs on both. `only_sqlite` and `only_postgresql` are for what is about that one, with the reason.
    """
    yield
    item, chosen = request.node, os.environ.get(VARIABLE) or "sqlite"
    allowed = {name for name in ("sqlite", "postgresql") if item.get_closest_marker(f"only_{name}")}
    if touches_database(item):
        allowed.add(chosen)
    if surprise := _dialects_seen - allowed:
        pytest.fail(f"uses {', '.join(surprise)} unannounced: see tests/conftest.py", pytrace=False)
    if _faults_seen:
        pytest.fail("\n".join(["statements across tenants (tests/statements.py):", *_faults_seen]), pytrace=False)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failed promise: everything that tests need is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("STRIDE_NOTHING_SKIPPED") == "1" and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("STRIDE_NOTHING_SKIPPED is set, but tests were skipped (see above)", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
