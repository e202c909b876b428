"""How Alembic reaches the database: through the engine that it is handed."""

from __future__ import annotations

from alembic import context

from fhirapp.db.schema import metadata

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        user_module_prefix="base.",
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
