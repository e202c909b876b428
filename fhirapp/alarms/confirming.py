"""Somebody has seen an alarm: who, when and how is kept, and nobody else is called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from fhirapp.alarms.alarm import Alarm
from fhirapp.alarms.words import reference_of
from fhirapp.audit import audit
from fhirapp.db.base import Sessions
from fhirapp.referrals.referral import Actor
from fhirapp.referrals.store import Referrals


@dataclass(frozen=True, slots=True)
class Confirming:
    """The one step of whoever was called."""

    sessions: Sessions

    def find(self, tenant_id: str, alarm_id: int) -> Alarm | None:
        """The alarm; `None` when it is not there."""
        with self.sessions() as session:
            return session.execute(
                sa.select(Alarm).where(Alarm.tenant_id == tenant_id, Alarm.id == alarm_id)
            ).scalar_one_or_none()

    def confirm(self, tenant_id: str, alarm_id: int, *, how: str, actor: Actor, now: datetime) -> Alarm | None:
        """Keep the confirmation. The first one stands, a second is no error; `None` for an alarm that is not there."""
        with self.sessions.begin() as session:
            alarm = session.execute(
                sa.select(Alarm).where(Alarm.tenant_id == tenant_id, Alarm.id == alarm_id).with_for_update()
            ).scalar_one_or_none()
            if alarm is None or alarm.acknowledged_at is not None:
                return alarm
            alarm.acknowledged_at, alarm.acknowledged_how = now, how
            alarm.acknowledged_by = actor.display or actor.reference
            store = Referrals(session, tenant_id)
            referral = store.lock(alarm.referral_id)
            store.note(referral, "alarm_confirmed", actor=actor, at=now, before=referral.status, alarm=alarm.kind)
            audit(
                session, actor, "alarm.confirmed", at=now, patient_id=referral.patient_id, subject=reference_of(alarm),
                how=how,
            )  # fmt: skip
            return alarm
