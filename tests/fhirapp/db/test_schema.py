"""The tables: made by migrations alone, and each with its tenant."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from fhirapp.db.base import Moment, engine_for
from fhirapp.db.schema import alembic_config, head, is_current, metadata, upgrade
from tests.databases import a_database

WITHOUT_TENANT = {"clock_offset"}  # docs/decisions/0004


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    with a_database(tmp_path, migrated=False) as url:
        engine = engine_for(url)
        yield engine
        engine.dispose()


@pytest.mark.database
def test_the_migrations_make_exactly_the_tables_of_the_code(empty: Engine) -> None:
    assert not is_current(empty)
    upgrade(empty)
    upgrade(empty)
    assert is_current(empty)
    with empty.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.database
def test_processes_that_start_together_take_turns_and_leave_no_lock_behind(empty: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: upgrade(empty), range(4))) == [None] * 4
    assert is_current(empty)
    if empty.dialect.name == "postgresql":
        with empty.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").scalar() == 0


def test_the_newest_migration_is_the_one_that_alembic_finds() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [head()]


def test_every_table_has_its_tenant() -> None:
    assert {name for name, table in metadata.tables.items() if "tenant_id" not in table.c} == WITHOUT_TENANT


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(ZoneInfo("Australia/Adelaide"))))  # noqa: DTZ001
def test_a_moment_comes_back_as_it_was_stored(moment: datetime) -> None:
    column = Moment()
    stored = column.process_bind_param(moment, None)  # type: ignore[arg-type]
    back = column.process_result_value(stored, None)  # type: ignore[arg-type]
    assert back is not None
    assert abs(back - moment) < timedelta(microseconds=2)
    assert back.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Moment().process_bind_param(datetime(2026, 11, 25), None)  # type: ignore[arg-type]  # noqa: DTZ001
