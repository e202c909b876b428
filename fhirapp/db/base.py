"""The database: one engine per process, short transactions, the same behaviour on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from fhirapp.db.turns import Turns

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


POOL: Final = 40  # connections of one process at most; sixteen threads, each of which may hold two
UNTRIED_S: Final = 5.0  # a connection that lay idle for so long is tried before it is used


class Base(DeclarativeBase):
    """All mapped classes; each stands beside the behaviour that it serves."""

    metadata = sa.MetaData(naming_convention=NAMING)


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept as microseconds since 1970 in UTC: exact, sortable, the same on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value / 1_000_000, UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """How a moment is stored: microseconds since 1970 in UTC."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return round((moment - _EPOCH).total_seconds() * 1_000_000)


class Sessions(sessionmaker[Session]):
    """Makes sessions: `sessions()` to read, `sessions.begin()` for one transaction that may write.

    On SQLite a writing transaction takes the write lock at its start, so that it never works from what another
    one is about to change; a reading one takes none and is never in anybody's way.
    """

    def __init__(self, engine: Engine, **carried: Any) -> None:
        # Objects stay readable after commit; `carried` is what each session brings along in its `info`.
        super().__init__(engine, expire_on_commit=False, info=carried)
        self.engine, self.carried = engine, carried
        self._writing = writing(engine)
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        self.turn = Turns(Path(file)).turn if file and file != ":memory:" else nullcontext

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back when it raises."""
        with self.turn(), self(bind=self._writing) as session, session.begin():
            yield session


_WRITES = "stride_writes"
_LOG = "wal_autocheckpoint=10000"  # pages; before that syncing.py writes the log back, outside anybody's commit


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that may write: on SQLite they take the write lock at their start."""
    return engine.execution_options(**{_WRITES: True})


def engine_for(url: str, *, durable: bool = True) -> Engine:
    """An engine whose transactions do not lose updates.

    SQLite's default transaction mode does (two readers, two writers, one update gone), so a transaction that may
    write takes the lock at its start; WAL lets readers go on, and `synchronous=FULL` keeps the last commit
    through a power cut. Without `durable` a power cut may take the last commits, in their order (the database stays
    whole): docs/decisions/0031-what-waits-for-the-disk.md says of what.
    """
    if not url.startswith("sqlite"):
        options = {} if durable else {"options": "-c synchronous_commit=off"}
        engine = sa.create_engine(url, pool_size=10, max_overflow=POOL - 10, connect_args=options, **_JSON)
        _try_idle_ones(engine)
        return engine
    engine = sa.create_engine(url, connect_args={"timeout": 30}, **_JSON)
    event.listen(engine, "connect", _prepare_sqlite if durable else _prepare_hasty_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _to_json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a key that is a number, half a surrogate pair: the slow way takes them
        return json.dumps(value)


def _from_json(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # what the slow way has written
        return json.loads(text)


_JSON: Final[dict[str, Any]] = {"json_serializer": _to_json, "json_deserializer": _from_json}


def _try_idle_ones(engine: Engine) -> None:
    """Let no transaction meet a connection that a restarted server has closed; trying each one each time is dear."""

    def came_back(_connection: object, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    def goes_out(connection: Any, record: Any, _proxy: object) -> None:
        since = record.info.get("idle_since")
        if since is None or time.monotonic() - since < UNTRIED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error

    event.listen(engine, "checkin", came_back)
    event.listen(engine, "checkout", goes_out)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must never open a transaction by itself
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON", _LOG):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_hasty_sqlite(connection: Any, record: object) -> None:
    _prepare_sqlite(connection, record)
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def insert_into(session: Session, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """The database's own INSERT, which knows `ON CONFLICT`."""
    return postgresql.insert(table) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(table)


def sessions_for(engine: Engine, **carried: Any) -> Sessions:
    """The sessions of one database, each with `carried` in its `info`."""
    return Sessions(engine, **carried)
