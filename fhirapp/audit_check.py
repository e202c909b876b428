"""Whether the audit is whole: every signature, every seal, every row where a seal says that it is.

What it proves, and what it cannot: docs/decisions/0040-audit-chain.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.audit import SIGNED, AuditRow, mac_of
from fhirapp.audit_chain import LATE, AuditSeal, digest_of_rows, digest_of_seal, ranges_of

PURGED: Final = "purge.audit"  # the row that says up to which seal rows were let go, by the rules of retention
CHUNK: Final = 2000  # rows
MOST: Final = 100  # problems that are told one by one


@dataclass(slots=True)
class Report:
    """What a look at one tenant's audit found."""

    tenant_id: str
    rows: int = 0
    seals: int = 0
    waiting: int = 0  # rows that no seal closes yet
    purged: int = 0  # seals whose rows were let go
    head: str = ""  # the digest of the newest seal: note it elsewhere, and the past cannot be written anew
    since_anchor: int | None = None  # rows sealed after the anchor
    problems: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """True when nothing was found to be wrong."""
        return not self.problems

    def wrong(self, problem: str) -> None:
        """Keep a problem; after a hundred they are only counted."""
        if len(self.problems) < MOST:
            self.problems.append(problem)
        elif len(self.problems) == MOST:
            self.problems.append("and more")


@dataclass(frozen=True, slots=True)
class Told:
    """A row as the database has it."""

    id: int
    at: int  # microseconds
    mac: str
    values: Sequence[Any]  # in the order of the signature

    def signed_by(self, key: bytes) -> bool:
        """Whether the signature is ours, of just these values."""
        return bool(self.mac) and compare_digest(self.mac, mac_of(key, [self.at, *self.values]))


def check(session: Session, key: bytes, tenant_id: str, anchor: str | None = None) -> Report:
    """Look at every row and seal of one tenant. Reads; holds one seal's rows in memory at a time."""
    report, inside, sealed_through = Report(tenant_id), [], 0
    gone = _purged_through(session, key, tenant_id)
    previous, number = "", 0
    for seal in _seals(session, tenant_id):
        number += 1
        _check_seal(report, key, seal, number, previous)
        previous, number = seal["digest"], seal["number"]
        try:
            ranges = list(ranges_of(seal["members"]))
        except ValueError:
            report.wrong(f"seal {number}: its list of rows cannot be read")
            continue
        _check_members(report, session, key, seal, ranges, gone)
        inside += ranges
        sealed_through = max(sealed_through, seal["last_id"])
        report.seals, report.head = report.seals + 1, seal["digest"]
        if report.since_anchor is not None:
            report.since_anchor += seal["count"]
        if anchor is not None and compare_digest(seal["digest"], anchor):
            report.since_anchor = 0
    _check_open(report, session, key, tenant_id, inside, sealed_through)
    _check_twice(report, session, tenant_id)
    return report


def _check_seal(report: Report, key: bytes, seal: dict[str, Any], expected: int, previous: str) -> None:
    name = f"seal {seal['number']}"
    if seal["number"] != expected:
        report.wrong(f"{name}: seal {expected} is gone" if seal["number"] > expected else f"{name}: stands twice")
    if seal["previous"] != previous:
        report.wrong(f"{name}: does not follow the seal before it")
    if not compare_digest(seal["digest"], digest_of_seal(key, seal, seal["at"])):
        report.wrong(f"{name}: was changed, or was not made with this service's secret")


def _check_members(
    report: Report, session: Session, key: bytes, seal: dict[str, Any], ranges: list[tuple[int, int]], gone: int
) -> None:
    number = seal["number"]
    wanted = [id_ for first, last in ranges for id_ in range(first, last + 1)]
    found = {row.id: row for row in _rows(session, report.tenant_id, wanted)}
    if not found and number <= gone:
        report.purged += 1
        return
    report.rows += len(found)
    for id_ in wanted:
        if id_ not in found:
            report.wrong(f"row {id_}: is gone (seal {number} closed it)")
    for row in found.values():
        # What stood there before rows were signed is closed by the first seal, as it was found then.
        if not row.signed_by(key) and not (number == 1 and not row.mac):
            report.wrong(f"row {row.id}: was changed, or was not written by this service")
    if len(found) == len(wanted) and digest_of_rows((row.id, row.mac) for row in found.values()) != seal["rows_digest"]:
        report.wrong(f"seal {number}: its rows are not the ones that it closed, or stand in another order")


def _check_open(
    report: Report, session: Session, key: bytes, tenant_id: str, inside: list[tuple[int, int]], through: int
) -> None:
    """Rows in no seal: the newest ones wait for the next; one far below the newest sealed was put in afterwards."""
    late = LATE if session.get_bind().dialect.name == "postgresql" else 0
    inside.sort()
    waiting = list(_outside(session, tenant_id, inside))
    for place in range(0, len(waiting), CHUNK):
        for row in _rows(session, tenant_id, waiting[place : place + CHUNK]):
            report.rows, report.waiting = report.rows + 1, report.waiting + 1
            if not row.signed_by(key) and (report.seals or row.mac):
                report.wrong(f"row {row.id}: was changed, or was not written by this service")
            elif row.id < through - late:
                report.wrong(f"row {row.id}: stands among sealed rows and is in no seal")


def _outside(session: Session, tenant_id: str, inside: list[tuple[int, int]]) -> Iterator[int]:
    """The ids of rows that are in none of the ranges, which are sorted."""
    place = 0
    query = sa.select(AuditRow.id).where(AuditRow.tenant_id == tenant_id).order_by(AuditRow.id)
    for id_ in session.scalars(query, execution_options={"yield_per": 10_000}):
        while place < len(inside) and inside[place][1] < id_:
            place += 1
        if place == len(inside) or id_ < inside[place][0]:
            yield id_


def _check_twice(report: Report, session: Session, tenant_id: str) -> None:
    query = sa.select(sa.func.min(AuditRow.id)).where(AuditRow.tenant_id == tenant_id, AuditRow.nonce != "")
    for id_ in session.scalars(query.group_by(AuditRow.nonce).having(sa.func.count() > 1)):
        report.wrong(f"row {id_}: stands there twice")


def _purged_through(session: Session, key: bytes, tenant_id: str) -> int:
    """The newest seal whose rows were let go, by rows that are signed by the service."""
    query = _selected(tenant_id).where(AuditRow.action == PURGED)
    told = (_told(row) for row in session.execute(query))
    place = SIGNED.index("details")
    return max((int(row.values[place].get("through", 0)) for row in told if row.signed_by(key)), default=0)


def _seals(session: Session, tenant_id: str) -> Iterator[dict[str, Any]]:
    table = AuditSeal.__table__
    at = sa.type_coerce(AuditSeal.at, sa.BigInteger).label("at")
    columns = [at if column.name == "at" else column for column in table.c]
    query = sa.select(*columns).where(AuditSeal.tenant_id == tenant_id).order_by(AuditSeal.number)
    for row in session.execute(query).mappings():
        yield dict(row)


def _rows(session: Session, tenant_id: str, ids: list[int]) -> list[Told]:
    """The rows with these ids that are still there, in order; the ids are sorted."""
    found = []
    for place in range(0, len(ids), CHUNK):
        some = ids[place : place + CHUNK]
        query = _selected(tenant_id).where(AuditRow.id.between(some[0], some[-1])).order_by(AuditRow.id)
        wanted = set(some)
        found += [_told(row) for row in session.execute(query) if row.id in wanted]
    return found


def _selected(tenant_id: str) -> sa.Select[Any]:
    # The moment as it is stored: an exact number, where a datetime may lose the last microsecond.
    at = sa.type_coerce(AuditRow.at, sa.BigInteger).label("at")
    columns = [getattr(AuditRow, name) for name in SIGNED]
    return sa.select(AuditRow.id, at, AuditRow.mac, *columns).where(AuditRow.tenant_id == tenant_id)


def _told(row: Any) -> Told:
    values = [getattr(row, name) for name in SIGNED]
    return Told(row.id, row.at, row.mac, values)
