"""Delivers notices: announce in the database, send outside any transaction, record; never the same one twice.

What a crash between sending and recording means is decision 0050: the notice "may have been sent", is not repeated by
itself where the provider would deliver it again, and a person looks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.db.rows import row_of
from fhirapp.ehr.errors import EhrUnavailable
from fhirapp.jobs.table import LEASE
from fhirapp.messages.channels import LETTER, Way, note_confirmation, ways_left
from fhirapp.messages.errors import SendFailed
from fhirapp.messages.message import Message, Sender
from fhirapp.messages.quiet import quiet_until
from fhirapp.messages.records import Delivery
from fhirapp.messages.senders import CredentialMissing, Senders
from fhirapp.messages.telephone import Numbers
from fhirapp.messages.texts import OPTED_OUT, REFERRAL
from fhirapp.referrals.judging import enqueue_for, write_back_soon
from fhirapp.referrals.links import OptOutLinks
from fhirapp.referrals.notices import NOTICE, Notice, NoticeState, person_of, told, word
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.status import State
from fhirapp.referrals.store import Referrals
from fhirapp.referrals.time_to_say_no import patient_time
from fhirapp.tenants import Tenant, Tenants

log = logging.getLogger("stride.messages")

RETRY_FOR: Final = timedelta(hours=4)  # the patient is told on the day (pathway.md section 6): then the next channel
AT_ONCE: Final = timedelta(minutes=15)
MAX_STEPS: Final = 20
OPEN_WORK: Final = (NoticeState.WAITING.value, NoticeState.SENDING.value)


class NotYet(EhrUnavailable):
    """Another worker may be sending it at this moment; look again soon."""


@dataclass(frozen=True, slots=True)
class _Try:
    """One announced message."""

    notice_id: int
    delivery_id: int
    message: Message
    sender: Sender


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The handler of the job "notice": everything that waits for one referral."""

    sessions: Sessions
    tenants: Tenants
    sealer: Sealer
    links: OptOutLinks
    numbers: Numbers
    senders: Senders
    clock: Callable[[], datetime]

    def deliver(self, tenant_id: str, referral_id: UUID) -> None:
        """Send what waits, one message after another, each on the best channel that is left to it."""
        for _ in range(MAX_STEPS):
            with self.sessions.begin() as session:
                step = self._begin(session, tenant_id, referral_id)
            if step is None:
                return
            self._send(tenant_id, referral_id, step)

    # ------------------------------------------------------------ before

    def _begin(self, session: Session, tenant_id: str, referral_id: UUID) -> _Try | None:
        """Announce the next message; `None` when nothing can be sent now."""
        tenant, now = self.tenants[tenant_id], self.clock()
        referral = Referrals(session, tenant_id).lock(referral_id)
        for notice in self._waiting(session, referral):
            if notice.status is NoticeState.SENDING:
                self._resolve(session, tenant, referral, notice, now)
            if notice.status is NoticeState.WAITING and not self._kept_back(session, referral, notice, now):
                step = self._announce(session, tenant, referral, notice, now)
                if step is not None:
                    return step
        return None

    def _waiting(self, session: Session, referral: Referral) -> list[Notice]:
        query = (
            sa.select(Notice)
            .where(
                Notice.tenant_id == referral.tenant_id,
                Notice.referral_id == referral.id,
                Notice.state.in_(OPEN_WORK),
            )
            .order_by(Notice.id)
        )
        return list(session.execute(query).scalars())

    def _resolve(self, session: Session, tenant: Tenant, referral: Referral, notice: Notice, now: datetime) -> None:
        """A message was announced and its outcome never recorded: somebody is at it, or a worker died."""
        row = _delivery(session, notice, notice.channel)
        if row is None or now - row.begun_at < LEASE:
            raise NotYet("a message may be on its way")
        if self._repeatable(tenant, notice.channel):
            row.state, notice.state = "waiting", NoticeState.WAITING.value
        else:
            row.state, row.error = "doubtful", "the outcome was never recorded"
            self._doubt(session, referral, notice, now)

    def _repeatable(self, tenant: Tenant, channel: str) -> bool:
        try:
            sender = self.senders.sender(tenant.messages, channel)
        except CredentialMissing:
            return False
        return sender is not None and sender.repeatable

    def _kept_back(self, session: Session, referral: Referral, notice: Notice, now: datetime) -> bool:
        """Not sent: to somebody who has died or said no meanwhile never, about a held referral not now."""
        ended = not referral.is_open and notice.kind == REFERRAL
        if ended or referral.status in (State.DEPARTED, State.ERROR):
            notice.state = NoticeState.WITHDRAWN.value
            self._note(session, referral, "notice_withdrawn", notice, now)
            write_back_soon(session, referral, now)
            return True
        return referral.status is State.HELD and notice.kind == REFERRAL

    def _announce(
        self, session: Session, tenant: Tenant, referral: Referral, notice: Notice, now: datetime
    ) -> _Try | None:
        person = person_of(referral, self.sealer)
        way = next(ways_left(session, self.numbers, tenant, notice, person), None)
        if way is None:
            self._no_way(session, referral, notice, now)
            return None
        deadline = now + patient_time(referral, tenant)
        if way.channel == LETTER:
            deadline += timedelta(days=tenant.messages.letter_days)
            word(notice, self.sealer, self.links, tenant, referral, LETTER, deadline=deadline)
            notice.channel, notice.state = LETTER, NoticeState.TO_PRINT.value
            self._note(session, referral, "notice_to_print", notice, now)
            return None
        until = quiet_until(now, tenant.zone, tenant.messages.quiet_from, tenant.messages.quiet_to)
        answers = notice.channel == way.channel and now - notice.at < AT_ONCE  # the patient is awake: they just wrote
        if until is not None and not answers:
            enqueue_for(session, referral, NOTICE, until)
            return None
        known = _delivery(session, notice, way.channel)
        if known is not None and known.state == "waiting" and now < (again := known.begun_at + pause(known.tries)):
            enqueue_for(session, referral, NOTICE, again)
            return None
        return self._announced(session, tenant, referral, notice, way, deadline, now)

    def _announced(
        self,
        session: Session,
        tenant: Tenant,
        referral: Referral,
        notice: Notice,
        way: Way,
        deadline: datetime,
        now: datetime,
    ) -> _Try | None:
        try:
            sender = self.senders.sender(tenant.messages, way.channel)
        except CredentialMissing as error:
            log.error("tenant %s cannot send by %s: %s", tenant.id, way.channel, error)
            sender = None
        digest = self.numbers.digest(tenant.id, way.address)
        row = _delivery(session, notice, way.channel) or Delivery(
            tenant_id=tenant.id, notice_id=notice.id, channel=way.channel, tries=0, first_at=now
        )
        row.address, row.begun_at = digest, now
        session.add(row)
        if sender is None:
            row.state, row.error, row.tries = "waiting", "not set up", row.tries + 1
            self._later(session, referral, notice, row, now)
            return None
        row.state, row.tries, row.error = "begun", row.tries + 1, None
        said = word(notice, self.sealer, self.links, tenant, referral, way.channel, deadline=deadline)
        notice.channel, notice.state = way.channel, NoticeState.SENDING.value
        if way.channel == "sms" and notice.kind == OPTED_OUT:
            note_confirmation(session, tenant.id, digest, now)
        session.flush()
        key = f"notice/{tenant.id}/{notice.id}/{way.channel}"
        message = Message(way.address, said["subject"], said["body"], said["language"], key)
        return _Try(notice.id, row.id, message, sender)

    def _no_way(self, session: Session, referral: Referral, notice: Notice, now: datetime) -> None:
        """No channel is left. The referral does not go on silently: somebody has to tell the patient."""
        to_phone = notice.kind == REFERRAL
        notice.state = (NoticeState.TO_PHONE if to_phone else NoticeState.WITHDRAWN).value
        notice.channel = ""
        self._note(session, referral, "notice_to_phone" if to_phone else "notice_withdrawn", notice, now)
        if not to_phone:
            write_back_soon(session, referral, now)

    # ------------------------------------------------------------ after

    def _send(self, tenant_id: str, referral_id: UUID, step: _Try) -> None:
        try:
            provider_id, failed = step.sender.send(step.message), None
        except SendFailed as error:
            provider_id, failed = None, error
        with self.sessions.begin() as session:
            referral = Referrals(session, tenant_id).lock(referral_id)
            notice = row_of(session, Notice, tenant_id, step.notice_id)
            row = row_of(session, Delivery, tenant_id, step.delivery_id)
            if notice.status is NoticeState.SENDING and row.state == "begun":
                self._record(session, referral, notice, row, provider_id, failed, step.sender.repeatable)

    def _record(
        self,
        session: Session,
        referral: Referral,
        notice: Notice,
        row: Delivery,
        provider_id: str | None,
        failed: SendFailed | None,
        repeatable: bool,
    ) -> None:
        tenant, now = self.tenants[referral.tenant_id], self.clock()
        if failed is None:
            row.state, row.provider_id = "sent", provider_id
            notice.state = NoticeState.SENT.value
            told(session, tenant, referral, notice, now)
            self._note(session, referral, "notice_sent", notice, now)
            write_back_soon(session, referral, now)
            return
        row.error = failed.why
        log.warning("notice %s by %s was not taken: %s", notice.id, row.channel, failed.why)
        if failed.doubtful and not repeatable:
            row.state = "doubtful"
            self._doubt(session, referral, notice, now)
        elif failed.permanent:
            row.state, notice.state = "refused", NoticeState.WAITING.value
            notice.channel = "" if notice.channel == row.channel else notice.channel
            self._note(session, referral, "notice_refused", notice, now, channel=row.channel)
        else:
            row.state = "waiting"
            self._later(session, referral, notice, row, now)

    def _later(self, session: Session, referral: Referral, notice: Notice, row: Delivery, now: datetime) -> None:
        """Another try on the same channel, until the day is half gone; then the next channel at once."""
        notice.state = NoticeState.WAITING.value
        if now - row.first_at >= RETRY_FOR:
            row.state = "given-up"
            self._note(session, referral, "notice_refused", notice, now, channel=row.channel)
            enqueue_for(session, referral, NOTICE, now)
        else:
            enqueue_for(session, referral, NOTICE, now + pause(row.tries))

    def _doubt(self, session: Session, referral: Referral, notice: Notice, now: datetime) -> None:
        notice.state = NoticeState.DOUBTFUL.value
        self._note(session, referral, "notice_doubtful", notice, now)

    def _note(
        self, session: Session, referral: Referral, what: str, notice: Notice, now: datetime, channel: str = ""
    ) -> None:
        actor = Actor.service(referral.tenant_id)
        Referrals(session, referral.tenant_id).note(
            referral, what, actor=actor, at=now, before=referral.status,
            channel=channel or notice.channel, notice=notice.kind,
        )  # fmt: skip


def pause(tries: int) -> timedelta:
    """The wait before the next try: one minute, doubling to half an hour."""
    return min(timedelta(minutes=2 ** min(max(tries - 1, 0), 6)), timedelta(minutes=30))


def _delivery(session: Session, notice: Notice, channel: str) -> Delivery | None:
    return session.execute(
        sa.select(Delivery).where(
            Delivery.tenant_id == notice.tenant_id, Delivery.notice_id == notice.id, Delivery.channel == channel
        )
    ).scalar_one_or_none()
