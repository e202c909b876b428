"""Every table of the service, and the migrations that make them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

import fhirapp.audit
import fhirapp.cds_clients
import fhirapp.clock
import fhirapp.closed_loop.cursor
import fhirapp.closed_loop.memory
import fhirapp.closed_loop.subscriptions
import fhirapp.db.append_only
import fhirapp.ehr.capabilities
import fhirapp.jobs.table
import fhirapp.launches
import fhirapp.predictions
import fhirapp.referrals.cards
import fhirapp.referrals.notices
import fhirapp.referrals.referral
import fhirapp.ui.session  # noqa: F401 - each import brings its mapped classes
from fhirapp.db.base import Base

MIGRATIONS = Path(__file__).parent / "migrations"
metadata = Base.metadata


def alembic_config(engine: Engine | None = None) -> AlembicConfig:
    """Alembic's settings, without a file of its own."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to this version; two processes that start together take turns."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_lock(7426001)")
        command.upgrade(alembic_config(engine), "head")


def is_current(engine: Engine) -> bool:
    """True when the database has every migration of this version."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
