"""What we tell a patient, and the outbox it waits in. Nothing clinical stands in a notice (pathway.md step 10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment
from fhirapp.db.encrypted import Sealer
from fhirapp.i18n import gettext_for
from fhirapp.referrals.links import OptOutLink, OptOutLinks
from fhirapp.referrals.referral import Referral
from fhirapp.tenants import Tenant
from models.text import N_

LINK_LIVES: Final = timedelta(days=365)  # opting out stays possible long after the window


class Notice(Base):
    """One message to one patient. Recipient and text are sealed; an outbox page or a sender opens them."""

    __tablename__ = "notice"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "referral_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"))
    kind: Mapped[str]  # "referral", "opted-out"
    at: Mapped[datetime] = mapped_column(Moment)
    language: Mapped[str]
    channel: Mapped[str]  # "outbox": to be read or printed there
    sealed: Mapped[str] = mapped_column(sa.Text)  # {"to", "address", "subject", "body"}


SUBJECT: Final = N_("{hospital}: an exercise programme for you")
BODY: Final = N_(
    "Dear {name},\n\n"
    "your care team at {hospital} has referred you to our exercise service. Exercise that fits you can help you "
    "during and after treatment. It costs you nothing to talk to us.\n\n"
    "You need do nothing. An exercise navigator will contact you after {day}.\n\n"
    "You do not want this? One step is enough, and you need give no reason:\n{link}\n\n"
    "Your other care stays exactly the same, whatever you choose. You can change your mind at any time.\n"
    "Questions: {contact}"
)
OPTED_OUT_SUBJECT: Final = N_("{hospital}: we have stopped your referral")
OPTED_OUT_BODY: Final = N_(
    "Dear {name},\n\n"
    "we have stopped your referral to the exercise service. Nobody will contact you about it, and your other care "
    "stays exactly the same.\n\n"
    "Should you change your mind, tell your care team or call {contact}."
)


def write_notice(
    session: Session, sealer: Sealer, links: OptOutLinks, tenant: Tenant, referral: Referral, kind: str, *, at: datetime
) -> None:
    """Put a notice into the outbox, once for each referral and kind, in the caller's transaction."""
    known = sa.select(Notice.id).where(
        Notice.tenant_id == tenant.id, Notice.referral_id == referral.id, Notice.kind == kind
    )
    if session.execute(known).first():
        return
    person = person_of(referral, sealer)
    language = str(person.get("language") or tenant.language)
    gettext = gettext_for(language)
    deadline = referral.patient_deadline or at
    link = links.url(OptOutLink(tenant.id, referral.id), at + LINK_LIVES)
    contact = ", ".join(filter(None, (tenant.exercise_service.phone, tenant.exercise_service.email))) or tenant.name
    values = {
        "name": person.get("name") or gettext("patient"),
        "hospital": tenant.name,
        "day": day_in(language, deadline.astimezone(tenant.zone)),
        "link": link,
        "contact": contact,
    }
    subject, body = (SUBJECT, BODY) if kind == "referral" else (OPTED_OUT_SUBJECT, OPTED_OUT_BODY)
    notice = {
        "to": values["name"],
        "address": person.get("email") or person.get("phone") or "",
        "subject": gettext(subject.msgid).format(**values),
        "body": gettext(body.msgid).format(**values),
        "link": link if kind == "referral" else "",
    }
    session.add(
        Notice(
            tenant_id=tenant.id,
            referral_id=referral.id,
            kind=kind,
            at=at,
            language=language,
            channel="outbox",
            sealed=sealer.seal(notice, f"notice/{referral.id}/{kind}"),
        )
    )


def day_in(language: str, moment: datetime) -> str:
    """The day as people write it in a language, `2 December 2026`; in English for one that we do not know."""
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en", "GB")
    return format_date(moment.date(), "d MMMM y", locale=locale)


def open_notice(notice: Notice, sealer: Sealer) -> dict[str, str]:
    """The recipient and text of a notice."""
    return sealer.open(notice.sealed, f"notice/{notice.referral_id}/{notice.kind}")


def person_of(referral: Referral, sealer: Sealer) -> dict[str, str]:
    """Name and contact of the patient as last read; empty when they were never read."""
    if referral.person is None:
        return {}
    return sealer.open(referral.person, f"referral/{referral.id}/person")
