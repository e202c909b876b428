"""Makes a look at an EHR due because it has knocked: at our resources alone, for nothing else knocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from fhirapp.db.base import Sessions
from fhirapp.jobs.table import Job, enqueue

POLL, KNOCK = "poll", "knock"  # the kinds of the jobs: the look by the clock, and the one after a notice
BREATH: Final = timedelta(seconds=2)  # between a notice and the look: a flood of notices is one look


def key_of(kind: str, tenant_id: str) -> str:
    """The job of one tenant; there is never a second of a kind."""
    return f"{kind}/{tenant_id}"


def make_due(sessions: Sessions, tenant_id: str, now: datetime) -> None:
    """Have the EHR looked at in a moment. Only looks, where a look is due anyway: a thousand notices write once."""
    soon, key = now + BREATH, key_of(KNOCK, tenant_id)
    due = sa.select(Job.id).where(Job.key == key, Job.state == "ready", Job.run_at <= soon)
    with sessions() as session:
        if session.execute(due).first() is not None:
            return
    with sessions.begin() as session:
        enqueue(session, tenant_id, KNOCK, key, {}, run_at=soon)
