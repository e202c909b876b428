"""`stride check`: is this installation set up rightly, in plain words."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import requests
import sqlalchemy as sa

from fhirapp.bootstrap import build, key_files, key_rings
from fhirapp.config import Config
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.db.schema import is_current
from fhirapp.jobs.table import Job
from fhirapp.messages.checking import message_lines
from fhirapp.messages.senders import Senders
from fhirapp.tenants import Tenant, read_tenants
from models.booster import load_estimators


def add(commands: Any) -> None:
    """Register the command."""
    check = commands.add_parser(
        "check",
        help="say in plain words what is wrong with the configuration",
        description="Reads the STRIDE_* variables and the tenants file, looks at keys, database and models, and "
        "says what is wrong and what to do. Nothing is changed and no EHR is called. Exit code 0: ready; 1: "
        "something must be done first; 2: the settings cannot be read at all.",
    )
    check.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one line for each thing looked at."""
    config = Config.from_env(os.environ)
    problems = 0
    for good, said in _looked_at(config):
        print(f"{'ok  ' if good else 'FIX '} {said}")
        problems += not good
    print("Ready." if not problems else f"{problems} to fix.")
    return 1 if problems else 0


def _looked_at(config: Config) -> Iterator[tuple[bool, str]]:
    yield True, f"public address {config.public_url}"
    yield from _keys(config)
    yield _database(config)
    yield _models()
    yield from _jobs(config)
    today = datetime.now(UTC)
    tenants = read_tenants(config.tenants_file)
    for tenant in tenants.by_id.values():
        yield from _tenant(tenant, today)
        yield from message_lines(tenant, Senders(config.credentials or {}, requests.Session()), demo=config.loopback)
    if all(key_rings(config.keys_dir, tenants).of(name).kids for name in tenants.by_id):
        build(config)
        yield True, "the service can be assembled"


def _keys(config: Config) -> Iterator[tuple[bool, str]]:
    """The common keys, those of one tenant each, and folders of keys that nobody uses."""
    folder, names = config.keys_dir, set(read_tenants(config.tenants_file).by_id)
    own = {below.name for below in folder.glob("*/") if key_files(below)}
    files = key_files(folder)
    enough = bool(files) or names <= own
    yield enough, f"{len(files)} signing key files in {folder}" + ("" if enough else ": run stride keys")
    for name in sorted(own):
        whose = f"of tenant {name} alone" if name in names else "but there is no such tenant"
        yield name in names, f"{len(key_files(folder / name))} signing key files in {folder / name}, {whose}"


def _database(config: Config) -> tuple[bool, str]:
    try:
        current = is_current(engine_for(config.database_url))
    except sa.exc.SQLAlchemyError as error:
        return False, f"the database does not answer: {type(error).__name__}"
    return current, "the database is up to date" if current else "the database is not migrated: run stride db upgrade"


def _jobs(config: Config) -> Iterator[tuple[bool, str]]:
    """Jobs that nobody will try again by itself: the EHR refused them, or they failed too often."""
    try:
        with sessions_for(engine_for(config.database_url))() as session:
            dead = session.execute(sa.select(Job.kind, Job.tenant_id, Job.error).where(Job.state == "dead")).all()
    except sa.exc.SQLAlchemyError:
        return  # said already: the database does not answer or is not migrated
    for kind, tenant_id, error in dead:
        yield False, f"tenant {tenant_id}: a {kind} job was given up ({error}); mend the cause, then: stride jobs retry"
    if not dead:
        yield True, "no job was given up"


def _models() -> tuple[bool, str]:
    try:
        load_estimators().warm()
    except Exception as error:  # whatever is wrong, the person at the terminal must read it
        return False, f"the models cannot be loaded: {error}"
    return True, "the models load and match their features"


def _tenant(tenant: Tenant, now: datetime) -> Iterator[tuple[bool, str]]:
    name = f"tenant {tenant.id}"
    yield True, f"{name}: {tenant.name}, EHR {tenant.ehr.fhir_base}, times in {tenant.zone.key}"
    if tenant.cds_client is None:
        yield True, f"{name}: no cds_client, so its EHR cannot call our hooks"
    order = tenant.standing_order
    if tenant.release == "standing-order" and order is not None:
        lapsed = now.astimezone(tenant.zone).date() > order.expires
        end = f"the standing order of {order.display} {'lapsed' if lapsed else 'holds until'} {order.expires}"
        yield not lapsed, f"{name}: {end}" + (": nothing will be released; renew it" if lapsed else "")
    yield bool(tenant.navigators), f"{name}: {len(tenant.navigators)} navigators may open the queue"
    missing = {"D1", "D2", "D3", "D4"} - {site.level for site in tenant.programmes}
    yield (
        not missing,
        f"{name}: {len(tenant.programmes)} programmes"
        + (f", but none of level {', '.join(sorted(missing))}: patients who need it will wait" if missing else ""),
    )
    reach = tenant.on_call.phone or tenant.on_call.email
    yield bool(reach), f"{name}: on call is {tenant.on_call.display}" + ("" if reach else ", without phone or e-mail")
