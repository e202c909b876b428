"""Durable jobs in the application's own database: enqueue with the change, claim by lease, finish by fence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment, Sessions
from fhirapp.db.direct import Direct, Link, Statement, linked
from fhirapp.jobs.lanes import Lanes, Look

LEASE: Final = timedelta(seconds=60)  # must exceed everything one job may wait for
MAX_ATTEMPTS: Final = 12


class Job(Base):
    """One thing to do at or after `run_at`. `key` is unique: the same job enqueued twice is one job."""

    __tablename__ = "job"
    __table_args__ = (
        sa.Index(
            "ix_job_due", "run_at", sqlite_where=sa.text("state = 'ready'"), postgresql_where=sa.text("state = 'ready'")
        ),
        sa.Index(
            "ix_job_leased",
            "leased_until",
            sqlite_where=sa.text("leased_until IS NOT NULL"),
            postgresql_where=sa.text("leased_until IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    kind: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    run_at: Mapped[datetime] = mapped_column(Moment)
    claims: Mapped[int] = mapped_column(default=0)  # how often claimed; with `arms` the fence
    arms: Mapped[int] = mapped_column(default=0)  # how often made due again
    failures: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default="ready")  # ready | done | dead
    leased_until: Mapped[datetime | None] = mapped_column(Moment)  # while a worker has it
    error: Mapped[str | None] = mapped_column(sa.Text)  # class and slug of the last failure; no patient data


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this process may run until its lease ends."""

    id: int
    tenant_id: str
    kind: str
    key: str
    payload: dict[str, Any]
    claims: int
    arms: int
    failures: int
    probes: bool = False  # the EHR did not answer the last time: whoever hears from it opens its lane


def enqueue(
    session: Session, tenant_id: str, kind: str, key: str, payload: dict[str, Any], *, run_at: datetime
) -> None:
    """Put a job into the caller's transaction; one with the same key is made due again instead.

    One statement, so that two that come at once make one job. Re-arming raises the fence, so that a worker that is
    busy with the old claim cannot mark the new work done.
    """
    with linked(session) as link:
        enqueue_directly(link, tenant_id, kind, key, payload, run_at=run_at)


def enqueue_directly(
    link: Link, tenant_id: str, kind: str, key: str, payload: dict[str, Any], *, run_at: datetime
) -> None:
    """The same, where there is no session."""
    link.insert(
        _ENQUEUE,
        {**_NEW, "tenant_id": tenant_id, "kind": kind, "key": key, "payload": payload, "run_at": run_at},
    )


def claim_one(
    sessions: Sessions, now: datetime, *, only: str | None = None, lanes: Lanes | None = None
) -> Claim | None:
    """The next due job, leased to the caller; `None` when nothing is due, or only for EHRs whose lanes are closed.

    `only`: just the job with this key.
    """
    lanes, until = lanes or Lanes(), now + LEASE
    with Direct(sessions).connected() as link:  # an idle worker only looks: it never stands in a writer's way
        if only is None and link.row(_IS_DUE, {"now": now}) is None:
            return None
        look = lanes.look(link, now, _under_way(link, lanes, now))
        if only is None and not look.closed and not lanes.paced:
            with link.writing():
                rows = link.rows(_CLAIM, {"now": now, "until": until})
            return _claimed(next(iter(rows), None), lanes, look)
    due = _due(now, lanes, look, only)
    with sessions() as session:
        if session.execute(due).first() is None:
            return None
    with sessions.begin() as session:
        row = session.execute(_claim(due), {"until": until}).first()
        if row is not None and row.kind in lanes.kinds:
            lanes.taken(session, row.tenant_id, now)
        return _claimed(row, lanes, look)


def _claimed(row: Sequence[Any] | None, lanes: Lanes, look: Look) -> Claim | None:
    if row is None:
        return None
    claim = Claim(*row)
    return replace(claim, probes=claim.kind in lanes.kinds and claim.tenant_id in look.failing)


def _due(now: datetime, lanes: Lanes, look: Look, only: str | None) -> sa.Select[int]:
    due = sa.select(_JOB.c.id).where(_READY)
    if only is not None:
        return due.where(_JOB.c.key == only)
    if look.closed:
        due = due.where(sa.or_(_JOB.c.kind.not_in(lanes.kinds), _JOB.c.tenant_id.not_in(look.closed)))
    return due.where(_JOB.c.run_at <= now).order_by(_JOB.c.run_at).limit(1)


def _claim(due: sa.Select[int]) -> sa.Update:
    """One statement finds a job, leases it and says what it is."""
    until = sa.bindparam("until", type_=Moment())
    found = due.with_for_update(skip_locked=True).scalar_subquery()
    taken = sa.update(_JOB).where(_JOB.c.id == found)
    return taken.values(run_at=until, leased_until=until, claims=_JOB.c.claims + 1).returning(
        *(_JOB.c[name] for name in ("id", "tenant_id", "kind", "key", "payload", "claims", "arms", "failures"))
    )


def _under_way(link: Link, lanes: Lanes, now: datetime) -> dict[str, int]:
    """How many jobs of each EHR a worker has in hand."""
    counts: dict[str, int] = {}
    for tenant_id, kind in link.rows(_IN_HAND, {"now": now}) if lanes.kinds else ():
        if kind in lanes.kinds:
            counts[tenant_id] = counts.get(tenant_id, 0) + 1
    return counts


_JOB: Final[Any] = Job.__table__
# In the words of the index, not as a value that comes later: else PostgreSQL may not know that the index will do.
_READY: Final = _JOB.c.state == sa.literal_column("'ready'")
_NOW: Final = sa.bindparam("now", type_=Moment())
_IS_DUE: Final = Statement(sa.select(_JOB.c.id).where(_READY, _JOB.c.run_at <= _NOW).limit(1))
_IN_HAND: Final = Statement(sa.select(_JOB.c.tenant_id, _JOB.c.kind).where(_READY, _JOB.c.leased_until > _NOW))
_CLAIM: Final = Statement(
    _claim(sa.select(_JOB.c.id).where(_READY, _JOB.c.run_at <= _NOW).order_by(_JOB.c.run_at).limit(1))
)
_NEW: Final = {"claims": 0, "arms": 0, "failures": 0, "state": "ready", "leased_until": None, "error": None}
_ENQUEUE: Final = Statement.putting(
    Job, ["key"], "state", "run_at", "payload", "failures", "error", arms=_JOB.c.arms + 1
)


def finish(session: Session, claim: Claim) -> bool:
    """Mark the job done in the caller's transaction; False when the claim is no longer ours."""
    with linked(session) as link:
        return finish_directly(link, claim)


def finish_directly(link: Link, claim: Claim) -> bool:
    """The same, where there is no session."""
    if link.change(_FINISH, {"job": claim.id, "our_claims": claim.claims, "our_arms": claim.arms}):
        return True
    link.change(_LET_GO, {"job": claim.id, "our_claims": claim.claims})
    return False


def overlapped(session: Session, claim: Claim) -> bool:
    """True when somebody else has claimed the job since: two runs were under way side by side."""
    claims = session.execute(sa.select(Job.claims).where(Job.id == claim.id)).scalar_one()
    return claims != claim.claims


def retry(session: Session, claim: Claim, *, run_at: datetime, error: str, for_ever: bool = False) -> bool:
    """Make the job due again later; after `MAX_ATTEMPTS` failures it is dead and waits for a person.

    `for_ever`: the fault is the other side's, and a referral must not be lost to a long outage.
    """
    failures = claim.failures + 1
    state = "dead" if failures >= MAX_ATTEMPTS and not for_ever else "ready"
    return _fenced(session, claim, state=state, run_at=run_at, failures=failures, error=error)


def bury(session: Session, claim: Claim, *, error: str) -> bool:
    """Give the job up at once: a retry could not help."""
    return _fenced(session, claim, state="dead", error=error)


def revive(session: Session, now: datetime, *, tenant_id: str | None = None, ids: Collection[int] = ()) -> int:
    """Make dead jobs due again, after a person has mended the cause; returns how many. All, or those that are named."""
    dead = sa.update(Job).where(Job.state == "dead")
    if tenant_id is not None:
        dead = dead.where(Job.tenant_id == tenant_id)
    if ids:
        dead = dead.where(Job.id.in_(ids))
    alive = {"state": "ready", "failures": 0, "error": None, "run_at": now, "arms": Job.arms + 1}
    return len(session.execute(dead.values(alive).returning(Job.id)).all())


def _fenced(session: Session, claim: Claim, **values: Any) -> bool:
    ours = sa.and_(Job.id == claim.id, Job.claims == claim.claims, Job.arms == claim.arms, Job.state == "ready")
    done = session.execute(sa.update(Job).where(ours).values(leased_until=None, **values).returning(Job.id))
    if done.scalar_one_or_none() is not None:
        return True
    with linked(session) as link:
        link.change(_LET_GO, {"job": claim.id, "our_claims": claim.claims})
    return False


_CLAIM_IS_OURS: Final = (_JOB.c.id == sa.bindparam("job"), _JOB.c.claims == sa.bindparam("our_claims"))
_FINISH: Final = Statement(
    sa.update(_JOB)
    .where(*_CLAIM_IS_OURS, _JOB.c.arms == sa.bindparam("our_arms"), _READY)
    .values(leased_until=sa.null(), state="done", error=sa.null())
)
# Made due again meanwhile, perhaps by itself: the new work stays, but nobody has the job in hand any more.
_LET_GO: Final = Statement(sa.update(_JOB).where(*_CLAIM_IS_OURS).values(leased_until=sa.null()))


def backoff(failures: int) -> timedelta:
    """The wait before the next try: 5 s doubling to half an hour."""
    return min(timedelta(seconds=5 * 2 ** min(failures, 10)), timedelta(minutes=30))
