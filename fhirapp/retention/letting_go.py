"""Lets go of what has served its period, kind by kind, in short transactions; says how many rows went or would go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.audit import AuditRow, audit
from fhirapp.audit_chain import AuditSeal, ranges_of
from fhirapp.audit_check import PURGED
from fhirapp.closed_loop.memory import EhrChange
from fhirapp.db.append_only import erasing
from fhirapp.db.base import Sessions
from fhirapp.messages.records import Delivery, Reply
from fhirapp.predictions import PredictionRow
from fhirapp.referrals.cards import Card, Feedback
from fhirapp.referrals.notices import Notice
from fhirapp.referrals.referral import Actor, ContactAttempt, Referral
from fhirapp.retention.erasure import StillNeeded, check_over, erase_referrals
from fhirapp.tenants import Tenant

BATCH: Final = 200  # referrals a transaction


@dataclass(frozen=True, slots=True)
class LettingGo:
    """The rules of retention of every hospital, applied."""

    sessions: Sessions
    clock: Callable[[], datetime]

    def run(self, tenant: Tenant, *, dry: bool = False) -> Counter[str]:
        """Let go of all that has served at one hospital; rows by kind. With `dry` nothing is changed."""
        now, gone = self.clock(), Counter[str]()
        for kind, step in _STEPS.items():
            before = now - tenant.retention.period(kind)
            with self.sessions.begin() as session:
                gone[kind] += step(session, tenant.id, before, dry)
        gone["referrals"] += self._referrals(tenant, now, dry)
        gone["audit"] += self._audit(tenant, now, dry)
        gone = +gone
        if gone and not dry:
            with self.sessions.begin() as session:
                audit(session, Actor.service(tenant.id), "purge.retention", at=now, gone=dict(gone))
        return gone

    def _referrals(self, tenant: Tenant, now: datetime, dry: bool) -> int:
        """Whole referrals whose period is over and of whose end the EHR was told."""
        before, done, last = now - tenant.retention.period("referrals"), 0, None
        while True:
            with self.sessions.begin() as session:
                some = _ended(session, tenant.id, before, after=last)
                ready = [referral for referral in some if _is_over(session, referral)]
                done += len(ready)
                last = some[-1].id if some else None
                if not dry:
                    erase_referrals(session, tenant.id, ready, now)
            if len(some) < BATCH:
                return done

    def _audit(self, tenant: Tenant, now: datetime, dry: bool) -> int:
        """The rows of whole old seals; the seals stay, and a signed row says up to where."""
        before = now - tenant.retention.period("audit")
        with self.sessions.begin() as session:
            ids, through = _old_audit(session, tenant.id, before)
            if ids and not dry:
                with erasing(session, tenant.id):
                    for place in range(0, len(ids), 500):
                        these = AuditRow.id.in_(ids[place : place + 500])
                        session.execute(sa.delete(AuditRow).where(AuditRow.tenant_id == tenant.id, these))
                audit(session, Actor.service(tenant.id), PURGED, at=now, through=through, rows=len(ids))
        return len(ids)


def _is_over(session: Session, referral: Referral) -> bool:
    try:
        check_over(session, referral)
    except StillNeeded:
        return False
    return True


def _ended(session: Session, tenant_id: str, before: datetime, after: Any) -> Sequence[Referral]:
    query = sa.select(Referral).where(_over(tenant_id, before)).order_by(Referral.id).limit(BATCH)
    if after is not None:
        query = query.where(Referral.id > after)
    return session.scalars(query.with_for_update()).all()


def _over(tenant_id: str, before: datetime) -> Any:
    return sa.and_(Referral.tenant_id == tenant_id, Referral.is_open.is_(False), Referral.state_since < before)


def _ids_over(tenant_id: str, before: datetime) -> Any:
    return sa.select(Referral.id).where(_over(tenant_id, before))


def _person(session: Session, tenant_id: str, before: datetime, dry: bool) -> int:
    where = sa.and_(_over(tenant_id, before), Referral.person.is_not(None))
    return _change(session, sa.update(Referral).where(where).values(person=None), dry)


def _notes(session: Session, tenant_id: str, before: datetime, dry: bool) -> int:
    over = _ids_over(tenant_id, before)
    notes = sa.update(ContactAttempt).where(
        ContactAttempt.tenant_id == tenant_id, ContactAttempt.referral_id.in_(over), ContactAttempt.note.is_not(None)
    )
    comments = sa.update(Feedback).where(
        Feedback.tenant_id == tenant_id, Feedback.received_at < before, Feedback.comment.is_not(None)
    )
    words = sa.update(EhrChange).where(
        EhrChange.tenant_id == tenant_id, EhrChange.referral_id.in_(over), EhrChange.said.is_not(None)
    )
    gone = _change(session, notes.values(note=None), dry) + _change(session, comments.values(comment=None), dry)
    return gone + _change(session, words.values(said=None), dry)


def _messages(session: Session, tenant_id: str, before: datetime, dry: bool) -> int:
    notices = sa.select(Notice.id).where(
        Notice.tenant_id == tenant_id, Notice.referral_id.in_(_ids_over(tenant_id, before))
    )
    gone = _change(session, sa.delete(Reply).where(Reply.tenant_id == tenant_id, Reply.at < before), dry)
    gone += _change(
        session, sa.delete(Delivery).where(Delivery.tenant_id == tenant_id, Delivery.notice_id.in_(notices)), dry
    )
    return gone + _change(session, sa.delete(Notice).where(Notice.tenant_id == tenant_id, Notice.id.in_(notices)), dry)


def _cards(session: Session, tenant_id: str, before: datetime, dry: bool) -> int:
    over = _ids_over(tenant_id, before)
    feedback = sa.delete(Feedback).where(Feedback.tenant_id == tenant_id, Feedback.received_at < before)
    return _change(session, feedback, dry) + _change(
        session, sa.delete(Card).where(Card.tenant_id == tenant_id, Card.referral_id.in_(over)), dry
    )


def _predictions(session: Session, tenant_id: str, before: datetime, dry: bool) -> int:
    over = _ids_over(tenant_id, before)
    return _change(
        session,
        sa.delete(PredictionRow).where(PredictionRow.tenant_id == tenant_id, PredictionRow.referral_id.in_(over)),
        dry,
    )


Step = Callable[[Session, str, datetime, bool], int]
_STEPS: Final[dict[str, Step]] = {
    "person": _person,
    "notes": _notes,
    "messages": _messages,
    "cards": _cards,
    "predictions": _predictions,
}


def _change(session: Session, statement: Any, dry: bool) -> int:
    """How many rows a statement changes, or would."""
    if dry:
        table = statement.table
        query = sa.select(sa.func.count()).select_from(table)
        return int(session.scalar(query.where(*statement._where_criteria)) or 0)
    found: Any = session.execute(statement.execution_options(synchronize_session=False))
    return int(found.rowcount)


def _old_audit(session: Session, tenant_id: str, before: datetime) -> tuple[list[int], int]:
    """The rows of the oldest seals that are whole behind the border, and the number of the last of these."""
    seals = session.scalars(
        sa.select(AuditSeal).where(AuditSeal.tenant_id == tenant_id).order_by(AuditSeal.number)
    ).all()
    found: list[int] = []
    through = 0
    for seal in seals[:-1]:  # the newest one always stays: its rows' ids are never given again
        ids = [id_ for first, last in ranges_of(seal.members) for id_ in range(first, last + 1)]
        rows = sa.select(sa.func.max(AuditRow.at)).where(
            AuditRow.tenant_id == tenant_id, AuditRow.id.between(ids[0], ids[-1])
        )
        newest = session.scalar(rows)
        if newest is not None and newest >= before:
            break
        through = seal.number
        if newest is not None:
            there = sa.select(AuditRow.id).where(AuditRow.tenant_id == tenant_id, AuditRow.id.between(ids[0], ids[-1]))
            found += sorted(set(session.scalars(there)) & set(ids))
    return found, through
