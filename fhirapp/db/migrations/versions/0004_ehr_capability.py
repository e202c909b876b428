"""What each EHR says that it can do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fhirapp.db import base

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ehr_capability",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("read_at", base.Moment(), nullable=False),
        sa.Column("statement", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_ehr_capability")),
    )


def downgrade() -> None:
    op.drop_table("ehr_capability")
