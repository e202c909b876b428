"""`stride export`: a table of referrals from which nobody can be told."""

from __future__ import annotations

import argparse
import csv
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fhirapp.audit import KEY as AUDIT_KEY
from fhirapp.audit import audit, audit_key
from fhirapp.clock import DatabaseClock
from fhirapp.config import Config
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.db.encrypted import Sealer
from fhirapp.deidentified import FEWEST, Deidentified, Names, Row, deidentified
from fhirapp.referrals.referral import Actor
from fhirapp.tenants import read_tenants

_ABOUT = """\
Writes referrals.csv, events.csv, attempts.csv and README.txt into a new folder. Names, ids, dates, values of the
chart and free text are not in it: people and referrals have other names (a keyed hash), moments are days since the
referral was opened beside its year, ages are bands of ten years and 90 and over is one, and what fewer than --fewest
people share is blanked or left out.

Without --study every export has names of its own, and two of them cannot be put together. With it the names are the
same in each export of this study.

It is not anonymous beyond all doubt: somebody who knows the days of a person's visits may find the row. Hand it on
under an agreement only. docs/explanation/data-protection.md
"""


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "export",
        help="write a de-identified table of referrals",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--deidentified", action="store_true", required=True, help="the one kind of export there is")
    parser.add_argument("--tenant", metavar="ID", help="the hospital, where the service has more than one")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that does not exist yet")
    parser.add_argument("--study", metavar="NAME", help="the same names in each export of this study")
    parser.add_argument(
        "--fewest", type=int, default=FEWEST, metavar="N", help=f"people who must share a value (default: {FEWEST})"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the tables; 2 with a reason when it cannot."""
    config = Config.from_env(os.environ)
    tenants = read_tenants(config.tenants_file)
    ids = sorted(tenants.by_id)
    if arguments.tenant not in ids and (arguments.tenant or len(ids) != 1):
        return _refused(f"--tenant must be one of {', '.join(ids)}")
    if arguments.fewest < FEWEST:
        return _refused(f"--fewest must be {FEWEST} or more: fewer people point at one of them")
    if arguments.out.exists():
        return _refused(f"{arguments.out} is there already: choose a new folder")
    tenant = tenants[arguments.tenant or ids[0]]
    sessions = sessions_for(engine_for(config.database_url), **{AUDIT_KEY: audit_key(config.secret)})
    names = Names(_key(config.secret, arguments.study), tenant.id)
    with sessions() as session:
        found = deidentified(session, Sealer(config.secret), names, tenant.zone, arguments.fewest)
    _write(arguments.out, found, arguments.fewest)
    with sessions.begin() as session:
        audit(
            session, Actor.service(tenant.id), "export.deidentified", at=DatabaseClock(sessions, movable=config.demo)(),
            rows=len(found.referrals), study=arguments.study or "", left_out=found.left_out,
        )  # fmt: skip
    print(f"{arguments.out}: {len(found.referrals):,} referrals; {found.left_out:,} left out, as they stood out")
    return 0


def _key(secret: bytes, study: str | None) -> bytes:
    """Of the study, from the secret of the service; without one a key that nobody keeps."""
    if study is None:
        return secrets.token_bytes(32)
    return HKDF(SHA256(), 32, salt=None, info=f"stride export v1 {study}".encode()).derive(secret)


def _write(out: Path, found: Deidentified, fewest: int) -> None:
    out.mkdir(parents=True)
    tables: dict[str, list[Row]] = {"referrals": found.referrals, "events": found.events, "attempts": found.attempts}
    for name, rows in tables.items():
        with (out / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else ["referral"])
            writer.writeheader()
            writer.writerows(rows)
    blanked = "\n".join(f"  {column}: {count} values" for column, count in sorted(found.blanked.items()))
    (out / "README.txt").write_text(_README.format(fewest=fewest, left_out=found.left_out, blanked=blanked or "  none"))


_README = """\
De-identified referrals. One row a referral (referrals.csv), a step of its history (events.csv), and a try to reach the
patient (attempts.csv). `person` and `referral` are made-up names; the same person has one name throughout.
`day`, `signed_day` and `state_day` are days since the referral was opened. "" is unknown or blanked; "rare" is a word
that fewer than {fewest} people have. Rules that fewer than {fewest} people met are left out of `rules`.

Referrals left out, as year, sex and age pointed at fewer than {fewest} people whatever was blanked: {left_out}
Blanked or told as rare, by column:
{blanked}

Nobody may try to find out who anybody is, or put this together with other data about people.
"""


def _refused(why: str) -> int:
    print(f"stride export: {why}", file=sys.stderr)
    return 2
