"""The tables: made by migrations alone, and each with its tenant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st

from fhirapp.db.base import Moment, engine_for
from fhirapp.db.schema import is_current, metadata, upgrade

WITHOUT_TENANT = {"clock_offset"}  # docs/decisions/0004


def test_the_migrations_make_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    engine = engine_for(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    assert not is_current(engine)
    upgrade(engine)
    upgrade(engine)
    assert is_current(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


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
