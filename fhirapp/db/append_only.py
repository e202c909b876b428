"""Tables to which rows are only ever added: the database itself refuses everything else.

A right to erasure stands above a history (`stride purge`): rows may be deleted inside `erasing`, in one transaction
that nobody else sees; they may never be changed. On SQLite a migration that makes such a table anew (Alembic's batch
mode, for all but added columns) drops its triggers: it must call `guards` again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base


class Erasure(Base):
    """A row here, seen only by the transaction that wrote it, lets it delete a tenant's guarded rows; never kept."""

    __tablename__ = "erasure"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)


@contextmanager
def erasing(session: Session, tenant_id: str) -> Iterator[None]:
    """Guarded rows of one tenant may be deleted inside the block, by this transaction alone."""
    session.execute(sa.insert(Erasure).values(tenant_id=tenant_id))
    yield
    session.execute(sa.delete(Erasure).where(Erasure.tenant_id == tenant_id))


def guards(table: str, dialect: str) -> tuple[str, ...]:
    """The statements that make a table one to which rows are only added."""
    return _on_postgresql(table) if dialect == "postgresql" else _on_sqlite(table)


def unguards(table: str, dialect: str) -> tuple[str, ...]:
    """The statements that undo `guards`."""
    if dialect == "postgresql":
        return (f"DROP TRIGGER {table}_only_grows ON {table}", f"DROP FUNCTION {table}_only_grows()")
    return (f"DROP TRIGGER {table}_no_update", f"DROP TRIGGER {table}_no_delete")


_OPEN = "EXISTS (SELECT 1 FROM erasure WHERE tenant_id = OLD.tenant_id)"


def _on_sqlite(table: str) -> tuple[str, ...]:
    refuse = f"SELECT RAISE(ABORT, 'rows of {table} are only ever added')"
    return (
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT {_OPEN} BEGIN {refuse}; END",
    )


def _on_postgresql(table: str) -> tuple[str, ...]:
    return (
        f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' AND {_OPEN} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION 'rows of {table} are only ever added'; END $$",
        f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_only_grows()",
    )
