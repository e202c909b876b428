"""`stride db`: the database's tables."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from typing import Any

from fhirapp.config import Config
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.db.schema import is_current, upgrade
from fhirapp.jobs.table import revive


def add(commands: Any) -> None:
    """Register the group."""
    group = commands.add_parser("db", help="make or check the tables", description="The database's tables.")
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("upgrade", help="bring the tables to this version").set_defaults(run=run_upgrade)
    actions.add_parser("retry", help="run the jobs again that were given up").set_defaults(run=run_retry)
    actions.add_parser("check", help="exit 1 when the tables are not of this version").set_defaults(run=run_check)


def run_upgrade(arguments: argparse.Namespace) -> int:
    """Bring the tables to this version."""
    upgrade(engine_for(Config.from_env(os.environ).database_url))
    print("The database is up to date.")
    return 0


def run_retry(arguments: argparse.Namespace) -> int:
    """Make every job that was given up due again."""
    sessions = sessions_for(engine_for(Config.from_env(os.environ).database_url))
    with sessions.begin() as session:
        again = revive(session, datetime.now(UTC))
    print(f"{again} jobs will run again.")
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """Say whether the tables are of this version."""
    current = is_current(engine_for(Config.from_env(os.environ).database_url))
    print("The database is up to date." if current else "The database is not of this version: run stride db upgrade")
    return 0 if current else 1
