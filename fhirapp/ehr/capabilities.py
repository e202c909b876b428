"""What the EHRs said of themselves: kept per tenant, read at onboarding and every night. Source: standards.md WB-1."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment, Sessions, insert_into
from fhirapp.ehr.capability import Capability, abridged, capability_of, read_statement
from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.errors import EhrError, EhrUnavailable
from fhirapp.jobs.table import Job, enqueue
from fhirapp.tenants import Tenant

log = logging.getLogger("stride.ehr")

CAPABILITY: Final = "capability"  # the kind of the nightly job
NIGHT: Final = 3  # o'clock in the tenant's zone
REMEMBERED: Final = timedelta(minutes=1)  # in this process; another one may have read it anew
SHY: Final = timedelta(minutes=10)  # an EHR that refused to say is not asked again by every job


class EhrCapability(Base):
    """The newest CapabilityStatement of one tenant's EHR, shortened to what we use."""

    __tablename__ = "ehr_capability"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    read_at: Mapped[datetime] = mapped_column(Moment)
    statement: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Of every tenant; what was never read is assumed to be able to do the least."""

    sessions: Sessions
    clock: Callable[[], datetime]
    _known: dict[str, tuple[Capability, datetime]] = field(default_factory=dict, repr=False, compare=False)

    def of(self, tenant_id: str) -> Capability:
        """What this tenant's EHR can do, as last read; another process may have read it a minute ago."""
        return self._remembered(tenant_id) or self._looked_up(tenant_id)

    def _remembered(self, tenant_id: str) -> Capability | None:
        known, until = self._known.get(tenant_id, (None, None))
        return known if until is not None and self.clock() < until else None

    def _looked_up(self, tenant_id: str) -> Capability:
        with self.sessions() as session:
            row = session.get(EhrCapability, tenant_id)
        if row is None:
            return Capability()
        return self._remember(tenant_id, capability_of(row.statement, row.read_at), REMEMBERED)

    def _remember(self, tenant_id: str, capability: Capability, this_long: timedelta) -> Capability:
        self._known[tenant_id] = capability, self.clock() + this_long
        return capability

    def read(self, tenant_id: str, client: EhrClient) -> Capability:
        """Ask the EHR now and keep the answer; raises an `EhrError` and keeps what was known."""
        return self.store(tenant_id, abridged(read_statement(client)))

    def store(self, tenant_id: str, statement: dict[str, Any]) -> Capability:
        """Keep a shortened statement as the newest."""
        now = self.clock()
        values = {"read_at": now, "statement": statement}
        with self.sessions.begin() as session:  # one statement: several workers read it first
            new = insert_into(session, EhrCapability).values(tenant_id=tenant_id, **values)
            session.execute(new.on_conflict_do_update(index_elements=[EhrCapability.tenant_id], set_=values))
        return self._remember(tenant_id, capability_of(statement, now), REMEMBERED)

    def learn(self, tenant_id: str, client: EhrClient) -> Capability:
        """What is known, else what the EHR says now; one that refuses to say gets the cautious default."""
        known = self.of(tenant_id)
        if known.read_at is not None or self._remembered(tenant_id) is not None:
            return known
        try:
            return self.read(tenant_id, client)
        except EhrUnavailable:
            raise
        except EhrError:
            return self._remember(tenant_id, known, SHY)

    def nightly(self, tenant: Tenant, client: EhrClient) -> None:
        """The job of one tenant: read, and be due again next night. A refusal is noted and asked again then."""
        try:
            self.read(tenant.id, client)
        except EhrUnavailable:
            raise  # tried again soon
        except EhrError as error:
            log.warning("tenant %s: the EHR does not say what it can do: %s", tenant.id, error)
        with self.sessions.begin() as session:
            _enqueue(session, tenant.id, next_night(tenant, self.clock()))

    def schedule(self, tenants: Iterable[Tenant]) -> None:
        """Make sure that each tenant has its nightly job; the first one is due now."""
        with self.sessions() as session:
            there = set(session.execute(sa.select(Job.tenant_id).where(Job.kind == CAPABILITY)).scalars())
        for tenant in tenants:
            if tenant.id not in there:
                with suppress(sa.exc.IntegrityError), self.sessions.begin() as session:  # another worker was first
                    _enqueue(session, tenant.id, self.clock())


def next_night(tenant: Tenant, now: datetime) -> datetime:
    """Three o'clock of the tenant's next night."""
    here = now.astimezone(tenant.zone)
    tonight = here.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return tonight if tonight > here else tonight + timedelta(days=1)


def _enqueue(session: Session, tenant_id: str, run_at: datetime) -> None:
    enqueue(session, tenant_id, CAPABILITY, f"{CAPABILITY}/{tenant_id}", {}, run_at=run_at)
