"""`stride purge`: let go of what has served its period, or of one patient who asks for it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from fhirapp.audit import KEY as AUDIT_KEY
from fhirapp.audit import audit, audit_key
from fhirapp.clock import DatabaseClock
from fhirapp.config import Config
from fhirapp.db.base import Sessions, engine_for, sessions_for
from fhirapp.referrals.referral import Actor
from fhirapp.retention.erasure import StillNeeded, erase_patient, referrals_of
from fhirapp.retention.letting_go import LettingGo
from fhirapp.retention.marks import KEY as MARK_KEY
from fhirapp.retention.marks import lift, mark_key
from fhirapp.tenants import Tenant, read_tenants

_ABOUT = """\
Without --patient: lets go of everything that has served its period, by [tenants.NAME.retention] of the tenants file
(docs/reference/tenants.md). Nothing of an open referral goes, and nothing that the record system waits to be told of.

With --patient: everything that the service holds of one patient goes, whatever its age. What stays: the audit, which
proves who saw what and that the erasure happened, and a keyed hash with the no that was said, so that nobody is offered
a referral again who said no. What was written into the record system is the hospital's and stays there.

  --dry-run   say what would go, change nothing
  --asked     the patient asks to be offered a referral again: forget the no of an erased patient; nothing else

Exit code 0: done. 1: not possible now, and why. Take a backup first: what goes does not come back.
"""


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "purge",
        help="let go of what has served, or erase one patient",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tenant", metavar="ID", help="one hospital; needed with --patient where there are several")
    parser.add_argument("--patient", metavar="ID", help="the id in the hospital's record system")
    parser.add_argument("--dry-run", action="store_true", help="say what would go, change nothing")
    parser.add_argument("--asked", action="store_true", help="with --patient: the patient asks to be referred")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Let go, and say of what."""
    config = Config.from_env(os.environ)
    tenants = read_tenants(config.tenants_file)
    keys = {AUDIT_KEY: audit_key(config.secret), MARK_KEY: mark_key(config.secret)}
    sessions = sessions_for(engine_for(config.database_url), **keys)
    clock = DatabaseClock(sessions, movable=config.demo)
    chosen = [arguments.tenant] if arguments.tenant else sorted(tenants.by_id)
    if arguments.tenant and arguments.tenant not in tenants.by_id:
        return _refused(f"--tenant must be one of {', '.join(sorted(tenants.by_id))}", 2)
    if arguments.asked and not arguments.patient:
        return _refused("--asked needs --patient", 2)
    if arguments.patient and len(chosen) != 1:
        return _refused(f"--patient needs --tenant, one of {', '.join(chosen)}", 2)
    if arguments.asked:
        return _asked(sessions, tenants[chosen[0]], arguments.patient, clock)
    if arguments.patient:
        return _patient(sessions, tenants[chosen[0]], arguments.patient, clock, dry=arguments.dry_run)
    for tenant_id in chosen:
        _served(sessions, tenants[tenant_id], clock, dry=arguments.dry_run)
    return 0


def _served(sessions: Sessions, tenant: Tenant, clock: DatabaseClock, *, dry: bool) -> None:
    gone = LettingGo(sessions, clock).run(tenant, dry=dry)
    print(f"{tenant.id}: {'would let go of' if dry else 'let go of'} {'' if gone else 'nothing'}".rstrip())
    for kind, rows in gone.items():
        print(f"  {kind:<12} {rows:>8,} older than {tenant.retention.period(kind).days:,} days")


def _patient(sessions: Sessions, tenant: Tenant, patient_id: str, clock: DatabaseClock, *, dry: bool) -> int:
    now = clock()
    try:
        with sessions.begin() as session:
            found = len(referrals_of(session, tenant.id, patient_id))
            erased = erase_patient(session, tenant.id, patient_id, now)
            audit(
                session, Actor.service(tenant.id), "purge.patient", at=now, patient_id=patient_id,
                rows=dict(erased.rows),
            )  # fmt: skip
            if dry:
                session.rollback()  # the same road, so that a dry run cannot say anything else than a true one
    except StillNeeded as error:
        return _refused(str(error), 1)
    print(f"{tenant.id}: {'would erase' if dry else 'erased'} {found} referrals, {erased.total} rows of one patient")
    for table, rows in sorted(erased.rows.items()):
        print(f"  {table:<16} {rows:>6,}")
    print("  the audit stays, and a keyed hash with the number of the last referral and any no that was said")
    return 0


def _asked(sessions: Sessions, tenant: Tenant, patient_id: str, clock: DatabaseClock) -> int:
    with sessions.begin() as session:
        if not lift(session, tenant.id, patient_id):
            return _refused("no erased patient has this id", 1)
        audit(session, Actor.service(tenant.id), "purge.asked", at=clock(), patient_id=patient_id)
    print("The no is forgotten: the next look at the chart may offer a referral.")
    return 0


def _refused(why: str, code: int) -> int:
    print(f"stride purge: {why}", file=sys.stderr)
    return code
