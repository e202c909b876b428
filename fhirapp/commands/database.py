"""`stride db`: the database's tables, its copies, and whether it is whole."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Final

from fhirapp.config import Config
from fhirapp.consistency import verify
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.db.copies import CopyFailed, back_up, restore
from fhirapp.db.encrypted import Sealer
from fhirapp.db.schema import is_current, upgrade

MOST: Final = 20  # problems of one check that are told one by one


def add(commands: Any) -> None:
    """Register the group."""
    group = commands.add_parser(
        "db", help="make, copy, restore or check the tables", description="The database's tables."
    )
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("upgrade", help="bring the tables to this version").set_defaults(run=run_upgrade)
    actions.add_parser("check", help="exit 1 when the tables are not of this version").set_defaults(run=run_check)
    backup = actions.add_parser(
        "backup",
        help="copy the database into a file, while the service works",
        description="Copies the database as it stands at one moment. The copy is of no use without the secret file, "
        "which is not in it: keep both, and apart.",
    )
    backup.add_argument("file", type=Path, metavar="FILE")
    backup.add_argument("--force", action="store_true", help="replace FILE")
    backup.set_defaults(run=run_backup)
    back = actions.add_parser(
        "restore",
        help="put a copy in the place of the database",
        description="Stop the service first. A database that is not empty is left alone unless --force is given.",
    )
    back.add_argument("file", type=Path, metavar="FILE")
    back.add_argument("--force", action="store_true", help="replace everything in the database")
    back.set_defaults(run=run_restore)
    actions.add_parser(
        "verify",
        help="exit 1 when something in the database does not belong together",
        description="Checks the tables, that each open referral has the job that moves it on, that each history leads "
        "to its state, that nothing was released after a no, and that sealed data can be opened.",
    ).set_defaults(run=run_verify)


def run_upgrade(arguments: argparse.Namespace) -> int:
    """Bring the tables to this version."""
    upgrade(engine_for(Config.from_env(os.environ).database_url))
    print("The database is up to date.")
    return 0


def run_backup(arguments: argparse.Namespace) -> int:
    """Copy the database."""
    try:
        size = back_up(Config.from_env(os.environ).database_url, arguments.file, force=arguments.force)
    except CopyFailed as error:
        print(f"No copy was made: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.file}: {size:,} bytes. Without the secret file nobody can read all of it: keep that as well.")
    return 0


def run_restore(arguments: argparse.Namespace) -> int:
    """Bring a copy back."""
    try:
        restore(Config.from_env(os.environ).database_url, arguments.file, force=arguments.force)
    except CopyFailed as error:
        print(f"Nothing was restored: {error}", file=sys.stderr)
        return 1
    print("Restored. Now: stride db upgrade, then stride db verify, then start the service.")
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Look whether everything belongs together."""
    config = Config.from_env(os.environ)
    whole = True
    for check in verify(sessions_for(engine_for(config.database_url)), Sealer(config.secret)):
        print(f"{'wrong' if check.wrong else 'ok':>5}  {check.name} ({check.looked_at:,})")
        for problem in check.wrong[:MOST]:
            print(f"       - {problem}")
        if len(check.wrong) > MOST:
            print(f"       - and {len(check.wrong) - MOST:,} more")
        whole = whole and not check.wrong
    return 0 if whole else 1


def run_check(arguments: argparse.Namespace) -> int:
    """Say whether the tables are of this version."""
    current = is_current(engine_for(Config.from_env(os.environ).database_url))
    print("The database is up to date." if current else "The database is not of this version: run stride db upgrade")
    return 0 if current else 1
