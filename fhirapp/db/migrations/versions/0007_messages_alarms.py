"""How notices reach patients, what they answer, and whom an alarm has called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fhirapp.db import base

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("referral", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held_from", sa.String(), nullable=True))
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(), nullable=False, server_default="sent"))
        batch_op.add_column(sa.Column("told_at", base.Moment(), nullable=True))
        batch_op.add_column(sa.Column("code", sa.String(), nullable=True))
        batch_op.create_index("ix_notice_state", ["tenant_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_code"), ["code"], unique=False)
    op.execute("UPDATE notice SET told_at = at")  # until now the outbox was the only channel
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.alter_column("state", existing_type=sa.String(), existing_nullable=False, server_default=None)
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("first_at", base.Moment(), nullable=False),
        sa.Column("begun_at", base.Moment(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_delivery_notice_id_notice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("tenant_id", "notice_id", "channel", name=op.f("uq_delivery_tenant_id")),
    )
    op.create_index("ix_delivery_address", "delivery", ["tenant_id", "address"], unique=False)
    op.create_table(
        "number_stop",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("stopped_at", base.Moment(), nullable=False),
        sa.Column("confirmed_at", base.Moment(), nullable=True),
        sa.Column("started_at", base.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_stop")),
        sa.UniqueConstraint("tenant_id", "address", name=op.f("uq_number_stop_tenant_id")),
    )
    op.create_table(
        "reply",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("at", base.Moment(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("meaning", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("handled_at", base.Moment(), nullable=True),
        sa.Column("needs", sa.String(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("done_at", base.Moment(), nullable=True),
        sa.Column("done_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("tenant_id", "provider_id", name=op.f("uq_reply_tenant_id")),
    )
    op.create_table(
        "alarm",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("raised_at", base.Moment(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("acknowledged_at", base.Moment(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("acknowledged_how", sa.String(), nullable=True),
        sa.Column("closed_at", base.Moment(), nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name=op.f("fk_alarm_referral_id_referral")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index("ix_alarm_referral", "alarm", ["tenant_id", "referral_id"], unique=False)
    op.create_index("ix_alarm_open", "alarm", ["tenant_id", "closed_at", "acknowledged_at"], unique=False)
    op.create_table(
        "alarm_call",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("alarm_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("whom", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("at", base.Moment(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_alarm_call_alarm_id_alarm")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_call")),
        sa.UniqueConstraint("tenant_id", "alarm_id", "step", "whom", "via", name=op.f("uq_alarm_call_tenant_id")),
    )


def downgrade() -> None:
    for table in ("alarm_call", "alarm", "reply", "number_stop", "delivery"):
        op.drop_table(table)
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_code"))
        batch_op.drop_index("ix_notice_state")
        for column in ("code", "told_at", "state"):
            batch_op.drop_column(column)
    with op.batch_alter_table("referral", schema=None) as batch_op:
        batch_op.drop_column("held_from")
