"""`stride audit`: is the audit whole, close it now, note an anchor, hand it over as AuditEvents."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from fhirapp.audit import AuditRow, audit, audit_key
from fhirapp.audit_chain import AuditSeal, Chain
from fhirapp.audit_check import Report, check
from fhirapp.clock import DatabaseClock
from fhirapp.config import Config
from fhirapp.db.base import Sessions, engine_for, sessions_for
from fhirapp.referrals.referral import Actor
from fhirapp.tenants import Tenant, Tenants, read_tenants
from mappings.to_fhir.audit_deed import Deed, audit_deed

_ABOUT = """\
Each row of the audit is signed by the process that wrote it; seals close rows into a chain, each half minute, while a
worker runs.

  verify   look at every signature and every seal. Exit code 0: whole. 1: something was changed, removed, put in or put
           in another order; each thing is said. 2: could not be looked at
  anchor   the digest of each tenant's newest seal. Keep it where whoever owns the database cannot change it: with
           `verify --since-anchor DIGEST` the past up to there cannot have been cut off or written anew
  seal     close the newest rows now
  export   AuditEvents (IHE BALP), one a line. The export is audited as well
"""


def add(commands: Any) -> None:
    """Register the group."""
    group = commands.add_parser(
        "audit",
        help="prove that the audit is whole, or hand it over",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = group.add_subparsers(dest="action", metavar="verify|anchor|seal|export", required=True)
    verify = actions.add_parser("verify", help="exit 1 when a row was changed, removed, put in or moved")
    verify.add_argument("--tenant", metavar="ID", help="one hospital; without: every one that the audit names")
    verify.add_argument("--since-anchor", metavar="DIGEST", help="a digest that was noted before; needs --tenant")
    verify.set_defaults(run=run_verify)
    actions.add_parser("anchor", help="the digest of each newest seal").set_defaults(run=run_anchor)
    actions.add_parser("seal", help="close the newest rows now").set_defaults(run=run_seal)
    export = actions.add_parser("export", help="AuditEvents as NDJSON on standard output")
    export.add_argument("--tenant", metavar="ID", help="needed where the service has more than one hospital")
    export.add_argument("--patient", metavar="ID", help="what happened to one patient, by the id in the EHR")
    export.add_argument("--from", dest="since", type=date.fromisoformat, metavar="DAY", help="from this day on")
    export.add_argument("--to", dest="until", type=date.fromisoformat, metavar="DAY", help="to the end of this day")
    export.set_defaults(run=run_export)


def run_verify(arguments: argparse.Namespace) -> int:
    """Say of every tenant whether its audit is whole."""
    if arguments.since_anchor and not arguments.tenant:
        print("stride audit: --since-anchor needs --tenant: each has a chain of its own", file=sys.stderr)
        return 2
    config, sessions = _opened()
    try:
        with sessions() as session:
            ids = [arguments.tenant] if arguments.tenant else _audited(session)
            reports = [check(session, audit_key(config.secret), one, arguments.since_anchor) for one in ids]
    except sa.exc.SQLAlchemyError as error:
        print(f"stride audit: the database cannot be read ({type(error).__name__})", file=sys.stderr)
        return 2
    whole = True
    for report in reports:
        cut = arguments.since_anchor is not None and report.since_anchor is None
        print("\n".join(_told(report, cut)))
        whole = whole and report.whole and not cut
    if not reports:
        print("The audit is empty.")
    return 0 if whole else 1


def _told(report: Report, cut: bool) -> Iterator[str]:
    word = "whole" if report.whole and not cut else "NOT WHOLE"
    yield f"{report.tenant_id}: {word}. {report.rows:,} rows, {report.seals:,} seals, {report.waiting:,} wait for one."
    if report.purged:
        yield f"  the rows of the first {report.purged:,} seals were let go by the rules of retention"
    if cut:
        yield "  no seal has the digest of the anchor: the chain was cut, or written anew, since it was noted"
    elif report.since_anchor is not None:
        yield f"  the anchor stands; {report.since_anchor:,} rows were sealed after it"
    yield from (f"  {problem}" for problem in report.problems)
    if report.head and report.whole and not cut:
        yield f"  anchor: {report.head}"


def run_anchor(arguments: argparse.Namespace) -> int:
    """Print the digest of each tenant's newest seal."""
    _, sessions = _opened()
    with sessions() as session:
        newest = sa.select(sa.func.max(AuditSeal.id)).group_by(AuditSeal.tenant_id)
        for seal in session.scalars(sa.select(AuditSeal).where(AuditSeal.id.in_(newest)).order_by(AuditSeal.tenant_id)):
            print(f"{seal.tenant_id} {seal.number} {seal.digest}")
    return 0


def run_seal(arguments: argparse.Namespace) -> int:
    """Close the newest rows."""
    config, sessions = _opened()
    print(f"{Chain(sessions).seal(_now(config, sessions)):,} rows closed.")
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write AuditEvents to standard output, and put down that somebody did."""
    config, sessions = _opened()
    tenant = _one_tenant(read_tenants(config.tenants_file), arguments.tenant)
    if tenant is None:
        return 2
    with sessions() as session:
        count = 0
        for row in session.scalars(_asked(tenant, arguments), execution_options={"yield_per": 2000}):
            sys.stdout.write(orjson.dumps(audit_deed(_deed(row, tenant, config))).decode() + "\n")
            count += 1
    with sessions.begin() as session:
        audit(
            session, Actor.service(tenant.id), "audit.export", at=_now(config, sessions),
            patient_id=arguments.patient, rows=count, since=str(arguments.since or ""),
            until=str(arguments.until or ""),
        )  # fmt: skip
    print(f"{count:,} events of {tenant.id}", file=sys.stderr)
    return 0


def _asked(tenant: Tenant, arguments: argparse.Namespace) -> sa.Select[Any]:
    query = sa.select(AuditRow).where(AuditRow.tenant_id == tenant.id).order_by(AuditRow.id)
    if arguments.patient:
        query = query.where(AuditRow.patient_id == arguments.patient)
    if arguments.since:
        query = query.where(AuditRow.at >= datetime.combine(arguments.since, time(), tenant.zone))
    if arguments.until:
        query = query.where(AuditRow.at < datetime.combine(arguments.until + timedelta(days=1), time(), tenant.zone))
    return query


def _deed(row: AuditRow, tenant: Tenant, config: Config) -> Deed:
    return Deed(
        id=row.id,
        recorded=row.at.astimezone(tenant.zone),
        action=row.action,
        role=row.role,
        actor=row.actor,
        patient_id=row.patient_id,
        subject=row.subject,
        outcome=row.outcome,
        server=config.public_url,
        ehr=tenant.ehr.fhir_base,
        mac=row.mac,
        details=row.details,
    )


def _one_tenant(tenants: Tenants, asked: str | None) -> Tenant | None:
    ids = sorted(tenants.by_id)
    if asked in tenants.by_id or (asked is None and len(ids) == 1):
        return tenants[asked or ids[0]]
    print(f"stride audit: --tenant must be one of {', '.join(ids)}", file=sys.stderr)
    return None


def _audited(session: Any) -> list[str]:
    rows = set(session.scalars(sa.select(AuditRow.tenant_id).distinct()))
    return sorted(rows | set(session.scalars(sa.select(AuditSeal.tenant_id).distinct())))


def _opened() -> tuple[Config, Sessions]:
    config = Config.from_env(os.environ)
    return config, sessions_for(engine_for(config.database_url), audit_key=audit_key(config.secret))


def _now(config: Config, sessions: Sessions) -> datetime:
    return DatabaseClock(sessions, movable=config.demo)().astimezone(UTC)
