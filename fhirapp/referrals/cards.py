"""Which card was shown for which referral, and what the EHR said became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cds_hooks.ports import HookCall
from fhirapp.db.base import Base, Moment
from fhirapp.db.direct import Link, Statement

HANDLE_LIVES: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Offered:
    """A card that is going to be shown, and the ids that it is known by."""

    referral_id: UUID
    warned: bool
    face: str
    card_id: UUID = field(default_factory=uuid4)
    suggestion_id: UUID = field(default_factory=uuid4)
    handle: str = field(default_factory=lambda: token_urlsafe(32), repr=False)  # appContext; only its hash is stored


class Card(Base):
    """One card as shown."""

    __tablename__ = "card"
    __table_args__ = (
        sa.Index("ix_card_seen", "referral_id", "user", "face", "at"),
        sa.Index(
            "ix_card_put_away",
            "referral_id",
            "user",
            sqlite_where=sa.text("dismissed_at IS NOT NULL"),
            postgresql_where=sa.text("dismissed_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"), index=True)
    suggestion_id: Mapped[UUID]
    hook: Mapped[str]
    service_id: Mapped[str]
    hook_instance: Mapped[str]
    user: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(Moment)
    warned: Mapped[bool]  # it warned of a hold and offered nothing to decline
    handle_hash: Mapped[str] = mapped_column(index=True)  # of the appContext; the handle itself is never stored
    handle_used_at: Mapped[datetime | None] = mapped_column(Moment)
    face: Mapped[str | None]  # hash of what it said; card_memory.py
    dismissed_at: Mapped[datetime | None] = mapped_column(Moment)
    again_at: Mapped[datetime | None] = mapped_column(Moment)  # snoozed until then


_CARD: Final = Statement.inserting(Card)


def keep_card(link: Link, call: HookCall, offered: Offered, at: datetime) -> None:
    """Remember a card in the caller's transaction."""
    values = {
        "id": offered.card_id,
        "tenant_id": call.tenant_id,
        "referral_id": offered.referral_id,
        "suggestion_id": offered.suggestion_id,
        "hook": call.hook,
        "service_id": call.service_id,
        "hook_instance": call.hook_instance,
        "user": call.user,
        "at": at,
        "warned": offered.warned,
        "handle_hash": handle_hash(offered.handle),
        "handle_used_at": None,
        "face": offered.face,
        "dismissed_at": None,
        "again_at": None,
    }
    link.insert(_CARD, values)


def handle_hash(handle: str) -> str:
    """What is stored of an appContext handle."""
    return sha256(handle.encode()).hexdigest()


class Feedback(Base):
    """What became of a card, kept once however often it is sent (CH-B4)."""

    __tablename__ = "feedback"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "card_id", "outcome", "suggestions", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    card_id: Mapped[str]  # as sent; it may be no card of ours
    referral_id: Mapped[UUID | None]
    outcome: Mapped[str]
    suggestions: Mapped[str]  # accepted suggestion ids, comma-separated
    reason_code: Mapped[str | None]
    reason_system: Mapped[str | None]
    comment: Mapped[str | None] = mapped_column(sa.Text)  # sealed free text
    at: Mapped[datetime] = mapped_column(Moment)
    received_at: Mapped[datetime] = mapped_column(Moment)
