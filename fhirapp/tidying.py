"""Removes what has served: spent token ids, launches that never came back, closed pages, jobs done long ago."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from fhirapp.cds_clients import SeenToken
from fhirapp.db.base import Base, Sessions
from fhirapp.jobs.table import Job
from fhirapp.launches import OpenLaunch
from fhirapp.ui.session import PageSession
from smart_launch.ports import PENDING_FOR

JOBS_KEPT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Tidier:
    """Nothing of a patient's history is touched: only what is of no use to anybody any more."""

    sessions: Sessions
    wall_clock: Callable[[], datetime]  # tokens and sessions run on the machine's time, also in a demo

    def tidy(self) -> int:
        """Remove it; returns how many rows went."""
        now = self.wall_clock()
        spent: tuple[tuple[type[Base], Any], ...] = (
            (SeenToken, SeenToken.expires_at < now),
            (OpenLaunch, OpenLaunch.started_at < now - PENDING_FOR),
            (PageSession, PageSession.expires_at < now),
            (Job, sa.and_(Job.state == "done", Job.run_at < now - JOBS_KEPT)),
        )
        gone = 0
        for table, condition in spent:
            with self.sessions.begin() as session:  # short transactions: nobody waits for the broom
                key = next(iter(table.__table__.primary_key))
                gone += len(session.execute(sa.delete(table).where(condition).returning(key)).all())
        return gone
