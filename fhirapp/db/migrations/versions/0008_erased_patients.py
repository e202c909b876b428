"""What stays of an erased patient: a keyed hash with the no that was said, and the number of the last offer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fhirapp.db import base

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_patient",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("patient_hash", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("never", sa.Boolean(), nullable=False),
        sa.Column("until", base.Moment(), nullable=True),
        sa.Column("at", base.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "patient_hash", name=op.f("pk_erased_patient")),
    )


def downgrade() -> None:
    op.drop_table("erased_patient")
