"""What was tried to reach whom, what came back, and which numbers want no more."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fhirapp.db.base import Base, Moment


class Delivery(Base):
    """One notice on one channel. Announced before the message leaves, so that a crash leaves a trace of it."""

    __tablename__ = "delivery"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "notice_id", "channel"),
        sa.Index("ix_delivery_address", "tenant_id", "address"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    notice_id: Mapped[int] = mapped_column(sa.ForeignKey("notice.id"))
    channel: Mapped[str]  # "email" | "sms"
    address: Mapped[str]  # a keyed digest
    state: Mapped[str]  # "begun" | "sent" | "waiting" | "doubtful" | "refused" | "given-up"
    tries: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(Moment)
    begun_at: Mapped[datetime] = mapped_column(Moment)
    provider_id: Mapped[str | None]
    error: Mapped[str | None]  # our own words: no address, no content


class NumberStop(Base):
    """A number that said STOP. Nothing more is sent to it, except one confirmation."""

    __tablename__ = "number_stop"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    address: Mapped[str]  # a keyed digest
    stopped_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)  # said START after it

    @property
    def stands(self) -> bool:
        """True until the number says START."""
        return self.started_at is None or self.started_at < self.stopped_at


class Reply(Base):
    """What a patient answered by text message; kept before anything is done about it."""

    __tablename__ = "reply"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "provider_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    provider_id: Mapped[str]  # the provider's id, else a digest of the reply
    at: Mapped[datetime] = mapped_column(Moment)
    address: Mapped[str]  # a keyed digest
    meaning: Mapped[str]  # "stop" | "start" | "help" | "unknown"
    sealed: Mapped[str] = mapped_column(sa.Text)  # {"number", "text"}
    handled_at: Mapped[datetime | None] = mapped_column(Moment)
    needs: Mapped[str]  # why a person must look: "" | "unknown" | "shared" | "nobody" | "stopped"
    urgent: Mapped[bool]  # it names a symptom
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    done_by: Mapped[str | None]
