"""Each audit row is signed, rows are closed into a chain of seals, and the database keeps both as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fhirapp.db import base
from fhirapp.db.append_only import guards, unguards

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

GUARDED = ("audit", "audit_seal")


def upgrade() -> None:
    # Plain columns: the table is not made anew, and its rows stay as they are.
    op.add_column("audit", sa.Column("nonce", sa.String(), server_default="", nullable=False))
    op.add_column("audit", sa.Column("mac", sa.String(), server_default="", nullable=False))
    op.create_table(
        "audit_seal",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", base.Moment(), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("rows_digest", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_audit_seal_tenant_id")),
    )
    op.create_index("ix_audit_seal_last_id", "audit_seal", ["last_id"])
    for table in GUARDED:
        for statement in guards(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    for table in GUARDED:
        for statement in unguards(table, op.get_bind().dialect.name):
            op.execute(statement)
    op.drop_table("audit_seal")
    op.drop_column("audit", "mac")
    op.drop_column("audit", "nonce")
