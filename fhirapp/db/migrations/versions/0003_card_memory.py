"""What a card said, and when it was dismissed: so that nobody sees the same one twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fhirapp.db import base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.add_column(sa.Column("face", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("dismissed_at", base.Moment(), nullable=True))
        batch_op.add_column(sa.Column("again_at", base.Moment(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.drop_column("again_at")
        batch_op.drop_column("dismissed_at")
        batch_op.drop_column("face")
