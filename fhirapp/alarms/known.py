"""What the clocks of a referral must know beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.alarms.clocks import Known
from fhirapp.db.base import Moment
from fhirapp.messages.texts import REFERRAL
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.status import State
from fhirapp.referrals.store import Referrals

# The table and not its class: notices are written by what starts these clocks.
_NOTICE: Final = sa.table(
    "notice",
    sa.column("tenant_id", sa.String()),
    sa.column("referral_id", sa.Uuid()),
    sa.column("kind", sa.String()),
    sa.column("told_at", Moment),
)


def known_of(session: Session, referral: Referral) -> Known:
    """Whether the patient was told, and who has tried to reach them, in the states where a clock asks for it."""
    if referral.status is State.CONTACTING:
        return Known(attempts=tuple(Referrals(session, referral.tenant_id).attempts(referral.id)))
    return Known(told_at(session, referral)) if referral.status is State.OPT_OUT_OPEN else Known()


def told_at(session: Session, referral: Referral) -> datetime | None:
    """From when the patient can have known of the referral; `None` while nobody has told them."""
    return session.execute(
        sa.select(_NOTICE.c.told_at).where(
            _NOTICE.c.tenant_id == referral.tenant_id,
            _NOTICE.c.referral_id == referral.id,
            _NOTICE.c.kind == REFERRAL,
        )
    ).scalar_one_or_none()
