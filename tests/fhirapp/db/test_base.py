"""Connections and columns as every room uses them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from fhirapp.db import base
from fhirapp.db.base import engine_for
from tests.databases import a_database


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    made = engine_for(database)
    yield made
    made.dispose()


def send_everybody_away(engine: Engine) -> None:
    """As a server that starts anew does."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
    elsewhere = sa.create_engine(engine.url)
    with elsewhere.connect() as connection:
        connection.exec_driver_sql(f"{others} pg_backend_pid()")
    elsewhere.dispose()


@pytest.mark.only_postgresql("a file sends nobody away")
def test_a_connection_that_lay_idle_is_tried_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "UNTRIED_S", 0.0)
    with a_database(tmp_path, of="postgresql") as url:
        engine = engine_for(url)
        held = [engine.connect() for _ in range(3)]
        for one in held:
            one.close()
        send_everybody_away(engine)
        for _ in range(3):
            with engine.connect() as connection:
                assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        engine.dispose()


@pytest.mark.parametrize(
    ("value", "comes_back"),
    [
        ({"name": "Žofie", "at": [1, 2.5, None, True]}, None),
        ({7: "a number as a key"}, {"7": "a number as a key"}),
        ({"half": "\ud800"}, None),
        ({"none": float("inf")}, {"none": None}),
    ],
)
def test_what_a_column_of_json_takes_it_gives_back(engine: Engine, value: object, comes_back: object) -> None:
    told = engine.dialect._json_serializer(value)  # type: ignore[attr-defined]
    assert engine.dialect._json_deserializer(told) == (comes_back or value)  # type: ignore[attr-defined]


def test_a_value_that_no_json_can_hold_is_refused(engine: Engine) -> None:
    with pytest.raises(TypeError):
        engine.dialect._json_serializer({"what": object()})  # type: ignore[attr-defined]
