"""An alarm: something that somebody must look at, whom we told, and who has confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment
from fhirapp.db.direct import Statement, linked


class Alarm(Base):
    """One alarm about one referral. It is open until it is confirmed, or its reason has gone."""

    __tablename__ = "alarm"
    __table_args__ = (
        sa.Index("ix_alarm_referral", "tenant_id", "referral_id"),
        sa.Index("ix_alarm_open", "tenant_id", "closed_at", "acknowledged_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"))
    kind: Mapped[str]  # clocks.Kind
    rules: Mapped[list[str]] = mapped_column(sa.JSON)  # of a hold: what fired
    raised_at: Mapped[datetime] = mapped_column(Moment)
    step: Mapped[int] = mapped_column(default=0)  # the next one to take
    acknowledged_at: Mapped[datetime | None] = mapped_column(Moment)
    acknowledged_by: Mapped[str | None]
    acknowledged_how: Mapped[str | None]  # "link" | "page"
    closed_at: Mapped[datetime | None] = mapped_column(Moment)  # its reason has gone

    @property
    def is_open(self) -> bool:
        """True while somebody still has to confirm it."""
        return self.acknowledged_at is None and self.closed_at is None


class AlarmCall(Base):
    """One try to tell one person of an alarm."""

    __tablename__ = "alarm_call"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "alarm_id", "step", "whom", "via"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    alarm_id: Mapped[int] = mapped_column(sa.ForeignKey("alarm.id"))
    step: Mapped[int]
    whom: Mapped[str]
    via: Mapped[str]
    state: Mapped[str]  # "due" | "begun" | "sent" | "failed" | "no-way"
    tries: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(Moment)  # of the last change
    reference: Mapped[str | None]  # the provider's id, or the Communication in the EHR
    error: Mapped[str | None]  # our own words


_STANDING: Final = Statement(
    sa.select(Alarm.id)
    .where(
        Alarm.tenant_id == sa.bindparam("tenant"),
        Alarm.referral_id == sa.bindparam("referral", type_=sa.Uuid()),  # as of the table referred to, yet unread
        Alarm.closed_at.is_(None),
    )
    .limit(1)
)


def open_alarms(session: Session, tenant_id: str, referral_id: UUID | None = None) -> Sequence[Alarm]:
    """The alarms that nobody has confirmed, oldest first; of one referral or of the whole tenant."""
    query = sa.select(Alarm).where(
        Alarm.tenant_id == tenant_id, Alarm.acknowledged_at.is_(None), Alarm.closed_at.is_(None)
    )
    if referral_id is not None:
        query = query.where(Alarm.referral_id == referral_id)
    return session.execute(query.order_by(Alarm.raised_at, Alarm.id)).scalars().all()


def standing_alarms(session: Session, tenant_id: str, referral_id: UUID) -> Sequence[Alarm]:
    """The alarms of one referral whose reason has not gone, confirmed or not."""
    with linked(session) as link:  # nearly always there is none, and a session takes its time to find that out
        if link.row(_STANDING, {"tenant": tenant_id, "referral": referral_id}) is None:
            return ()
    query = sa.select(Alarm).where(
        Alarm.tenant_id == tenant_id, Alarm.referral_id == referral_id, Alarm.closed_at.is_(None)
    )
    return session.execute(query.order_by(Alarm.raised_at, Alarm.id)).scalars().all()
