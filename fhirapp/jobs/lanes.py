"""One lane for each EHR: so many jobs at once, so many a second, and a rest when it does not answer.

A thousand jobs of an EHR that is down would each try, fail and wait by themselves: a storm of requests every half
hour. Here one job tries, and the others stay where they are until the EHR has answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment, insert_into
from fhirapp.db.direct import Link, Statement
from fhirapp.jobs.pace import Pace

FIRST_REST: Final = timedelta(seconds=5)
LONGEST_REST: Final = timedelta(minutes=5)
BURST: Final = timedelta(seconds=1)  # so much may come at once


class Lane(Base):
    """How one EHR is doing. There is a row for an EHR that had to rest, or that is given so many jobs a second."""

    __tablename__ = "lane"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    rests_until: Mapped[datetime | None] = mapped_column(Moment)
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    next_at: Mapped[datetime | None] = mapped_column(Moment)  # when the jobs taken so far would be done, one by one


@dataclass(frozen=True, slots=True)
class _Stand:
    """A row, without a session."""

    tenant_id: str
    rests_until: datetime | None
    failures: int
    next_at: datetime | None


_LANES: Final = Statement(sa.select(Lane.tenant_id, Lane.rests_until, Lane.failures, Lane.next_at))


@dataclass(frozen=True, slots=True)
class Look:
    """The tenants of whose EHR no job may be taken now, and those whose EHR did not answer the last time."""

    closed: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lanes:
    """Which kinds of job go to the EHR, and how fast each EHR takes them."""

    kinds: Collection[str] = ()
    paces: Mapping[str, Pace] = field(default_factory=dict)  # by tenant

    @property
    def paced(self) -> bool:
        """Whether any EHR is given only so many jobs a second."""
        return any(pace.jobs_per_second for pace in self.paces.values())

    def look(self, link: Link, now: datetime, busy: Mapping[str, int]) -> Look:
        """How the lanes stand; `busy`: how many jobs of each EHR are under way."""
        rows = {row[0]: _Stand(*row) for row in link.rows(_LANES, {})}
        return Look(
            closed=frozenset(one for one in {*rows, *busy} if self._closed(one, rows.get(one), now, busy.get(one, 0))),
            failing=frozenset(row.tenant_id for row in rows.values() if row.failures),
        )

    def taken(self, session: Session, tenant_id: str, now: datetime) -> None:
        """Count a job that is taken, where so many a second are allowed."""
        per_second = self._pace(tenant_id).jobs_per_second
        if per_second:
            lane = _lane(session, tenant_id)
            lane.next_at = max(lane.next_at or now, now) + timedelta(seconds=1 / per_second)

    def _pace(self, tenant_id: str) -> Pace:
        return self.paces.get(tenant_id, Pace())

    def _closed(self, tenant_id: str, lane: _Stand | None, now: datetime, under_way: int) -> bool:
        pace = self._pace(tenant_id)
        if lane is None:
            return under_way >= pace.jobs_at_once
        if lane.rests_until is not None and now < lane.rests_until:
            return True
        if lane.next_at is not None and pace.jobs_per_second and lane.next_at > now + BURST:
            return True
        return under_way >= (1 if lane.failures else pace.jobs_at_once)  # after a rest one job tries


def rest(session: Session, tenant_id: str, now: datetime, asked: float | None) -> None:
    """The EHR does not answer: no job of it until it has rested, or as long as it asked for."""
    lane = _lane(session, tenant_id)
    if lane.rests_until is not None and now < lane.rests_until:
        return  # one that was under way already when the rest began
    lane.failures += 1
    wait = FIRST_REST * 2 ** min(lane.failures - 1, 10)
    lane.rests_until = now + (timedelta(seconds=asked) if asked is not None else min(wait, LONGEST_REST))


def answered(session: Session, tenant_id: str) -> None:
    """The EHR has answered: its lane is open."""
    session.execute(
        sa.update(Lane).where(Lane.tenant_id == tenant_id, Lane.failures > 0).values(failures=0, rests_until=None)
    )


def _lane(session: Session, tenant_id: str) -> Lane:
    session.execute(insert_into(session, Lane).values(tenant_id=tenant_id, failures=0).on_conflict_do_nothing())
    return session.execute(sa.select(Lane).where(Lane.tenant_id == tenant_id).with_for_update()).scalar_one()
