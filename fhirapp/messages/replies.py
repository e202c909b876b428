"""What patients answer by text message: kept first, then acted on; what we do not understand goes to a person."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fhirapp.audit import audit
from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.db.rows import row_of
from fhirapp.jobs.table import enqueue
from fhirapp.messages.channels import stop_of
from fhirapp.messages.errors import ReplyRefused
from fhirapp.messages.records import Delivery, NumberStop, Reply
from fhirapp.messages.reply_words import Meaning, meaning_of, names_a_symptom
from fhirapp.messages.senders import Senders
from fhirapp.messages.settings import ReplySettings
from fhirapp.messages.telephone import Numbers, e164
from fhirapp.messages.texts import HELP
from fhirapp.referrals.actions import Actions
from fhirapp.referrals.errors import TransitionNotAllowed
from fhirapp.referrals.links import OptOutLinks
from fhirapp.referrals.notices import Notice, write_notice
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.status import Role, State
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant, Tenants

REPLIES: Final = "replies"  # the kind of the job that takes up what was left undone
SOON: Final = timedelta(seconds=30)
LONGEST: Final = 2000  # characters kept of one answer


@dataclass(frozen=True, slots=True)
class Replies:
    """Takes answers from the provider, and does what they say."""

    sessions: Sessions
    tenants: Tenants
    sealer: Sealer
    links: OptOutLinks
    numbers: Numbers
    senders: Senders
    actions: Actions
    clock: Callable[[], datetime]

    def check(self, settings: ReplySettings, given: str, body: bytes) -> None:
        """Raises `ReplyRefused` unless the tenant's provider has signed this body."""
        secret = self.senders.secret(settings.secret)
        right = secret
        if settings.scheme == "hmac-sha256":
            right = hmac.digest(secret.encode(), body, sha256).hex()
            given = given.removeprefix("sha256=").lower()
        if not secret or not hmac.compare_digest(right.encode(), given.encode()):
            raise ReplyRefused("not signed by the provider")

    def receive(self, tenant_id: str, number: str, text: str, provider_id: str) -> Meaning:
        """Keep one answer, once, and act on it. What a crash leaves undone, a job takes up."""
        tenant, now = self.tenants[tenant_id], self.clock()
        known = e164(number, tenant.messages.country) or number.strip()
        said, digest = text[:LONGEST], self.numbers.digest(tenant_id, known)
        row = Reply(
            tenant_id=tenant_id,
            provider_id=provider_id or sha256(f"{digest}|{said}|{now:%Y-%m-%dT%H:%M}".encode()).hexdigest(),
            at=now,
            address=digest,
            meaning=meaning_of(said).value,
            sealed=self.sealer.seal({"number": known, "text": said}, f"reply/{tenant_id}/{digest}"),
            needs="",
            urgent=False,
        )
        with self.sessions.begin() as session:
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:
                return Meaning(row.meaning)  # handed over twice: kept once
            enqueue(session, tenant_id, REPLIES, f"{REPLIES}/{tenant_id}", {}, run_at=now + SOON)
        self.handle_all(tenant_id)
        return Meaning(row.meaning)

    def handle_all(self, tenant_id: str) -> None:
        """Do what every answer says that nobody has dealt with, in the order in which they came."""
        with self.sessions() as session:
            query = (
                sa.select(Reply.id)
                .where(Reply.tenant_id == tenant_id, Reply.handled_at.is_(None))
                .order_by(Reply.id)
            )  # fmt: skip
            waiting = list(session.execute(query).scalars())
        for reply_id in waiting:
            self._handle(tenant_id, reply_id)

    # ------------------------------------------------------------ one answer

    def _handle(self, tenant_id: str, reply_id: int) -> None:
        """Each step may be taken twice without harm; the answer counts as handled when all are."""
        with self.sessions() as session:
            reply = row_of(session, Reply, tenant_id, reply_id)
            opened = open_reply(reply, self.sealer)
        act = {Meaning.STOP: self._stop, Meaning.START: self._start, Meaning.HELP: self._help}.get(
            Meaning(reply.meaning), self._for_a_person
        )
        needs = act(self.tenants[tenant_id], reply, opened["number"])
        with self.sessions.begin() as session:
            row = row_of(session, Reply, tenant_id, reply_id)
            row.needs, row.handled_at = needs, self.clock()
            row.urgent = names_a_symptom(opened["text"])
            row.needs = row.needs or ("unknown" if row.urgent else "")
            actor = self._actor(tenant_id)
            audit(session, actor, f"reply.{reply.meaning}", at=row.handled_at, subject=f"reply/{row.id}", needs=needs)

    def _stop(self, tenant: Tenant, reply: Reply, number: str) -> str:
        """Nothing more is sent to this number, and every referral that it was told about ends.

        Two patients may share a telephone. Nobody can tell which of them has spoken, and a referral that goes on after
        a no is worse than one that has to be asked for again: both end, and a person asks (decision 0051).
        """
        with self.sessions.begin() as session:
            stop = stop_of(session, tenant.id, reply.address)
            if stop is None:
                session.add(NumberStop(tenant_id=tenant.id, address=reply.address, stopped_at=reply.at))
            elif not stop.stands:
                stop.stopped_at, stop.confirmed_at = reply.at, None
        with self.sessions() as session:
            told = self._told(session, tenant, reply.address)
            ids = {one.id for one in told if one.is_open} | set(self._by_number(session, tenant, number))
            patients = {Referrals(session, tenant.id).get(one).patient_id for one in ids}
        for referral_id in sorted(ids):
            self.actions.opt_out(referral_id, actor=self._actor(tenant.id), now=self.clock(), via="sms")
        if len(patients) > 1:
            return "shared"
        return "" if ids or told else "nobody"

    def _start(self, tenant: Tenant, reply: Reply, number: str) -> str:
        """The one patient of this number comes back. Where there are several, a person asks which."""
        with self.sessions.begin() as session:
            stop = stop_of(session, tenant.id, reply.address)
            if stop is not None and stop.stands and stop.stopped_at <= reply.at:
                stop.started_at = reply.at
            told = self._told(session, tenant, reply.address)
            newest = {one.patient_id: one for one in sorted(told, key=lambda one: one.ordinal)}
        if len(newest) != 1:
            return "shared" if newest else "nobody"
        (referral,) = newest.values()
        if referral.is_open:
            return ""
        if referral.status is not State.OPTED_OUT:
            return "nobody"
        try:
            self.actions.come_back(referral.id, actor=self._actor(tenant.id), now=self.clock(), via="sms")
        except TransitionNotAllowed:
            return "nobody"
        return ""

    def _help(self, tenant: Tenant, reply: Reply, number: str) -> str:
        """How to reach us; once a day, and never to a number that has said STOP."""
        with self.sessions.begin() as session:
            stop = stop_of(session, tenant.id, reply.address)
            told = self._told(session, tenant, reply.address)
            if not told or (stop is not None and stop.stands):
                return "stopped" if told else "nobody"
            day = reply.at.astimezone(tenant.zone).date()
            write_notice(
                session, self.sealer, self.links, tenant, told[-1], f"{HELP}/{day}", at=self.clock(), channel="sms"
            )
        return ""

    def _for_a_person(self, tenant: Tenant, reply: Reply, number: str) -> str:
        return "unknown"

    # ------------------------------------------------------------ whose number

    def _told(self, session: Session, tenant: Tenant, address: str) -> list[Referral]:
        """The referrals that this number was told about, oldest first."""
        query = (
            sa.select(Referral)
            .join(Notice, sa.and_(Notice.referral_id == Referral.id, Notice.tenant_id == Referral.tenant_id))
            .join(Delivery, sa.and_(Delivery.notice_id == Notice.id, Delivery.tenant_id == Notice.tenant_id))
            .where(Referral.tenant_id == tenant.id, Delivery.address == address)
            .order_by(Referral.opened_at, Referral.id)
        )
        return list(session.execute(query).scalars().unique())

    def _by_number(self, session: Session, tenant: Tenant, number: str) -> list[UUID]:
        """Open referrals of patients who have this number on file, whether or not we have written to it."""
        query = sa.select(Referral.id, Referral.person).where(Referral.tenant_id == tenant.id, Referral.is_open)
        found = []
        for referral_id, sealed in session.execute(query):
            person: Mapping[str, Any] = self.sealer.open(sealed, f"referral/{referral_id}/person") if sealed else {}
            if e164(str(person.get("phone") or ""), tenant.messages.country) == number:
                found.append(referral_id)
        return found

    def _actor(self, tenant_id: str) -> Actor:
        return Actor(tenant_id, Role.PATIENT, "", "text message")


def open_reply(reply: Reply, sealer: Sealer) -> dict[str, str]:
    """Number and text of an answer."""
    return sealer.open(reply.sealed, f"reply/{reply.tenant_id}/{reply.address}")
