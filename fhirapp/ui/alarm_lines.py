"""Open alarms as pages show them: what, whose, since when, who was called, who has confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.alarms.alarm import Alarm, AlarmCall, open_alarms, standing_alarms
from fhirapp.alarms.clocks import HOLDS, LABELS, Kind
from fhirapp.alarms.people import person_for
from fhirapp.alarms.words import reference_of
from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.notices import person_of
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant
from models.text import N_, Text

VIA: Final[Mapping[str, Text]] = {
    "ehr": N_("record system"),
    "email": N_("email"),
    "pager": N_("pager"),
}
CALL_STATES: Final[Mapping[str, Text]] = {
    "due": N_("not through yet"),
    "begun": N_("under way"),
    "sent": N_("sent"),
    "failed": N_("failed"),
    "no-way": N_("not set up"),
}


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call."""

    who: str
    via: Text
    state: Text
    good: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """One alarm."""

    id: int
    referral_id: UUID
    reference: str
    what: Text
    stops: bool  # a hold; the others are about time
    emergency: bool
    patient: str
    since: datetime
    calls: tuple[CallLine, ...]
    confirmed_at: datetime | None
    confirmed_by: str

    @property
    def nobody_was_reached(self) -> bool:
        """True when every call has ended without success: a person must pick up the telephone."""
        return bool(self.calls) and not any(call.good for call in self.calls)


def shown_alarms(session: Session, tenant: Tenant, sealer: Sealer, referral_id: UUID | None = None) -> list[AlarmLine]:
    """The open alarms about what was released in a tenant; of one referral also the confirmed ones. The gravest first.

    Whom no clinician has signed for is none of the navigators' business.
    """
    found = (
        [one for one in open_alarms(session, tenant.id) if _released(session, tenant, one)]
        if referral_id is None
        else [one for one in standing_alarms(session, tenant.id, referral_id) if one.acknowledged_how != "seen"]
    )
    calls = _calls(session, tenant.id, [alarm.id for alarm in found])
    order = list(Kind)
    lines = [_line(session, tenant, sealer, alarm, calls.get(alarm.id, ())) for alarm in found]
    ranks = {alarm.id: order.index(Kind(alarm.kind)) for alarm in found}
    return sorted(lines, key=lambda line: (ranks[line.id], line.since))


def _released(session: Session, tenant: Tenant, alarm: Alarm) -> bool:
    return Referrals(session, tenant.id).get(alarm.referral_id).signed_at is not None


def _line(session: Session, tenant: Tenant, sealer: Sealer, alarm: Alarm, calls: Sequence[AlarmCall]) -> AlarmLine:
    referral = Referrals(session, tenant.id).get(alarm.referral_id)
    kind = Kind(alarm.kind)
    return AlarmLine(
        id=alarm.id,
        referral_id=alarm.referral_id,
        reference=reference_of(alarm),
        what=LABELS[kind],
        stops=kind in HOLDS,
        emergency=kind is Kind.HOLD_EMERGENCY,
        patient=str(person_of(referral, sealer).get("name") or ""),
        since=alarm.raised_at,
        calls=tuple(
            CallLine(
                person_for(call.whom, tenant, referral).display,
                VIA[call.via],
                CALL_STATES[call.state],
                call.state == "sent",
                call.at,
            )
            for call in calls
        ),
        confirmed_at=alarm.acknowledged_at,
        confirmed_by=alarm.acknowledged_by or "",
    )


def _calls(session: Session, tenant_id: str, ids: list[int]) -> dict[int, list[AlarmCall]]:
    query = sa.select(AlarmCall).where(AlarmCall.tenant_id == tenant_id, AlarmCall.alarm_id.in_(ids))
    found: dict[int, list[AlarmCall]] = {}
    for call in session.execute(query.order_by(AlarmCall.id)).scalars():
        found.setdefault(call.alarm_id, []).append(call)
    return found
