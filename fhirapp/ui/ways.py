"""Who has said no for a reason that something can be done about. Source: pathway.md section 4, rows "at once"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.navigating import REASON_SETTLED
from fhirapp.referrals.notices import person_of
from fhirapp.referrals.reasons import REASONS
from fhirapp.referrals.referral import Referral, ReferralEvent
from fhirapp.referrals.status import State
from models.text import Text

AT_ONCE: Final = timedelta(days=14)  # later it is no answer any more, but a new question
_CODES: Final = tuple(code for code, reason in REASONS.items() if reason.way is not None)


@dataclass(frozen=True, slots=True)
class Way:
    """One patient, the reason, and what may be offered."""

    referral_id: UUID
    patient: str
    reason: Text
    way: Text
    since: datetime


def ways_open(session: Session, tenant_id: str, sealer: Sealer, now: datetime) -> list[Way]:
    """Those of the last two weeks that nobody has seen to, the oldest first."""
    settled = sa.select(ReferralEvent.referral_id).where(
        ReferralEvent.tenant_id == tenant_id, ReferralEvent.action == REASON_SETTLED
    )
    later = sa.orm.aliased(Referral)
    query = (
        sa.select(Referral)
        .where(
            Referral.tenant_id == tenant_id,
            Referral.state.in_([State.OPTED_OUT.value, State.DISCONTINUED.value]),
            Referral.reason_code.in_(_CODES),
            Referral.signed_at.is_not(None),
            Referral.state_since > now - AT_ONCE,
            Referral.id.not_in(settled),
            ~sa.exists().where(
                later.tenant_id == tenant_id,
                later.patient_id == Referral.patient_id,
                later.ordinal > Referral.ordinal,
            ),
        )
        .order_by(Referral.state_since, Referral.id)
    )
    return [_way(referral, sealer) for referral in session.execute(query).scalars()]


def _way(referral: Referral, sealer: Sealer) -> Way:
    reason = REASONS[str(referral.reason_code)]
    assert reason.way is not None  # noqa: S101 - for the type checker
    name = str(person_of(referral, sealer).get("name") or "")
    return Way(referral.id, name, reason.label, reason.way, referral.state_since)
