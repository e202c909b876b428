"""How a referral is changed: lock, move, note, audit, enqueue; one commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from fhirapp.alarms.raising import watch_clock, watch_holds
from fhirapp.audit import audit
from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.messages.texts import OPTED_OUT
from fhirapp.referrals.judging import (
    write_back_soon,
)
from fhirapp.referrals.links import OptOutLinks
from fhirapp.referrals.notices import withdraw, write_notice
from fhirapp.referrals.reasons import no_offer_before, reoffer_at
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenants


@dataclass(frozen=True, slots=True)
class Moving:
    """What every change of a referral has in common, and every end."""

    sessions: Sessions
    tenants: Tenants
    sealer: Sealer
    links: OptOutLinks

    @contextmanager
    def _moving(
        self, referral_id: UUID, action: str, actor: Actor, now: datetime, **details: Any
    ) -> Iterator[tuple[Session, Referral]]:
        """One change: locked before, noted, audited and handed to the write-back after."""
        with self.sessions.begin() as session:
            store = Referrals(session, actor.tenant_id)
            referral = store.lock(referral_id)
            before, version = referral.status, referral.version
            yield session, referral
            store.note(referral, action, actor=actor, at=now, before=before, **details)
            audit(
                session, actor, f"referral.{action}", at=now, patient_id=referral.patient_id, subject=referral.id,
                **details,
            )  # fmt: skip
            if referral.status is not before:
                watch_clock(session, self.tenants[actor.tenant_id], referral, now)
                if not referral.is_open:
                    withdraw(session, referral)
                    watch_holds(session, self.tenants[actor.tenant_id], referral, action, now)
            if referral.version != version:
                write_back_soon(session, referral, now)

    def _ended(
        self, session: Session, referral: Referral, code: str, now: datetime, *, tell: bool, via: str = ""
    ) -> None:
        referral.reason_code = code
        earlier = Referrals(session, referral.tenant_id).ends_with(referral, code)
        referral.reoffer_at = reoffer_at(code, now, earlier, str(referral.summary.get("phase") or ""))
        referral.no_offer_before = no_offer_before(code, now, earlier)
        if tell:
            tenant = self.tenants[referral.tenant_id]
            write_notice(session, self.sealer, self.links, tenant, referral, OPTED_OUT, at=now, channel=via)
