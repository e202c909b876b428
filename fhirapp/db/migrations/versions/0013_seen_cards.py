"""A card that was seen is found without reading all that were ever shown for a referral."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SEEN = "ix_card_seen"
_PUT_AWAY = "ix_card_put_away"


def upgrade() -> None:
    op.create_index(_SEEN, "card", ["referral_id", "user", "face", "at"])
    away = sa.text("dismissed_at IS NOT NULL")
    op.create_index(_PUT_AWAY, "card", ["referral_id", "user"], sqlite_where=away, postgresql_where=away)


def downgrade() -> None:
    op.drop_index(_PUT_AWAY, "card")
    op.drop_index(_SEEN, "card")
