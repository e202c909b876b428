"""One lane for each EHR, and which jobs are in a worker's hands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fhirapp.db import base

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

IN_HAND = sa.text("leased_until IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "lane",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("rests_until", base.Moment(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", base.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_lane")),
    )
    op.add_column("job", sa.Column("leased_until", base.Moment(), nullable=True))
    op.create_index("ix_job_leased", "job", ["leased_until"], sqlite_where=IN_HAND, postgresql_where=IN_HAND)


def downgrade() -> None:
    op.drop_index("ix_job_leased", "job")
    op.drop_column("job", "leased_until")
    op.drop_table("lane")
