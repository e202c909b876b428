"""Where the EHR and we disagree, and no rule says who is right: kept for a person, both versions sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment
from fhirapp.db.encrypted import Sealer

THEIRS, OURS, PASSED = "theirs", "ours", "passed"  # how it was settled; passed: it went away by itself
CHANGED, GONE, SEVERAL, REFUSED = "changed", "gone", "several", "refused"
REASONS: Final = (CHANGED, GONE, SEVERAL, REFUSED)

Json = dict[str, Any]


class EhrConflictRow(Base):
    """One resource of a referral on which the EHR and we disagree; the newest disagreement replaces an older one."""

    __tablename__ = "ehr_conflict"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "referral_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"))
    kind: Mapped[str]
    reason: Mapped[str]
    wanted: Mapped[str]  # what we would write: status and words
    theirs: Mapped[str]  # the status that the EHR has
    opened_at: Mapped[datetime] = mapped_column(Moment)
    sealed: Mapped[str] = mapped_column(sa.Text)  # both versions
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_by: Mapped[str | None]
    resolution: Mapped[str | None]

    def settled_as(self, resolution: str, wanted: str, theirs: str) -> bool:
        """Whether a person has decided this very question in this way."""
        same = (self.wanted, self.theirs) == (wanted, theirs)
        return self.settled_at is not None and self.resolution == resolution and same


@dataclass(frozen=True, slots=True)
class Conflict:
    """One open conflict with both versions, as a person sees it. `theirs` is None where the EHR has nothing."""

    id: int
    referral_id: UUID
    kind: str
    reason: str
    opened_at: datetime
    theirs: Json | None
    ours: Json | None


class Conflicts:
    """The conflicts of one tenant inside the caller's transaction."""

    def __init__(self, session: Session, tenant_id: str, sealer: Sealer) -> None:
        self.session, self.tenant_id, self.sealer = session, tenant_id, sealer

    def of(self, referral_id: UUID) -> dict[str, EhrConflictRow]:
        """All of one referral by kind, settled ones too."""
        rows = self.session.execute(self._mine().where(EhrConflictRow.referral_id == referral_id)).scalars()
        return {row.kind: row for row in rows}

    def open(self) -> Sequence[Conflict]:
        """What waits for a person, the oldest first."""
        query = self._mine().where(EhrConflictRow.settled_at.is_(None))
        rows = self.session.execute(query.order_by(EhrConflictRow.opened_at, EhrConflictRow.id)).scalars()
        return [self._opened(row) for row in rows]

    def count(self) -> int:
        """How many wait for a person."""
        query = self._mine().where(EhrConflictRow.settled_at.is_(None))
        return self.session.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()

    def note(
        self, referral_id: UUID, kind: str, reason: str, *, wanted: str, theirs: Json | None, ours: Json | None,
        status: str, now: datetime,
    ) -> EhrConflictRow:  # fmt: skip
        """Keep a conflict; the same one again stays as old as it is."""
        row = self.of(referral_id).get(kind)
        sealed = self.sealer.seal({"theirs": theirs, "ours": ours}, _bound_to(referral_id, kind))
        if row is None:
            row = EhrConflictRow(tenant_id=self.tenant_id, referral_id=referral_id, kind=kind, opened_at=now)
            self.session.add(row)
        elif row.settled_at is not None or (row.reason, row.wanted, row.theirs) != (reason, wanted, status):
            row.opened_at = now
        row.reason, row.wanted, row.theirs, row.sealed = reason, wanted, status, sealed
        row.settled_at = row.settled_by = row.resolution = None
        self.session.flush()
        return row

    def settle(self, conflict_id: int, resolution: str, *, by: str, now: datetime) -> EhrConflictRow | None:
        """A person has decided; `None` when there is no such open conflict any more."""
        query = self._mine().where(EhrConflictRow.id == conflict_id, EhrConflictRow.settled_at.is_(None))
        row = self.session.execute(query.with_for_update()).scalar_one_or_none()
        if row is not None:
            row.settled_at, row.settled_by, row.resolution = now, by, resolution
        return row

    def passed(self, referral_id: UUID, kind: str, now: datetime) -> None:
        """It has gone away: the EHR is as we want it."""
        row = self.of(referral_id).get(kind)
        if row is not None and row.settled_at is None:
            row.settled_at, row.settled_by, row.resolution = now, "", PASSED

    def _mine(self) -> sa.Select[EhrConflictRow]:
        return sa.select(EhrConflictRow).where(EhrConflictRow.tenant_id == self.tenant_id)

    def _opened(self, row: EhrConflictRow) -> Conflict:
        both: Mapping[str, Any] = self.sealer.open(row.sealed, _bound_to(row.referral_id, row.kind))
        return Conflict(row.id, row.referral_id, row.kind, row.reason, row.opened_at, both["theirs"], both["ours"])


def _bound_to(referral_id: UUID, kind: str) -> str:
    return f"conflict/{referral_id}/{kind}"
