"""Makes the look at an EHR due: by the clock, or because the EHR has knocked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from fhirapp.db.base import Sessions
from fhirapp.jobs.table import Job, enqueue

POLL: Final = "poll"
BREATH: Final = timedelta(seconds=2)  # between a notice and the look: a flood of notices is one look


def poll_key(tenant_id: str) -> str:
    """The job of one tenant; there is never a second."""
    return f"{POLL}/{tenant_id}"


def make_due(sessions: Sessions, tenant_id: str, now: datetime) -> None:
    """Have the EHR looked at in a moment. Only looks, where a look is due anyway: a thousand notices write once."""
    soon = now + BREATH
    due = sa.select(Job.id).where(Job.key == poll_key(tenant_id), Job.state == "ready", Job.run_at <= soon)
    with sessions() as session:
        if session.execute(due).first() is not None:
            return
    with sessions.begin() as session:
        enqueue(session, tenant_id, POLL, poll_key(tenant_id), {}, run_at=soon)
