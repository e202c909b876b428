"""Durable jobs in the application's own database: enqueue with the change, claim by lease, finish by fence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment, Sessions, insert_into
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
    again = {"state": "ready", "run_at": run_at, "payload": payload, "failures": 0, "error": None}
    new = insert_into(session, Job).values(tenant_id=tenant_id, kind=kind, key=key, payload=payload, run_at=run_at)
    session.execute(new.on_conflict_do_update(index_elements=[Job.key], set_={**again, "arms": Job.arms + 1}))


def claim_one(
    sessions: Sessions, now: datetime, *, only: str | None = None, lanes: Lanes | None = None
) -> Claim | None:
    """The next due job, leased to the caller; `None` when nothing is due, or only for EHRs whose lanes are closed.

    `only`: just the job with this key.
    """
    lanes = lanes or Lanes()
    with sessions() as session:  # an idle worker only looks: it never stands in a writer's way
        look = lanes.look(session, now, _under_way(session, lanes, now))
        due = _due(now, lanes, look, only)
        if session.execute(due).first() is None:
            return None
    with sessions.begin() as session:
        job = session.execute(due.with_for_update(skip_locked=True)).scalar_one_or_none()
        if job is None:
            return None
        job.run_at = job.leased_until = now + LEASE
        job.claims += 1
        goes_there = job.kind in lanes.kinds
        if goes_there:
            lanes.taken(session, job.tenant_id, now)
        return Claim(
            job.id, job.tenant_id, job.kind, job.key, dict(job.payload), job.claims, job.arms, job.failures,
            probes=goes_there and job.tenant_id in look.failing,
        )  # fmt: skip


def _due(now: datetime, lanes: Lanes, look: Look, only: str | None) -> sa.Select[Job]:
    due = sa.select(Job).where(Job.state == "ready")
    if only is not None:
        return due.where(Job.key == only)
    if look.closed:
        due = due.where(sa.or_(Job.kind.not_in(lanes.kinds), Job.tenant_id.not_in(look.closed)))
    return due.where(Job.run_at <= now).order_by(Job.run_at).limit(1)


def _under_way(session: Session, lanes: Lanes, now: datetime) -> dict[str, int]:
    """How many jobs of each EHR a worker has in hand."""
    counted = (
        sa.select(Job.tenant_id, sa.func.count())
        .where(Job.leased_until > now, Job.state == "ready", Job.kind.in_(lanes.kinds))
        .group_by(Job.tenant_id)
    )
    return {row[0]: row[1] for row in session.execute(counted)} if lanes.kinds else {}


def finish(session: Session, claim: Claim) -> bool:
    """Mark the job done in the caller's transaction; False when the claim is no longer ours."""
    return _fenced(session, claim, state="done", error=None)


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
    # Made due again meanwhile, perhaps by itself: the new work stays, but nobody has the job in hand any more.
    still = Job.id == claim.id, Job.claims == claim.claims
    session.execute(sa.update(Job).where(*still).values(leased_until=None))
    return False


def backoff(failures: int) -> timedelta:
    """The wait before the next try: 5 s doubling to half an hour."""
    return min(timedelta(seconds=5 * 2 ** min(failures, 10)), timedelta(minutes=30))
