"""What a patient is told about a referral: one notice each, its words sealed, and whether it has reached them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.alarms.raising import CLOCK
from fhirapp.db.base import Base, Moment
from fhirapp.db.encrypted import Sealer
from fhirapp.i18n import ENGLISH, PATIENTS, gettext_for
from fhirapp.messages.settings import OUTBOX
from fhirapp.messages.texts import IN_HOSPITAL, REFERRAL, SOMEBODY, Worded, in_full, in_short
from fhirapp.referrals.judging import PATIENT_WINDOW, enqueue_for, write_back_soon
from fhirapp.referrals.links import OptOutLink, OptOutLinks
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.status import State
from fhirapp.referrals.time_to_say_no import patient_time, waits_for_discharge
from fhirapp.tenants import Tenant

NOTICE: Final = "notice"  # the kind of the job that delivers what waits
LINK_LIVES: Final = timedelta(days=365)  # opting out stays possible long after the window


class NoticeState(StrEnum):
    """How far a notice has come."""

    WAITING = "waiting"  # for its job, or for the next try
    SENDING = "sending"  # announced: a message may be on its way
    SENT = "sent"  # a provider has it
    DOUBTFUL = "doubtful"  # may have been sent: not repeated by itself
    TO_PRINT = "to-print"  # a letter that somebody has to post
    POSTED = "posted"
    TO_PHONE = "to-phone"  # no channel is left: somebody has to tell the patient
    TOLD = "told"  # somebody has
    WITHDRAWN = "withdrawn"  # there was no reason to send it any more


CERTAIN: Final = (NoticeState.SENT, NoticeState.POSTED, NoticeState.TOLD, NoticeState.WITHDRAWN)
NEEDS_A_PERSON: Final = frozenset({NoticeState.DOUBTFUL, NoticeState.TO_PRINT, NoticeState.TO_PHONE})


class Notice(Base):
    """One message to one patient. Recipient and text are sealed; an outbox page or a sender opens them."""

    __tablename__ = "notice"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "referral_id", "kind"),
        sa.Index("ix_notice_state", "tenant_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"))
    kind: Mapped[str]  # "referral", "opted-out", "rejoin", "help/2026-11-26"
    at: Mapped[datetime] = mapped_column(Moment)
    language: Mapped[str]  # the patient's
    channel: Mapped[str]  # as it went or is to go; "": the first that the hospital allows
    state: Mapped[str] = mapped_column(default=NoticeState.WAITING.value)
    told_at: Mapped[datetime | None] = mapped_column(Moment)  # from when the patient can have known
    code: Mapped[str | None] = mapped_column(index=True)  # digest of its short link
    sealed: Mapped[str] = mapped_column(sa.Text)  # {"to", "address", "subject", "body", "link", "lines"}

    @property
    def status(self) -> NoticeState:
        """The state as a word of the table."""
        return NoticeState(self.state)


def write_notice(
    session: Session,
    sealer: Sealer,
    links: OptOutLinks,
    tenant: Tenant,
    referral: Referral,
    kind: str,
    *,
    at: datetime,
    channel: str = "",
) -> None:
    """Write a notice, once for each referral and kind, and have it delivered; in the caller's transaction.

    `channel`: where the patient has just spoken to us, and so is answered.
    """
    known = session.execute(
        sa.select(Notice.state).where(
            Notice.tenant_id == tenant.id, Notice.referral_id == referral.id, Notice.kind == kind
        )
    ).scalar_one_or_none()
    if known is not None:
        if known == NoticeState.WAITING:  # it was kept back while the referral was held
            enqueue_for(session, referral, NOTICE, at)
        return
    link = OptOutLink(tenant.id, referral.id)
    notice = Notice(
        tenant_id=tenant.id,
        referral_id=referral.id,
        kind=kind,
        at=at,
        language=language_of(tenant, person_of(referral, sealer)),
        channel=channel,
        state=NoticeState.WAITING.value,
        code=links.digest(links.code(link)) if kind == REFERRAL else None,
    )
    word(notice, sealer, links, tenant, referral, "email", deadline=referral.patient_deadline or at)
    session.add(notice)
    if tenant.messages.channels == (OUTBOX,):  # our own page: it is delivered by this very transaction
        notice.channel, notice.state = OUTBOX, NoticeState.SENT.value
        told(session, tenant, referral, notice, at)
        write_back_soon(session, referral, at)
    else:
        enqueue_for(session, referral, NOTICE, at)


def ended_notices(session: Session, tenant_id: str, referral_id: UUID) -> tuple[Notice, ...]:
    """The notices of a referral of which it is certain that they reached somebody, or that nobody was to be told."""
    query = sa.select(Notice).where(
        Notice.tenant_id == tenant_id,
        Notice.referral_id == referral_id,
        Notice.state.in_([state.value for state in CERTAIN]),
    )
    return tuple(session.execute(query.order_by(Notice.id)).scalars())


def word(
    notice: Notice,
    sealer: Sealer,
    links: OptOutLinks,
    tenant: Tenant,
    referral: Referral,
    channel: str,
    *,
    deadline: datetime,
) -> Mapping[str, Any]:
    """Put the notice into words for a channel; returns them, as they are sealed with it."""
    person = person_of(referral, sealer)
    link = OptOutLink(tenant.id, referral.id)
    by_hand = channel in ("sms", "letter")  # a person may have to type it
    url = links.short_url(link) if by_hand else links.url(link, notice.at + LINK_LIVES)
    contact = tenant.exercise_service
    reach = ", ".join(filter(None, (contact.phone, contact.email))) or tenant.name

    def values(language: str) -> Mapping[str, str]:
        return {
            "name": person.get("name") or gettext_for(language, PATIENTS)(SOMEBODY.msgid),
            "hospital": tenant.name,
            "day": day_in(language, deadline.astimezone(tenant.zone)),
            "link": url,
            "contact": reach,
            "phone": contact.phone or reach,
        }

    kind = IN_HOSPITAL if notice.kind == REFERRAL and waits_for_discharge(referral, tenant) else notice.kind
    worded = _worded(notice, kind, channel, tenant, bool(person.get("interpreter")), values)
    said = {
        "to": person.get("name") or values(ENGLISH)["name"],
        "address": _address(person, channel),
        "subject": worded.subject,
        "body": worded.body,
        "link": url if notice.kind == REFERRAL else "",
        "lines": person.get("address") or [],
        "phone": str(person.get("phone") or ""),
        "language": worded.language,
    }
    notice.sealed = sealer.seal(said, f"notice/{referral.id}/{notice.kind}")
    return said


def _worded(notice: Notice, kind: str, channel: str, tenant: Tenant, interpreter: bool, values: Any) -> Worded:
    if channel == "sms":
        return in_short(kind, notice.language, values)
    return in_full(kind, notice.language, tenant.messages, values, interpreter=interpreter)


def _address(person: Mapping[str, Any], channel: str) -> str:
    if channel == "sms":
        return str(person.get("phone") or "")
    return str(person.get("email") or person.get("phone") or "")


def told(session: Session, tenant: Tenant, referral: Referral, notice: Notice, at: datetime) -> None:
    """Keep from when the patient can have known, and let their time to say no run from there."""
    notice.told_at = at
    if notice.kind == REFERRAL and referral.status is State.OPT_OUT_OPEN:
        referral.patient_deadline = at + patient_time(referral, tenant)
        enqueue_for(session, referral, PATIENT_WINDOW, referral.patient_deadline)
        enqueue_for(session, referral, CLOCK, at)  # an alarm that they were not told falls silent


def withdraw(session: Session, referral: Referral) -> None:
    """Nobody need be told any more of a referral that has ended; of somebody who has died, nothing at all."""
    query = sa.select(Notice).where(
        Notice.tenant_id == referral.tenant_id,
        Notice.referral_id == referral.id,
        Notice.state.in_([state.value for state in NEEDS_A_PERSON]),
    )
    for notice in session.execute(query).scalars():
        if notice.kind == REFERRAL or referral.status is State.DEPARTED:
            notice.state = NoticeState.WITHDRAWN.value


def day_in(language: str, moment: datetime) -> str:
    """The day as people write it in a language, `2 December 2026`; in English for one that we do not know."""
    try:
        locale = Locale("en", "GB") if language == ENGLISH else Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        locale = Locale("en", "GB")
    return format_date(moment.date(), "d MMMM y", locale=locale)


def open_notice(notice: Notice, sealer: Sealer) -> dict[str, Any]:
    """The recipient and text of a notice."""
    return sealer.open(notice.sealed, f"notice/{notice.referral_id}/{notice.kind}")


def language_of(tenant: Tenant, person: Mapping[str, Any]) -> str:
    """The patient's language, else the hospital's."""
    return str(person.get("language") or tenant.language)


def person_of(referral: Referral, sealer: Sealer) -> dict[str, Any]:
    """Name and contact of the patient as last read; empty when they were never read."""
    if referral.person is None:
        return {}
    return sealer.open(referral.person, f"referral/{referral.id}/person")
