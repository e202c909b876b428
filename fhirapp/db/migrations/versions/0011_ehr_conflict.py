"""Where an EHR and the service disagree, until a person has decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fhirapp.db import base

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ehr_conflict",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("wanted", sa.String(), nullable=False),
        sa.Column("theirs", sa.String(), nullable=False),
        sa.Column("opened_at", base.Moment(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("settled_at", base.Moment(), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("resolution", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name=op.f("fk_ehr_conflict_referral_id_referral")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ehr_conflict")),
        sa.UniqueConstraint("tenant_id", "referral_id", "kind", name=op.f("uq_ehr_conflict_tenant_id")),
    )


def downgrade() -> None:
    op.drop_table("ehr_conflict")
