"""The nightly job that lets go of what has served, at hospitals whose settings ask for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.db.base import Sessions
from fhirapp.ehr.capabilities import next_night
from fhirapp.jobs.table import Job, enqueue
from fhirapp.retention.letting_go import LettingGo
from fhirapp.tenants import Tenants

log = logging.getLogger("stride.retention")

RETENTION: Final = "retention"  # the kind of the job


@dataclass(frozen=True, slots=True)
class Nightly:
    """Each hospital's own night, in its own zone."""

    sessions: Sessions
    tenants: Tenants
    clock: Callable[[], datetime]

    def night(self, tenant_id: str) -> None:
        """Let go, and be due again next night. A hospital that says nothing in its settings is left alone."""
        tenant = self.tenants[tenant_id]
        if not tenant.retention.nightly:
            return
        gone = LettingGo(self.sessions, self.clock).run(tenant)
        log.info("tenant %s: let go of %s", tenant_id, dict(gone) or "nothing")
        with self.sessions.begin() as session:
            _enqueue(session, tenant_id, next_night(tenant, self.clock()))

    def schedule(self) -> None:
        """Make sure that each hospital that asks for it has its job; the first one is due next night."""
        with self.sessions() as session:
            waiting = sa.select(Job.tenant_id).where(Job.kind == RETENTION, Job.state == "ready")
            there = set(session.execute(waiting).scalars())
        for tenant in self.tenants.by_id.values():
            if tenant.retention.nightly and tenant.id not in there:
                with suppress(sa.exc.IntegrityError), self.sessions.begin() as session:  # another worker was first
                    _enqueue(session, tenant.id, next_night(tenant, self.clock()))


def _enqueue(session: Session, tenant_id: str, run_at: datetime) -> None:
    enqueue(session, tenant_id, RETENTION, f"{RETENTION}/{tenant_id}", {}, run_at=run_at)
