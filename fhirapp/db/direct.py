"""The few statements that every hook call and every job runs: put together once, then sent as text, without a session.

A session finds out at each call what to write and how; that took ten times as long as the database itself. The
statements stay written in SQLAlchemy's language, so that both databases get their own dialect of the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session

from fhirapp.db.base import Base, Sessions

Convert = Callable[[Any], Any] | None
Values = Mapping[str, Any]
Clause = sa.Select[*tuple[Any, ...]] | sa.Insert | sa.Update

_BEGIN: Final = "BEGIN IMMEDIATE"  # on SQLite, where nobody else opens a transaction for us; base.py says why


class Statement:
    """One statement with named places, compiled once for each kind of database."""

    def __init__(self, clause: Clause | Callable[[Dialect], Clause]) -> None:
        self._clause = clause  # or what makes it for a dialect, where they say it in words of their own
        self._ready: dict[str, _Ready] = {}

    @classmethod
    def inserting(cls, table: type[Base]) -> Statement:
        """One row with a value for each column, except for a key that the database counts itself."""
        return cls(sa.insert(table).inline().values(_places(table)))

    @classmethod
    def putting(cls, table: type[Base], key: Sequence[str], *given: str, **worked_out: Any) -> Statement:
        """One row; where there is one of this key, `given` of it become as they are here and the rest as worked out."""

        def clause(dialect: Dialect) -> sa.Insert:
            dialects = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
            new: Any = dialects[dialect.name](table).inline().values(_places(table))
            changed = {name: new.excluded[name] for name in given} | worked_out
            put: sa.Insert = new.on_conflict_do_update(index_elements=key, set_=changed)
            return put

        return cls(clause)

    def ready(self, dialect: Dialect) -> _Ready:
        """The text and the conversions for one database."""
        found = self._ready.get(dialect.name)
        if found is None:
            clause = self._clause(dialect) if callable(self._clause) else self._clause
            found = self._ready[dialect.name] = _compiled(clause, dialect)
        return found


def _places(table: type[Base]) -> dict[str, Any]:
    columns = [column for column in table.__table__.columns if column.autoincrement is not True]
    return {column.name: sa.bindparam(column.name, type_=column.type) for column in columns}


@dataclass(frozen=True, slots=True)
class _Ready:
    text: str
    places: tuple[tuple[str, Convert], ...]
    by_position: bool
    columns: tuple[Convert, ...]
    fixed: Values  # what the statement brings itself: the name of a member of a JSON column

    def parameters(self, values: Values) -> Any:
        if self.fixed:
            values = {**self.fixed, **values}
        given = [convert(values[name]) if convert else values[name] for name, convert in self.places]
        return given if self.by_position else {name: one for (name, _), one in zip(self.places, given, strict=True)}

    def row(self, came: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([convert(one) if convert else one for convert, one in zip(self.columns, came, strict=True)])


def _compiled(clause: Clause, dialect: Dialect) -> _Ready:
    compiled: Any = clause.compile(dialect=dialect)
    by_position = compiled.positiontup is not None
    names = compiled.positiontup if by_position else compiled.binds
    if untyped := [name for name in names if isinstance(compiled.binds[name].type, sa.types.NullType)]:
        # A foreign key has no type before the table that it refers to is read; that would depend on who imports whom.
        raise TypeError(f"places without a type: {', '.join(untyped)}")
    places = tuple((name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names)
    selected = tuple(clause.selected_columns if isinstance(clause, sa.Select) else clause.exported_columns)
    columns = tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in selected)
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    return _Ready(str(compiled), places, by_position, columns, fixed)


class Link:
    """One connection for such statements."""

    __slots__ = ("_cursor", "_dialect", "carried")

    def __init__(self, cursor: Any, dialect: Dialect, carried: Mapping[str, Any]) -> None:
        self._cursor, self._dialect = cursor, dialect
        self.carried = carried  # what each session of this database brings along

    def row(self, statement: Statement, values: Values) -> tuple[Any, ...] | None:
        """The first row, if there is any."""
        ready = statement.ready(self._dialect)
        self._cursor.execute(ready.text, ready.parameters(values))
        came = self._cursor.fetchone()
        return None if came is None else ready.row(came)

    def rows(self, statement: Statement, values: Values) -> list[tuple[Any, ...]]:
        """Every row."""
        ready = statement.ready(self._dialect)
        self._cursor.execute(ready.text, ready.parameters(values))
        return [ready.row(came) for came in self._cursor.fetchall()]

    def insert(self, statement: Statement, values: Values) -> None:
        """Add one row to the transaction."""
        ready = statement.ready(self._dialect)
        self._cursor.execute(ready.text, ready.parameters(values))

    def insert_all(self, statement: Statement, rows: Sequence[Values]) -> None:
        """Add several rows."""
        ready = statement.ready(self._dialect)
        self._cursor.executemany(ready.text, [ready.parameters(values) for values in rows])

    def change(self, statement: Statement, values: Values) -> int:
        """Change rows; how many it were."""
        self.insert(statement, values)
        changed: int = self._cursor.rowcount
        return changed

    def is_new(self, statement: Statement, values: Values) -> bool:
        """Add one row; False when another one has its key: the transaction must not go on then."""
        conflict: Any = self._dialect.loaded_dbapi.IntegrityError
        try:
            self.insert(statement, values)
        except conflict:
            return False
        return True


@contextmanager
def linked(session: Session) -> Iterator[Link]:
    """The same statements inside the transaction of a session; what the session holds back is written first."""
    session.flush()
    connection = session.connection()
    cursor = connection.connection.cursor()
    try:
        yield Link(cursor, connection.dialect, session.info)
    finally:
        cursor.close()


class Own(Link):
    """A connection of one's own: it looks at what is committed, and may open one transaction."""

    __slots__ = ("_connection", "_sessions", "_written")

    def __init__(self, connection: Any, sessions: Sessions, written: Callable[[], None] | None) -> None:
        super().__init__(connection.cursor(), sessions.engine.dialect, sessions.carried)
        self._connection, self._sessions, self._written = connection, sessions, written

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: committed at the end of the block, rolled back when it raises."""
        with self._sessions.turn():
            if self._dialect.name == "sqlite":
                self._cursor.execute(_BEGIN)
            try:
                yield
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()
        if self._written is not None:
            self._written()


class Direct:
    """Hands out connections of one database for such statements; `written` is called after each commit."""

    def __init__(self, sessions: Sessions, written: Callable[[], None] | None = None) -> None:
        self._sessions, self._written = sessions, written

    @contextmanager
    def connected(self) -> Iterator[Own]:
        """A connection until the end of the block."""
        connection = self._sessions.engine.raw_connection()
        try:
            yield Own(connection, self._sessions, self._written)
        finally:
            connection.close()
