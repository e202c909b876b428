"""One row by its own key, for one hospital: no statement of ours can reach another one's."""

from __future__ import annotations

from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.db.base import Base

Row = TypeVar("Row", bound=Base)


def row_of(session: Session, kind: type[Row], tenant_id: str, row_id: Any) -> Row:
    """The row as it stands now; raises `NoResultFound` when the tenant has none with this id."""
    table: Any = kind
    query = sa.select(kind).where(table.tenant_id == tenant_id, table.id == row_id)
    return session.execute(query.execution_options(populate_existing=True)).scalar_one()
