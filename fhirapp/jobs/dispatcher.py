"""Runs due jobs: claim one by lease, do it outside any transaction, finish it by fence."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from fhirapp.db.base import Sessions
from fhirapp.db.direct import Direct
from fhirapp.ehr.errors import EhrDown, EhrError, EhrUnavailable
from fhirapp.jobs.lanes import Lanes, answered, rest
from fhirapp.jobs.table import Claim, backoff, bury, claim_one, enqueue, finish_directly, overlapped, retry
from fhirapp.referrals.errors import ReferralNotFound

log = logging.getLogger("stride.jobs")

SETTLE: Final = timedelta(seconds=5)
TIDY_EVERY: Final = timedelta(minutes=10)
SEAL_EVERY: Final = 30.0  # seconds

Handler = Callable[[str, UUID], None]  # tenant id, referral id
TenantHandler = Callable[[str], None]  # tenant id


class Idlers:
    """The threads of one worker that have nothing to do: one of them looks for the others."""

    def __init__(self) -> None:
        self._looks, self._others = threading.Lock(), threading.Condition()

    def wake(self) -> None:
        """There was something to do: there may be more, for another one."""
        with self._others:
            self._others.notify()

    def wait(self, stop: threading.Event, idle: float) -> None:
        """Until it is this thread's turn to look, or another one has found something."""
        while not stop.is_set():
            if self._looks.acquire(blocking=False):
                try:
                    stop.wait(idle)
                finally:
                    self._looks.release()
                return
            with self._others:
                if self._others.wait(idle):
                    return


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """One worker's loop. Any number may run, in any number of processes."""

    sessions: Sessions
    handlers: Mapping[str, Handler]
    clock: Callable[[], datetime]
    tidy: Callable[[], int] | None = None  # what an idle worker does now and then
    tenant_handlers: Mapping[str, TenantHandler] = field(default_factory=dict)  # jobs about a whole EHR
    lanes: Lanes = field(default_factory=Lanes)
    seal: Callable[[], int] | None = None  # what a worker does every half minute, busy or not
    idlers: Idlers = field(default_factory=lambda: Idlers())

    def run_one(self) -> bool:
        """Run the next due job; False when nothing is due."""
        claim = claim_one(self.sessions, self.clock(), lanes=self.lanes)
        if claim is None:
            return False
        self.run(claim)
        return True

    def run(self, claim: Claim) -> None:
        """Run one claimed job to its end: done, to be tried again, or dead."""
        try:
            self._call(claim)
        except EhrUnavailable as error:
            self._again(claim, error, error.retry_after)
        except (EhrError, ReferralNotFound) as error:
            self._bury(claim, error)
        except Exception as error:
            log.exception("job %s %s failed", claim.kind, claim.id)
            self._again(claim, error, None)
        else:
            self._done(claim)

    def _call(self, claim: Claim) -> None:
        if claim.kind in self.tenant_handlers:
            self.tenant_handlers[claim.kind](claim.tenant_id)
        else:
            self.handlers[claim.kind](claim.tenant_id, UUID(claim.payload["referral"]))

    def run_due(self, limit: int = 1000) -> int:
        """Run what is due now, at most `limit` jobs; returns how many."""
        for count in range(limit):
            if not self.run_one():
                return count
        return limit

    def run_forever(self, stop: threading.Event, idle: float = 0.5) -> None:
        """Until `stop` is set. A failure of the database is logged and waited out, it does not end the worker."""
        tidied, sealed = datetime.min.replace(tzinfo=UTC), -SEAL_EVERY
        while not stop.is_set():
            try:
                busy = self.run_one()
                if self.seal is not None and time.monotonic() - sealed >= SEAL_EVERY:
                    sealed = time.monotonic()
                    self.seal()
                if not busy and self.tidy is not None and self.clock() - tidied > TIDY_EVERY:
                    self.tidy()
                    tidied = self.clock()
            except Exception:
                log.exception("the job table cannot be read")
                busy = False
            if busy:
                self.idlers.wake()
            else:
                self.idlers.wait(stop, idle)

    def _done(self, claim: Claim) -> None:
        with Direct(self.sessions).connected() as link, link.writing():
            finished = finish_directly(link, claim)
        if finished and not claim.probes:
            return
        with self.sessions.begin() as session:
            if claim.probes:
                answered(session, claim.tenant_id)
            if not finished and overlapped(session, claim):
                # Another run was under way beside ours and may have looked before we wrote: look once more, when
                # both are surely over. A job that was only made due again meanwhile runs anyway.
                again = self.clock() + SETTLE
                enqueue(session, claim.tenant_id, claim.kind, claim.key, claim.payload, run_at=again)

    def _again(self, claim: Claim, error: Exception, retry_after: float | None) -> None:
        wait = timedelta(seconds=retry_after) if retry_after is not None else backoff(claim.failures)
        with self.sessions.begin() as session:
            if isinstance(error, EhrDown):
                rest(session, claim.tenant_id, self.clock(), error.retry_after)
            retry(
                session,
                claim,
                run_at=self.clock() + wait,
                error=_slug(error),
                for_ever=isinstance(error, EhrUnavailable),
            )
        log.warning("job %s %s will be tried again: %s", claim.kind, claim.id, _slug(error))

    def _bury(self, claim: Claim, error: Exception) -> None:
        with self.sessions.begin() as session:
            if claim.probes:
                answered(session, claim.tenant_id)
            bury(session, claim, error=_slug(error))
        log.error("job %s %s is dead and needs a person: %s", claim.kind, claim.id, _slug(error))


def _slug(error: Exception) -> str:
    """Class and, for an EHR's answer, the message we composed ourselves: no patient data can be in it."""
    return f"{type(error).__name__}: {error}" if isinstance(error, EhrError) else type(error).__name__
