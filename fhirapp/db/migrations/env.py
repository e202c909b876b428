"""How Alembic reaches the database: over the connection that it is handed, in whose transaction everything stays."""

from __future__ import annotations

from alembic import context

from fhirapp.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    user_module_prefix="base.",
)
with context.begin_transaction():
    context.run_migrations()
