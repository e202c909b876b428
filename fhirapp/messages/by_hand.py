"""What people do about a notice that no machine can finish: post the letter, telephone, settle a doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.audit import audit
from fhirapp.db.base import Sessions
from fhirapp.db.rows import row_of
from fhirapp.messages.records import Delivery, Reply
from fhirapp.referrals.errors import ReferralNotFound, TransitionNotAllowed
from fhirapp.referrals.judging import enqueue_for, write_back_soon
from fhirapp.referrals.notices import CERTAIN, NEEDS_A_PERSON, NOTICE, Notice, NoticeState, told
from fhirapp.referrals.referral import Actor
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant, Tenants

# What may be done to a notice in which state. "told" is always possible: a patient who was reached knows.
_FROM: Final[Mapping[str, Collection[NoticeState]]] = {
    "posted": {NoticeState.TO_PRINT},
    "told": NEEDS_A_PERSON | {NoticeState.WAITING, NoticeState.POSTED, NoticeState.SENT},
    "arrived": {NoticeState.DOUBTFUL},
    "again": {NoticeState.DOUBTFUL},
    "phone": {NoticeState.TO_PRINT, NoticeState.DOUBTFUL},
}
ACTS: Final = frozenset(_FROM)


@dataclass(frozen=True, slots=True)
class ByHand:
    """The buttons of the outbox."""

    sessions: Sessions
    tenants: Tenants

    def do(self, notice_id: int, act: str, *, actor: Actor, now: datetime) -> None:
        """Do it. Raises `ReferralNotFound`, or `TransitionNotAllowed` where somebody was faster."""
        tenant = self.tenants[actor.tenant_id]
        with self.sessions.begin() as session:
            notice = _notice(session, tenant, notice_id)
            store = Referrals(session, tenant.id)
            referral = store.lock(notice.referral_id)
            notice = row_of(session, Notice, tenant.id, notice_id)  # as it stands now that nobody else can move it
            if notice.status not in _FROM[act]:
                raise TransitionNotAllowed(notice.state, act, actor.role.value)
            if act == "posted":
                notice.state = NoticeState.POSTED.value
                told(session, tenant, referral, notice, now + timedelta(days=tenant.messages.letter_days))
            elif act in ("told", "arrived"):
                notice.state = (NoticeState.TOLD if act == "told" else NoticeState.SENT).value
                told(session, tenant, referral, notice, notice.told_at or now)
            elif act == "again":
                _forget_doubt(session, notice, now)
                notice.state = NoticeState.WAITING.value
                enqueue_for(session, referral, NOTICE, now)
            else:
                notice.state, notice.channel = NoticeState.TO_PHONE.value, ""
            if notice.status in CERTAIN:
                write_back_soon(session, referral, now)
            store.note(
                referral, f"notice_{act}", actor=actor, at=now, before=referral.status, notice=notice.kind,
                channel=notice.channel,
            )  # fmt: skip
            audit(
                session, actor, f"notice.{act}", at=now, patient_id=referral.patient_id, subject=referral.id,
                notice=notice.kind,
            )  # fmt: skip

    def dealt_with(self, reply_id: int, *, actor: Actor, now: datetime) -> None:
        """Somebody has read an answer and done what it asks. Raises `ReferralNotFound` for one that is not there."""
        with self.sessions.begin() as session:
            reply = session.execute(
                sa.select(Reply).where(Reply.tenant_id == actor.tenant_id, Reply.id == reply_id)
            ).scalar_one_or_none()
            if reply is None:
                raise ReferralNotFound("no such answer")
            if reply.done_at is None:
                reply.done_at, reply.done_by = now, actor.display or actor.reference
            audit(session, actor, "reply.done", at=now, subject=f"reply/{reply.id}")


def _notice(session: Session, tenant: Tenant, notice_id: int) -> Notice:
    found = session.execute(
        sa.select(Notice).where(Notice.tenant_id == tenant.id, Notice.id == notice_id)
    ).scalar_one_or_none()
    if found is None:
        raise ReferralNotFound("no such notice")
    return found


def _forget_doubt(session: Session, notice: Notice, now: datetime) -> None:
    """A person has asked for it to be sent again: the channel is free once more."""
    session.execute(
        sa.update(Delivery)
        .where(Delivery.tenant_id == notice.tenant_id, Delivery.notice_id == notice.id, Delivery.state == "doubtful")
        .values(state="waiting", tries=0, first_at=now)
    )
