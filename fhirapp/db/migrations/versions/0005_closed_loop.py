"""What comes back from the EHR, and a history that the database itself keeps whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fhirapp.db import base
from fhirapp.db.append_only import guards, unguards

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("referral", sa.Column("held_by", sa.String(), nullable=True))
    op.add_column("referral", sa.Column("first_patient_id", sa.String(), nullable=True))
    op.create_table(
        "erasure",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_erasure")),
    )
    op.create_table(
        "poll_cursor",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("since", base.Moment(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "kind", name=op.f("pk_poll_cursor")),
    )
    op.create_table(
        "ehr_change",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("heard_at", base.Moment(), nullable=False),
        sa.Column("settled_at", base.Moment(), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name=op.f("fk_ehr_change_referral_id_referral")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ehr_change")),
        sa.UniqueConstraint("tenant_id", "referral_id", "reference", "version_id", "status", name="uq_ehr_change_once"),
    )
    op.create_index("ix_ehr_change_open", "ehr_change", ["tenant_id", "settled_at"])
    op.create_table(
        "ehr_subscription",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("criteria", sa.String(), nullable=False),
        sa.Column("path_hash", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ends_at", base.Moment(), nullable=False),
        sa.Column("checked_at", base.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "criteria", name=op.f("pk_ehr_subscription")),
        sa.UniqueConstraint("path_hash", name="uq_ehr_subscription_path_hash"),
    )
    for statement in guards("referral_event", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    for statement in unguards("referral_event", op.get_bind().dialect.name):
        op.execute(statement)
    for table in ("ehr_subscription", "ehr_change", "poll_cursor", "erasure"):
        op.drop_table(table)
    with op.batch_alter_table("referral", schema=None) as batch_op:
        batch_op.drop_column("first_patient_id")
        batch_op.drop_column("held_by")
