"""What each table has to do with a patient, and so how its rows go; a test knows every table of the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa

from fhirapp.db.base import Base

# Tables that say nothing of a patient, or that outlive one for a reason.
KEPT: Final[Mapping[str, str]] = {
    "alembic_version": "no data of anybody",
    "audit": "who saw what must be provable after an erasure too; retention.audit_days ends it",
    "audit_seal": "digests; the chain of the audit",
    "clock_offset": "no data of anybody",
    "ehr_capability": "what an EHR can do",
    "ehr_subscription": "how an EHR knocks",
    "erased_patient": "the keyed hash by which a no outlives an erasure",
    "erasure": "never holds a row outside a transaction",
    "lane": "how an EHR is spared when it is silent",
    "number_stop": "a keyed digest of a number that wants no messages: a no, as well",
    "open_launch": "gone within minutes, names nobody",
    "poll_cursor": "ids of the latest changes; written anew at each look",
    "seen_token": "ids of tokens, gone within hours",
}
# Tables that name a patient or a referral otherwise than by a foreign key; `erasure.py` knows how.
OTHERWISE: Final = frozenset({"feedback", "job", "page_session", "reply"})
ROOT: Final = "referral"


def below_referral() -> tuple[tuple[sa.Table, sa.Select[Any]], ...]:
    """Every table that hangs on a referral, the furthest first, with the ids of its rows.

    To be bound: `ids` of referrals, and `tenant`.
    """
    found: dict[str, sa.Select[Any]] = {}
    for table in Base.metadata.sorted_tables:  # parents come first
        for column, parent in _parents(table):
            inside = _bound() if parent == ROOT else found.get(parent)
            if inside is not None:
                theirs = (table.c.tenant_id == sa.bindparam("tenant"), column.in_(inside))
                found[table.name] = sa.select(*table.primary_key.columns).where(*theirs)
                break
    tables = [table for table in Base.metadata.sorted_tables if table.name in found]
    return tuple((table, found[table.name]) for table in reversed(tables))


def _parents(table: sa.Table) -> Iterator[tuple[sa.Column[Any], str]]:
    for key in sorted(table.foreign_keys, key=lambda one: one.parent.name):
        if key.column.table.name != table.name:
            yield key.parent, key.column.table.name


def _bound() -> Any:
    return sa.bindparam("ids", expanding=True, type_=sa.Uuid())
