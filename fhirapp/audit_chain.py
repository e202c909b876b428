"""Closes audit rows into a chain: a seal names a batch of rows and carries the digest of the seal before it.

Rows are written as plain inserts by many processes at once; one of them seals what has come since, seconds to minutes
later. Nothing waits for the chain, and no row is ever touched again. Source: docs/decisions/0040-audit-chain.md.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.audit import KEY, AuditRow, mac_of
from fhirapp.db.base import Base, Moment, Sessions, microseconds

log = logging.getLogger("stride.audit")

BATCH: Final = 5000  # rows a transaction: nobody waits long behind it
# PostgreSQL gives ids before a transaction commits, so a row may appear below the newest sealed one. SQLite does not.
LATE: Final = 10_000
_SEALING: Final = 7426002  # the key of the advisory lock; any number that nobody else takes

Ranges = list[tuple[int, int]]


class AuditSeal(Base):
    """One link of a tenant's chain. `digest` signs everything else in it."""

    __tablename__ = "audit_seal"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "number"),
        sa.Index("ix_audit_seal_last_id", "last_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    number: Mapped[int]  # 1, 2, 3 of this tenant
    at: Mapped[datetime] = mapped_column(Moment)
    last_id: Mapped[int]
    members: Mapped[str] = mapped_column(sa.Text)  # the ids of its rows: "5-9,12"
    count: Mapped[int]
    rows_digest: Mapped[str]  # of the id and the signature of each row, in order
    previous: Mapped[str]  # the digest of the seal before; "" of the first
    digest: Mapped[str]


@dataclass(frozen=True, slots=True)
class Chain:
    """Seals what has been written. Any number of processes may try; one at a time does."""

    sessions: Sessions

    def seal(self, now: datetime) -> int:
        """Close all rows that are in no seal yet; returns how many."""
        key: bytes | None = self.sessions.kw["info"].get(KEY)
        if key is None:
            return 0
        closed = 0
        while True:
            with self.sessions.begin() as session:
                done = _seal_batch(session, key, now)
            closed += done
            if done < BATCH:
                return closed


def _seal_batch(session: Session, key: bytes, now: datetime) -> int:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(_SEALING)))
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for id_, tenant_id, mac in _open_rows(session):
        found[tenant_id].append((id_, mac))
    for tenant_id, rows in found.items():
        _close(session, key, tenant_id, rows, now)
    return sum(map(len, found.values()))


def _open_rows(session: Session) -> Sequence[Any]:
    newest = session.scalar(sa.select(sa.func.max(AuditSeal.last_id))) or 0
    low = newest - (LATE if session.get_bind().dialect.name == "postgresql" else 0)
    sealed = session.scalars(sa.select(AuditSeal.members).where(AuditSeal.last_id > low))
    inside = {
        id_ for members in sealed for first, last in ranges_of(members) for id_ in range(max(first, low), last + 1)
    }
    query = sa.select(AuditRow.id, AuditRow.tenant_id, AuditRow.mac).where(AuditRow.id > low).order_by(AuditRow.id)
    return [row for row in session.execute(query.limit(BATCH + len(inside))) if row.id not in inside][:BATCH]


def _close(session: Session, key: bytes, tenant_id: str, rows: list[tuple[int, str]], now: datetime) -> None:
    query = sa.select(AuditSeal.number, AuditSeal.digest).where(AuditSeal.tenant_id == tenant_id)
    last = session.execute(query.order_by(AuditSeal.number.desc()).limit(1)).first()
    seal = {
        "tenant_id": tenant_id,
        "number": last.number + 1 if last else 1,
        "at": now,
        "last_id": rows[-1][0],
        "members": members_of(id_ for id_, _ in rows),
        "count": len(rows),
        "rows_digest": digest_of_rows(rows),
        "previous": last.digest if last else "",
    }
    seal["digest"] = digest_of_seal(key, seal, microseconds(now))
    session.execute(sa.insert(AuditSeal).values(seal))
    # Where logs go elsewhere, this line is an anchor that whoever owns the database cannot change.
    log.info("audit of %s: seal %s closes %s rows, digest %s", tenant_id, seal["number"], len(rows), seal["digest"])


def digest_of_rows(rows: Iterable[tuple[int, str]]) -> str:
    """Of the id and signature of each row, in order."""
    digest = hashlib.sha256()
    for id_, mac in rows:
        digest.update(f"{id_}:{mac}\n".encode("ascii"))
    return digest.hexdigest()


def digest_of_seal(key: bytes, seal: Any, at: int) -> str:
    """The signature of a seal, given as a mapping; `at` in microseconds."""
    names = ("tenant_id", "number", "last_id", "members", "count", "rows_digest", "previous")
    return mac_of(key, [at, *(seal[name] for name in names)])


def members_of(ids: Iterable[int]) -> str:
    """Rising ids as ranges: 5, 6, 7, 9 is "5-7,9"."""
    ranges: Ranges = []
    for id_ in ids:
        if ranges and id_ == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], id_)
        else:
            ranges.append((id_, id_))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def ranges_of(members: str) -> Iterator[tuple[int, int]]:
    """The ranges again. Raises `ValueError` for anything else."""
    for part in members.split(",") if members else ():
        first, _, last = part.partition("-")
        yield int(first), int(last or first)
