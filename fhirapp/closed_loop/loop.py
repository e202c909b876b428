"""The closed loop as jobs: looks at each EHR, checks of one referral, new results, subscriptions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from fhirapp.closed_loop.knock import KNOCK, POLL, key_of
from fhirapp.closed_loop.poll import Poll
from fhirapp.closed_loop.subscriptions import CHECKED_EVERY, SUBSCRIBE, Subscriptions
from fhirapp.db.base import Sessions
from fhirapp.ehr.capabilities import Capabilities
from fhirapp.ehr.connect import Ehrs
from fhirapp.ehr.errors import EhrError, EhrUnavailable
from fhirapp.jobs.dispatcher import Handler, TenantHandler
from fhirapp.jobs.table import Job, enqueue
from fhirapp.referrals.judging import CHECK, RESULTS
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant, Tenants

log = logging.getLogger("stride.closed_loop")

NEW_RESULT: Final = "new entry in the record"  # the occasion of an assessment


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """What comes back from the EHRs, as the dispatcher calls it."""

    sessions: Sessions
    tenants: Tenants
    ehrs: Ehrs
    capabilities: Capabilities
    poll: Poll
    subscriptions: Subscriptions
    reassess: Callable[[str, UUID, str], Referral]
    clock: Callable[[], datetime]

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Jobs about one referral."""
        return {CHECK: self.check, RESULTS: self.results_came}

    @property
    def tenant_handlers(self) -> Mapping[str, TenantHandler]:
        """Jobs about a whole EHR."""
        return {POLL: self.look, KNOCK: self.answer_knock, SUBSCRIBE: self.subscribe}

    def schedule(self, tenants: Iterable[Tenant]) -> None:
        """Make sure that each tenant is looked at; the first look is due now."""
        with self.sessions() as session:
            there = set(session.execute(sa.select(Job.key).where(Job.kind.in_((POLL, SUBSCRIBE)))).scalars())
        for tenant in tenants:
            for kind in (POLL, SUBSCRIBE):
                if key_of(kind, tenant.id) not in there:
                    with suppress(sa.exc.IntegrityError):  # another worker was first
                        self._again(tenant.id, kind, timedelta(0))

    def look(self, tenant_id: str) -> None:
        """One look; the next is due before this one begins, so that no failure can end the looking."""
        tenant = self.tenants[tenant_id]
        self._again(tenant_id, POLL, tenant.listening.every)
        ehr = self.ehrs.as_system(tenant)
        try:
            self.poll.look(tenant_id, ehr, self.capabilities.learn(tenant_id, ehr))
        except EhrUnavailable as error:
            if error.retry_after is not None and error.retry_after > tenant.listening.every.total_seconds():
                self._again(tenant_id, POLL, timedelta(seconds=error.retry_after))
            raise
        except EhrError as error:
            log.warning("tenant %s: the EHR does not let us look: %s", tenant_id, error)

    def answer_knock(self, tenant_id: str) -> None:
        """Something of ours has changed, says the EHR: look at what is ours."""
        ehr = self.ehrs.as_system(self.tenants[tenant_id])
        try:
            self.poll.look(tenant_id, ehr, self.capabilities.learn(tenant_id, ehr), only_ours=True)
        except EhrUnavailable:
            raise
        except EhrError as error:
            log.warning("tenant %s: the EHR knocks, but does not let us look: %s", tenant_id, error)

    def heard_first(self, go_on: Handler) -> Handler:
        """The same job, which first asks whether the request still stands: nothing goes on over a no unheard."""

        def run(tenant_id: str, referral_id: UUID) -> None:
            self.poll.request(tenant_id, referral_id, self.ehrs.as_system(self.tenants[tenant_id]))
            go_on(tenant_id, referral_id)

        return run

    def check(self, tenant_id: str, referral_id: UUID) -> None:
        """Look at one referral's resources and patient."""
        self.poll.check(tenant_id, referral_id, self.ehrs.as_system(self.tenants[tenant_id]))

    def results_came(self, tenant_id: str, referral_id: UUID) -> None:
        """Something new stands in the chart: the rules speak again, whatever state the referral is in."""
        with self.sessions() as session:
            if not Referrals(session, tenant_id).get(referral_id).is_open:
                return
        self.reassess(tenant_id, referral_id, NEW_RESULT)

    def subscribe(self, tenant_id: str) -> None:
        """See that the EHR knocks, where it can; the looks go on in any case."""
        tenant = self.tenants[tenant_id]
        self._again(tenant_id, SUBSCRIBE, CHECKED_EVERY)
        ehr = self.ehrs.as_system(tenant)
        if not tenant.listening.subscribe or not self.capabilities.learn(tenant_id, ehr).subscriptions:
            return
        try:
            self.subscriptions.keep_alive(tenant_id, ehr)
        except EhrUnavailable:
            raise
        except EhrError as error:
            log.warning("tenant %s: the EHR takes no subscription: %s", tenant_id, error)

    def _again(self, tenant_id: str, kind: str, after: timedelta) -> None:
        with self.sessions.begin() as session:
            enqueue(session, tenant_id, kind, key_of(kind, tenant_id), {}, run_at=self.clock() + after)
