"""How far an EHR's changes have been read: a row for each tenant and kind, moved only after the work is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fhirapp.db.base import Base, Moment, Sessions

# What was written while we looked may carry an earlier time than our answer, and an EHR of several machines has
# several clocks: each look begins this long before the last one.
OVERLAP: Final = timedelta(minutes=5)


class PollCursor(Base):
    """Where the next look begins, by the EHR's own clock, and what of the overlap was seen already."""

    __tablename__ = "poll_cursor"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # a resource type
    since: Mapped[datetime] = mapped_column(Moment)  # the EHR's `Date` when the last look began
    seen: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  # "Observation/4|2": microseconds of its lastUpdated


@dataclass(frozen=True, slots=True)
class Look:
    """From where to read, and what to pass over."""

    since: datetime | None  # None: never looked
    seen: Collection[str]

    @property
    def begins(self) -> datetime | None:
        """The `_lastUpdated` to ask for."""
        return None if self.since is None else self.since - OVERLAP


@dataclass(frozen=True, slots=True)
class Cursors:
    """The cursors of one tenant."""

    sessions: Sessions
    tenant_id: str

    def look(self, kind: str) -> Look:
        """Where to begin."""
        with self.sessions() as session:
            row = session.get(PollCursor, (self.tenant_id, kind))
            return Look(None, ()) if row is None else Look(row.since, frozenset(row.seen))

    def done(self, kind: str, asked_at: datetime, seen: Iterable[tuple[str, datetime]]) -> None:
        """Everything that the EHR answered at `asked_at` is dealt with; the cursor never goes back."""
        with self.sessions.begin() as session:
            row = session.get(PollCursor, (self.tenant_id, kind))
            since = asked_at if row is None else max(row.since, asked_at)
            edge = _micros(since - OVERLAP)
            kept = {key: _micros(at) for key, at in seen} | (dict(row.seen) if row is not None else {})
            kept = {key: at for key, at in kept.items() if at >= edge}
            session.merge(PollCursor(tenant_id=self.tenant_id, kind=kind, since=since, seen=kept))


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
