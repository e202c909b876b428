"""What a clinician did with a card: kept once, and acted on once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cds_hooks.ports import Client, FeedbackEntry
from cds_hooks.reasons import Meaning, meaning_of
from fhirapp.audit import audit
from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.actions import Actions
from fhirapp.referrals.card_memory import dismiss
from fhirapp.referrals.cards import Card, Feedback
from fhirapp.referrals.errors import HoldOpen, TransitionNotAllowed
from fhirapp.referrals.referral import ACCEPTED, Actor
from fhirapp.referrals.status import Role
from fhirapp.tenants import Tenants


@dataclass(frozen=True, slots=True)
class Feedbacks:
    """Satisfies `cds_hooks.ports.Feedbacks`."""

    sessions: Sessions
    tenants: Tenants
    actions: Actions
    sealer: Sealer

    def record(self, client: Client, service_id: str, entries: Iterable[FeedbackEntry], *, now: datetime) -> None:
        """Keep each entry once, and let it close or sign the referral of its card."""
        for entry in entries:
            card = self._keep(client.tenant_id, entry, now)
            if card is not None:
                self._act(client.tenant_id, card, entry, now)

    def _keep(self, tenant_id: str, entry: FeedbackEntry, now: datetime) -> Card | None:
        """The card that the entry is about; `None` for a card that is not ours."""
        with self.sessions.begin() as session:
            card = _card(session, tenant_id, entry.card)
            row = Feedback(
                tenant_id=tenant_id,
                card_id=entry.card,
                referral_id=card.referral_id if card else None,
                outcome=entry.outcome,
                suggestions=",".join(sorted(entry.suggestions)),
                reason_code=entry.reason.code if entry.reason else None,
                reason_system=entry.reason.system if entry.reason else None,
                comment=self.sealer.seal({"comment": entry.comment}, f"feedback/{entry.card}")
                if entry.comment
                else None,
                at=entry.at,
                received_at=now,
            )
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:
                pass  # sent again (CH-B4): acting again is harmless, and mends a crash between keeping and acting
            actor = Actor(tenant_id, Role.CLINICIAN, (card.user or "") if card else "")
            audit(session, actor, f"feedback.{entry.outcome}", at=now, subject=entry.card,
                  outcome="ok" if card else "unknown card")  # fmt: skip
            return card

    def _act(self, tenant_id: str, card: Card, entry: FeedbackEntry, now: datetime) -> None:
        actor = Actor(tenant_id, Role.CLINICIAN, card.user or "")
        try:
            if entry.outcome == "accepted":
                tenant = self.tenants[tenant_id]
                signs = tenant.accepted_is_signature and (card.user is None or tenant.may_sign(card.user))
                if signs and str(card.suggestion_id) in entry.suggestions:
                    self.actions.sign(card.referral_id, actor=actor, now=now, how=ACCEPTED)
                return
            meaning, code = meaning_of(entry.reason)
            with self.sessions.begin() as session:
                dismiss(session, card, now, snooze=meaning is Meaning.SNOOZE)
            if card.warned or meaning is Meaning.SNOOZE:
                return  # to dismiss a warning is not to decline a referral
            self.actions.decline(card.referral_id, code, actor=actor, now=now)
        except (TransitionNotAllowed, HoldOpen):
            return  # the referral has moved on, or safety forbids it; the entry itself is kept


def _card(session: Session, tenant_id: str, card_id: str) -> Card | None:
    try:
        known = UUID(card_id)
    except ValueError:
        return None
    return session.execute(sa.select(Card).where(Card.tenant_id == tenant_id, Card.id == known)).scalar_one_or_none()
