"""`stride jobs`: what was given up and needs a person, and how to have it tried again."""

from __future__ import annotations

import argparse
import os
from typing import Any

import sqlalchemy as sa

from fhirapp.clock import DatabaseClock
from fhirapp.config import Config
from fhirapp.db.base import Sessions, engine_for, sessions_for
from fhirapp.jobs.lanes import Lane
from fhirapp.jobs.table import Job, revive


def add(commands: Any) -> None:
    """Register the group."""
    group = commands.add_parser(
        "jobs", help="list the jobs that were given up, or retry them", description="The service's own work."
    )
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="what was given up, what waits, and which EHRs do not answer")
    listed.add_argument("--tenant", help="of this hospital only")
    listed.set_defaults(run=run_list)
    again = actions.add_parser("retry", help="run given-up jobs again, after the cause is mended")
    again.add_argument("id", nargs="*", type=int, metavar="ID", help="these only; all without one")
    again.add_argument("--tenant", help="of this hospital only")
    again.set_defaults(run=run_retry)


def run_list(arguments: argparse.Namespace) -> int:
    """Say it; the exit code is 1 when a person is needed."""
    config, sessions = _opened()
    now = DatabaseClock(sessions, movable=config.demo)()
    with sessions() as session:
        dead = session.execute(sa.select(Job).where(Job.state == "dead", _of(arguments.tenant))).scalars().all()
        waiting = session.execute(
            sa.select(Job.tenant_id, Job.kind, sa.func.count())
            .where(Job.state == "ready", _of(arguments.tenant))
            .group_by(Job.tenant_id, Job.kind)
            .order_by(Job.tenant_id, Job.kind)
        ).all()
        resting = session.execute(sa.select(Lane).where(Lane.rests_until > now)).scalars().all()
    for job in dead:
        print(f"given up  {job.id:>8}  {job.tenant_id}  {job.key}  after {job.failures} failures: {job.error}")
    for lane in resting:
        print(f"resting   {lane.tenant_id}: its EHR did not answer {lane.failures} times; next try {lane.rests_until}")
    for tenant_id, kind, count in waiting:
        print(f"waiting   {count:>8,}  {tenant_id}  {kind}")
    if dead:
        print(f"{len(dead):,} jobs need a person. Mend the cause, then: stride jobs retry")
    return 1 if dead else 0


def run_retry(arguments: argparse.Namespace) -> int:
    """Make them due again."""
    config, sessions = _opened()
    now = DatabaseClock(sessions, movable=config.demo)()
    with sessions.begin() as session:
        again = revive(session, now, tenant_id=arguments.tenant, ids=arguments.id)
    print(f"{again:,} jobs will run again.")
    return 0


def _of(tenant_id: str | None) -> sa.ColumnElement[bool]:
    return sa.true() if tenant_id is None else Job.tenant_id == tenant_id


def _opened() -> tuple[Config, Sessions]:
    config = Config.from_env(os.environ)
    return config, sessions_for(engine_for(config.database_url))
