"""What was heard from the EHR, so that the same word is acted on once, and what of it a person must settle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment

MOVED, ASKED, KEPT = "moved", "asked", "kept"
SAID_BOUND_TO: Final = "ehr-change"


class EhrChange(Base):
    """One version of one resource that somebody else wrote, and what became of it here."""

    __tablename__ = "ehr_change"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "referral_id", "reference", "version_id", "status", name="uq_ehr_change_once"),
        sa.Index("ix_ehr_change_open", "tenant_id", "settled_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"))
    kind: Mapped[str]  # as in EhrResource, or "patient"
    reference: Mapped[str]  # "Task/41"
    version_id: Mapped[str]  # "" where the EHR keeps no versions
    status: Mapped[str]  # as it stood there
    outcome: Mapped[str]  # MOVED, ASKED, KEPT
    question: Mapped[str]  # what a person must settle: a key of `questions.QUESTIONS`; "" for none
    said: Mapped[str | None] = mapped_column(sa.Text)  # sealed: the reason in their own words
    heard_at: Mapped[datetime] = mapped_column(Moment)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_by: Mapped[str | None]


def heard_before(session: Session, tenant_id: str, referral_id: UUID, change: tuple[str, str, str]) -> EhrChange | None:
    """The row of this very change (reference, version, status), if it was heard before."""
    reference, version_id, status = change
    return session.execute(
        sa.select(EhrChange).where(
            EhrChange.tenant_id == tenant_id,
            EhrChange.referral_id == referral_id,
            EhrChange.reference == reference,
            EhrChange.version_id == version_id,
            EhrChange.status == status,
        )
    ).scalar_one_or_none()


def open_questions(session: Session, tenant_id: str, referral_id: UUID | None = None) -> Sequence[EhrChange]:
    """What waits for a person, the oldest first; of one referral or of the whole tenant."""
    asked = sa.select(EhrChange).where(
        EhrChange.tenant_id == tenant_id, EhrChange.question != "", EhrChange.settled_at.is_(None)
    )
    if referral_id is not None:
        asked = asked.where(EhrChange.referral_id == referral_id)
    return session.execute(asked.order_by(EhrChange.id)).scalars().all()


def settle(session: Session, tenant_id: str, change_id: int, *, by: str, at: datetime) -> EhrChange | None:
    """A person has seen to it; `None` when it was settled before, or is another tenant's."""
    row = session.execute(
        sa.select(EhrChange).where(
            EhrChange.tenant_id == tenant_id, EhrChange.id == change_id, EhrChange.settled_at.is_(None)
        )
    ).scalar_one_or_none()
    if row is not None:
        row.settled_at, row.settled_by = at, by
    return row
