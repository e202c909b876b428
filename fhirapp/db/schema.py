"""Every table of the service, and the migrations that make them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

import fhirapp.alarms.alarm
import fhirapp.audit
import fhirapp.audit_chain
import fhirapp.cds_clients
import fhirapp.clock
import fhirapp.closed_loop.cursor
import fhirapp.closed_loop.memory
import fhirapp.closed_loop.subscriptions
import fhirapp.db.append_only
import fhirapp.ehr.capabilities
import fhirapp.jobs.lanes
import fhirapp.jobs.table
import fhirapp.launches
import fhirapp.messages.records
import fhirapp.predictions
import fhirapp.referrals.cards
import fhirapp.referrals.notices
import fhirapp.referrals.referral
import fhirapp.retention.marks
import fhirapp.ui.session
import fhirapp.write_back.conflicts  # noqa: F401 - each import brings its mapped classes
from fhirapp.db.base import Base, writing

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADING: Final = 7426001  # the key of the advisory lock; any number that nobody else takes
metadata = Base.metadata


def alembic_config(connection: sa.Connection | None = None) -> AlembicConfig:
    """Alembic's settings, without a file of its own."""
    from alembic.config import Config as AlembicConfig  # here: a start without a migration does without Alembic

    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to this version; two processes that start together take turns."""
    if is_current(engine):
        return
    from alembic import command

    # One transaction on one connection: the lock ends with it. A lock of the connection would go back into the pool
    # with it, and the next process would wait for ever.
    with writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADING)))
        command.upgrade(alembic_config(connection), "head")


def is_current(engine: Engine) -> bool:
    """True when the database has every migration of this version."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all() == [head()]


def head() -> str:
    """The newest migration, by the numbers of their files."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))
