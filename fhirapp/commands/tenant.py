"""`stride tenant add|check|list`: the hospitals of an installation."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from fhirapp.bootstrap import key_rings, wall_clock
from fhirapp.closed_loop.subscriptions import Subscriptions
from fhirapp.config import Config
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.db.schema import is_current
from fhirapp.ehr.capabilities import Capabilities
from fhirapp.ehr.connect import pooled_session
from fhirapp.ehr.probe import Probe
from fhirapp.ehr.report import Line
from fhirapp.launches import Registrations
from fhirapp.tenant_file import NewTenant, append
from fhirapp.tenants import Contact, Tenant, TenantsInvalid, read_tenants
from smart_launch.backend_services import BackendTokens
from smart_launch.keys import KeyRings

LEVELS: Final = ("D1", "D2", "D3", "D4", "D5")
# What is asked for where a flag is missing and somebody sits at the terminal: flag, question.
_NEEDED: Final = {
    "name": "Name of the hospital, as patients read it",
    "time_zone": "Time zone, as in Europe/Vienna",
    "fhir_base": "FHIR base URL",
    "client_id": "Client id of the app",
    "backend_client_id": "Client id of the backend service",
    "exercise_service": "Exercise service, as in Organization/12=Exercise Service",
    "responsible_clinician": "Responsible clinician, as in Practitioner/34=Dr Lind",
    "on_call": "Who is on call, as in Practitioner/56=Oncology on call",
}


def add(commands: Any) -> None:
    """Register the three commands."""
    tenant = commands.add_parser(
        "tenant",
        help="add a hospital, see whether its EHR can be used, list all",
        description="The hospitals of this installation, in the file that STRIDE_TENANTS names.",
    )
    below = tenant.add_subparsers(dest="tenant_command", metavar="add|check|list", required=True)
    _register_add(below)
    check = below.add_parser(
        "check",
        help="knock at an EHR and say what it can do, and what Stride will therefore do",
        description="Reads the EHR's smart-configuration and CapabilityStatement, asks for a token, searches, and with "
        "--patient reads one chart. Nothing is written there. What the EHR can do is kept in the database. Exit code "
        "0: it can be used; 1: something must be done first; 2: the settings cannot be read, or no such tenant.",
    )
    check.add_argument("tenant", metavar="NAME")
    check.add_argument("--patient", metavar="ID", help="logical id of a test patient whose chart is read")
    check.add_argument("--json", action="store_true", help="the report as JSON")
    check.set_defaults(run=run_check)
    listed = below.add_parser("list", help="all hospitals", description="One line for each hospital.")
    listed.add_argument("--json", action="store_true", help="the list as JSON")
    listed.set_defaults(run=run_list)


def _register_add(below: Any) -> None:
    new = below.add_parser(
        "add",
        help="append a hospital to the tenants file",
        description="Appends the hospital's tables, checks the whole file first and keeps a copy of it as it was. "
        "What is not given is asked for where somebody sits at the terminal. People are written as "
        "REFERENCE=NAME. Restart web processes and workers afterwards.",
    )
    new.add_argument("tenant", metavar="NAME", help="short name, as in city; never changed later")
    for flag, question in _NEEDED.items():
        new.add_argument(f"--{flag.replace('_', '-')}", help=question)
    new.add_argument("--language", default="en", help="of cards and notices (en)")
    new.add_argument("--on-call-phone", default="", help="telephone of who is on call")
    new.add_argument(
        "--authoriser",
        help="who authorises the standing order, as in Practitioner/7=Dr Okafor; without: clinicians sign",
    )
    new.add_argument("--destinations", default="D2,D3,D4", help="kinds of programme that it covers (D2,D3,D4)")
    new.add_argument("--expires", type=date.fromisoformat, help="last day of the standing order, YYYY-MM-DD")
    new.add_argument("--navigator", action="append", default=[], help="who may open the queue; may be repeated")
    new.add_argument("--cds-issuer", default="", help="iss of the EHR's CDS Hooks tokens")
    new.add_argument("--cds-jwks-url", default="", help="where the keys of those tokens are")
    new.set_defaults(run=run_add)


def run_add(arguments: argparse.Namespace) -> int:
    """Append, or say what is wrong."""
    path = Path(os.environ.get("STRIDE_TENANTS") or "tenants.toml")
    kept = append(path, _asked_for(arguments))
    print(f"Added {arguments.tenant} to {path}" + (f"; as it was: {kept}" if kept else ""))
    print(f"Next: stride tenant check {arguments.tenant}", file=sys.stderr)
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    """One line each."""
    tenants = read_tenants(Path(os.environ.get("STRIDE_TENANTS") or "tenants.toml")).by_id.values()
    if arguments.json:
        print(json.dumps([_listed(tenant) for tenant in tenants], indent=2))
        return 0
    for tenant in tenants:
        print(f"{tenant.id:<16} {tenant.name}, {tenant.ehr.fhir_base}, {tenant.release}")
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """Print each finding as it is made."""
    config = Config.from_env(os.environ)
    tenants = read_tenants(config.tenants_file)
    tenant = tenants.by_id.get(arguments.tenant)
    if tenant is None:
        raise TenantsInvalid([f"there is no tenant {arguments.tenant}; there are: {', '.join(tenants.by_id)}"])
    http = pooled_session()
    registration = Registrations(tenants, insecure_http=config.insecure_http).by_tenant[tenant.id]
    keys = key_rings(config.keys_dir, tenants)
    tokens = BackendTokens(keys, http, wall_clock)
    probe = Probe(tenant, registration, tokens, http, wall_clock, _database(config), arguments.patient)
    lines: list[Line] = []
    for line in chain(_about_keys(tenant, keys, config), probe.lines(), _about_knocks(tenant, probe.keep, config)):
        lines.append(line)
        if not arguments.json:
            print(line, flush=True)
    to_fix = sum(line.level == "FIX" for line in lines)
    if arguments.json:
        print(json.dumps({**_listed(tenant), "ready": not to_fix, "lines": [asdict(one) for one in lines]}, indent=2))
    else:
        print(f"{tenant.name} can be used." if not to_fix else f"{to_fix} to fix.")
    return 1 if to_fix else 0


def _about_keys(tenant: Tenant, keys: KeyRings, config: Config) -> Iterator[Line]:
    """Whose keys sign here, and the address to register at this EHR."""
    ring = keys.of(tenant.id)
    said = f"{len(ring.kids)} {'of this hospital alone' if keys.has_own(tenant.id) else 'shared by the installation'}"
    address = f"publishes them at {config.public_url}/smart/{tenant.id}/jwks.json"
    yield Line("ok" if ring.kids else "FIX", "signing keys", said if ring.kids else "none: run stride keys", address)


def _about_knocks(tenant: Tenant, kept: Capabilities | None, config: Config) -> Iterator[Line]:
    """Whether the EHR does what it says of Subscriptions, once it has been asked."""
    if kept is None or not tenant.listening.subscribe:
        return
    asked = Subscriptions(kept.sessions, config.public_url, wall_clock, wall_clock)
    if types := asked.asleep(tenant.id):
        said = f"asked to tell us of {', '.join(types)}, and does not"
        yield Line("note", "changes there", said, "looks for changes every few minutes, and asks again in some hours")


def _database(config: Config) -> Capabilities | None:
    """Where the answer is kept; nowhere when the database is not migrated yet."""
    try:
        engine = engine_for(config.database_url)
        return Capabilities(sessions_for(engine), wall_clock) if is_current(engine) else None
    except sa.exc.SQLAlchemyError:
        return None


def _listed(tenant: Tenant) -> dict[str, str]:
    return {
        "tenant": tenant.id,
        "name": tenant.name,
        "fhir_base": tenant.ehr.fhir_base,
        "time_zone": tenant.zone.key,
        "release": tenant.release,
    }


def _asked_for(given: argparse.Namespace) -> NewTenant:
    answers = {flag: getattr(given, flag) or _ask(flag, question) for flag, question in _NEEDED.items()}
    authoriser = _person(given.authoriser) if given.authoriser else None
    if authoriser is not None and given.expires is None:
        raise TenantsInvalid(["--expires is needed with --authoriser: until when the standing order holds"])
    on_call = _person(answers["on_call"])
    return NewTenant(
        id=given.tenant,
        name=answers["name"],
        time_zone=answers["time_zone"],
        language=given.language,
        fhir_base=answers["fhir_base"].rstrip("/"),
        client_id=answers["client_id"],
        backend_client_id=answers["backend_client_id"],
        release="standing-order" if authoriser else "clinician-signs",
        exercise_service=_person(answers["exercise_service"]),
        responsible_clinician=_person(answers["responsible_clinician"]),
        on_call=Contact(on_call.reference, on_call.display, given.on_call_phone),
        authoriser=authoriser,
        destinations=tuple(level for level in given.destinations.split(",") if level),
        expires=given.expires,
        navigators=tuple(_person(one) for one in given.navigator),
        cds_issuer=given.cds_issuer,
        cds_jwks_url=given.cds_jwks_url,
    )


def _ask(flag: str, question: str) -> str:
    """The answer of whoever sits at the terminal; without one the flag is needed."""
    name = f"--{flag.replace('_', '-')}"
    if not sys.stdin.isatty():
        raise TenantsInvalid([f"{name} is needed: {question}"])
    while not (answer := input(f"{question}: ").strip()):
        print("This is needed.", file=sys.stderr)
    return answer


def _person(written: str) -> Contact:
    """ "Practitioner/34=Dr Lind"; without a name the reference stands for it."""
    reference, _, display = written.partition("=")
    return Contact(reference.strip(), display.strip() or reference.strip())
