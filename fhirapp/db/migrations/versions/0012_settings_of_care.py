"""Where the patient is, and how often one may still be asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fhirapp.db import base

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("referral") as table:
        table.add_column(sa.Column("inpatient", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("discharged_at", base.Moment(), nullable=True))
        table.add_column(sa.Column("no_offer_before", base.Moment(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("referral") as table:
        table.drop_column("no_offer_before")
        table.drop_column("discharged_at")
        table.drop_column("inpatient")
