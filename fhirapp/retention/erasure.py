"""Lets everything go that the service holds of some referrals, or of a patient; the audit and a hash stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.db.append_only import erasing
from fhirapp.jobs.table import Job
from fhirapp.messages.records import Delivery, Reply
from fhirapp.referrals.cards import Feedback
from fhirapp.referrals.judging import WRITE_BACK
from fhirapp.referrals.notices import Notice
from fhirapp.referrals.offering import may_reoffer
from fhirapp.referrals.reasons import GONE, ONLY_THE_PATIENT, REASONS
from fhirapp.referrals.referral import Referral, SafetyAnswers
from fhirapp.retention.marks import Mark, leave_mark
from fhirapp.retention.tables import below_referral
from fhirapp.ui.session import PageSession


class StillNeeded(Exception):
    """It cannot be erased now; the message says why, and what to do first."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What went: rows by table."""

    rows: Counter[str]

    @property
    def total(self) -> int:
        """All rows together."""
        return sum(self.rows.values())


def referrals_of(session: Session, tenant_id: str, patient_id: str) -> Sequence[Referral]:
    """All of a patient's referrals, those that began in a record that became this one too; locked, oldest first."""
    theirs = sa.or_(Referral.patient_id == patient_id, Referral.first_patient_id == patient_id)
    query = sa.select(Referral).where(Referral.tenant_id == tenant_id, theirs)
    return session.execute(query.order_by(Referral.ordinal).with_for_update()).scalars().all()


def erase_patient(session: Session, tenant_id: str, patient_id: str, now: datetime) -> Erased:
    """Everything of one patient, in the caller's transaction. Raises `StillNeeded` and changes nothing."""
    referrals = referrals_of(session, tenant_id, patient_id)
    for referral in referrals:
        check_over(session, referral)
    erased = erase_referrals(session, tenant_id, referrals, now)
    with erasing(session, tenant_id):
        for table in (SafetyAnswers, PageSession):
            where = (table.tenant_id == tenant_id, table.patient_id == patient_id)
            erased.rows[table.__tablename__] += _delete(session, sa.delete(table).where(*where))
    return Erased(+erased.rows)


def erase_referrals(session: Session, tenant_id: str, referrals: Sequence[Referral], now: datetime) -> Erased:
    """Everything of these referrals, all of one tenant, in the caller's transaction; who said no leaves a mark."""
    rows: Counter[str] = Counter()
    if not referrals:
        return Erased(rows)
    ids = [referral.id for referral in referrals]
    _leave_marks(session, tenant_id, referrals, now)
    rows["reply"] = _erase_replies(session, tenant_id, ids)
    for near in (Feedback, PageSession):
        theirs = (near.tenant_id == tenant_id, near.referral_id.in_(ids))
        rows[near.__tablename__] = _delete(session, sa.delete(near).where(*theirs))
    rows["job"] = _erase_jobs(session, tenant_id, ids)
    with erasing(session, tenant_id):
        for table, selected in below_referral():
            keys = session.execute(selected, {"ids": ids, "tenant": tenant_id}).scalars().all()
            (key,) = table.primary_key.columns
            rows[table.name] += _delete(session, sa.delete(table).where(table.c.tenant_id == tenant_id, key.in_(keys)))
        these = (Referral.tenant_id == tenant_id, Referral.id.in_(ids))
        rows["referral"] = _delete(session, sa.delete(Referral).where(*these))
    session.expire_all()
    return Erased(+rows)


def check_over(session: Session, referral: Referral) -> None:
    """Raises `StillNeeded` while a referral is open, or the EHR has not been told of its end."""
    if referral.is_open:
        raise StillNeeded(f"referral {referral.id} is open: end it first, so that everybody concerned is told")
    told = sa.select(Job.state).where(Job.tenant_id == referral.tenant_id, Job.key == f"{WRITE_BACK}/{referral.id}")
    if session.scalar(told) not in (None, "done"):
        raise StillNeeded(f"the record system has not been told of the end of referral {referral.id} yet")


def _erase_jobs(session: Session, tenant_id: str, ids: Sequence[UUID]) -> int:
    """The jobs for these referrals: the key of each is its kind and what it is about."""
    kinds = session.scalars(sa.select(Job.kind).where(Job.tenant_id == tenant_id).distinct()).all()
    keys = [f"{kind}/{id_}" for kind in kinds for id_ in ids]
    gone = 0
    for place in range(0, len(keys), 500):
        these = sa.and_(Job.tenant_id == tenant_id, Job.key.in_(keys[place : place + 500]))
        gone += _delete(session, sa.delete(Job).where(these))
    return gone


def _leave_marks(session: Session, tenant_id: str, referrals: Sequence[Referral], now: datetime) -> None:
    for referral in referrals:
        later = sa.select(sa.func.count()).where(
            Referral.tenant_id == tenant_id,
            Referral.patient_id == referral.patient_id,
            Referral.ordinal > referral.ordinal,
        )
        is_newest = session.scalar(later) == 0
        mark = _mark_of(referral, now) if is_newest else Mark(referral.ordinal)
        ids = {referral.patient_id, referral.identity}
        leave_mark(session, tenant_id, ids, mark, now)


def _mark_of(referral: Referral, now: datetime) -> Mark:
    """What the end of the newest referral forbids; without the reason, which is erased, no phase can override it."""
    reason = REASONS.get(referral.reason_code or "")
    if may_reoffer(referral, now) or (reason is not None and reason.by == "clinician" and referral.reoffer_at is None):
        return Mark(referral.ordinal)  # reviewed in the next phase of treatment, which has come since
    never = referral.reason_code in ONLY_THE_PATIENT | GONE or referral.reoffer_at is None
    return Mark(referral.ordinal, never, None if never else referral.reoffer_at)


def _erase_replies(session: Session, tenant_id: str, ids: Sequence[UUID]) -> int:
    """What was answered from the addresses that were written to."""
    notices = sa.select(Notice.id).where(Notice.tenant_id == tenant_id, Notice.referral_id.in_(ids))
    addresses = sa.select(Delivery.address).where(Delivery.tenant_id == tenant_id, Delivery.notice_id.in_(notices))
    return _delete(session, sa.delete(Reply).where(Reply.tenant_id == tenant_id, Reply.address.in_(addresses)))


def _delete(session: Session, statement: sa.Delete) -> int:
    found: Any = session.execute(statement.execution_options(synchronize_session=False))
    return int(found.rowcount)
