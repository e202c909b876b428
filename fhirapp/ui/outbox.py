"""What we told patients, how far it has come, and what needs a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fhirapp.db.encrypted import Sealer
from fhirapp.messages.records import Delivery, Reply
from fhirapp.messages.replies import open_reply
from fhirapp.messages.texts import REFERRAL
from fhirapp.referrals.notices import NEEDS_A_PERSON, Notice, NoticeState, open_notice
from fhirapp.ui import headers
from fhirapp.ui.house import House
from fhirapp.ui.language import speak
from models.text import N_, Text

MOST: Final = 200

STATES: Final[Mapping[NoticeState, Text]] = {
    NoticeState.WAITING: N_("Waiting to be sent"),
    NoticeState.SENDING: N_("Being sent"),
    NoticeState.SENT: N_("Sent"),
    NoticeState.DOUBTFUL: N_("May have been sent"),
    NoticeState.TO_PRINT: N_("Letter to post"),
    NoticeState.POSTED: N_("Letter posted"),
    NoticeState.TO_PHONE: N_("Tell the patient by phone"),
    NoticeState.TOLD: N_("Told in person or by phone"),
    NoticeState.WITHDRAWN: N_("Not sent: no reason any more"),
}
KINDS: Final[Mapping[str, Text]] = {
    "referral": N_("Referral notice"),
    "opted-out": N_("Confirmation of the no"),
    "rejoin": N_("Confirmation of coming back"),
    "help": N_("How to reach us"),
}
CHANNELS: Final[Mapping[str, Text]] = {
    "email": N_("Email"),
    "sms": N_("Text message"),
    "letter": N_("Letter"),
    "outbox": N_("Outbox of the demonstration"),
}
WHY: Final[Mapping[str, Text]] = {
    "unknown": N_("We do not understand it. It counts neither as a yes nor as a no."),
    "shared": N_(
        "Several patients have this number. After STOP each of their referrals was stopped; ask each of them."
    ),
    "nobody": N_("We know no referral for this number."),
    "stopped": N_("This number has said STOP, so nothing was sent to it."),
}


@dataclass(frozen=True, slots=True)
class Letter:
    """One notice, opened."""

    id: int
    referral_id: UUID
    at: datetime
    kind: str
    kind_words: Text
    state: NoticeState
    state_words: Text
    channel: Text | None
    told_at: datetime | None
    trouble: str  # why a channel did not work, in our own words
    language: str  # of the words
    speaks: str  # of the patient
    phone: str
    to: str
    address: str
    subject: str
    paragraphs: tuple[tuple[str, ...], ...]  # each of lines; the link stands on a line of its own
    link: str
    lines: tuple[str, ...]  # of the address on paper

    @property
    def needs_a_person(self) -> bool:
        """True while somebody has to do something about it."""
        return self.state in NEEDS_A_PERSON


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a patient that a person has to read."""

    id: int
    at: datetime
    number: str
    text: str
    why: Text | None
    urgent: bool


def letters(session: Session, sealer: Sealer, tenant_id: str) -> list[Letter]:
    """The notices of one tenant: first those that need a person, the longest waiting first; then the newest."""
    needed = Notice.state.in_([state.value for state in NEEDS_A_PERSON])
    query = sa.select(Notice).where(Notice.tenant_id == tenant_id)
    first = session.execute(query.where(needed).order_by(Notice.at, Notice.id)).scalars().all()
    rest = session.execute(query.where(~needed).order_by(Notice.at.desc(), Notice.id.desc()).limit(MOST)).scalars()
    return _opened(session, sealer, tenant_id, [*first, *rest])


def letters_of(session: Session, sealer: Sealer, tenant_id: str, referral_id: UUID) -> list[Letter]:
    """The notices of one referral, newest first."""
    query = sa.select(Notice).where(Notice.tenant_id == tenant_id, Notice.referral_id == referral_id)
    return _opened(session, sealer, tenant_id, session.execute(query.order_by(Notice.id.desc())).scalars().all())


def letter_of(session: Session, sealer: Sealer, tenant_id: str, notice_id: int) -> Letter | None:
    """One notice; `None` when it is not there."""
    found = session.execute(
        sa.select(Notice).where(Notice.tenant_id == tenant_id, Notice.id == notice_id)
    ).scalar_one_or_none()
    return _opened(session, sealer, tenant_id, [found])[0] if found else None


def answers(session: Session, sealer: Sealer, tenant_id: str) -> list[Answer]:
    """The answers that nobody has dealt with: those that name a symptom first, then as they came."""
    query = (
        sa.select(Reply)
        .where(Reply.tenant_id == tenant_id, Reply.needs != "", Reply.done_at.is_(None))
        .order_by(Reply.urgent.desc(), Reply.id)
    )
    found = []
    for row in session.execute(query).scalars():
        opened = open_reply(row, sealer)
        found.append(Answer(row.id, row.at, opened["number"], opened["text"], WHY.get(row.needs), row.urgent))
    return found


def waiting_for_people(session: Session, tenant_id: str) -> int:
    """How many notices and answers need a person."""
    notices = sa.select(sa.func.count()).where(
        Notice.tenant_id == tenant_id, Notice.state.in_([state.value for state in NEEDS_A_PERSON])
    )
    replies = sa.select(sa.func.count()).where(Reply.tenant_id == tenant_id, Reply.needs != "", Reply.done_at.is_(None))
    return session.execute(notices).scalar_one() + session.execute(replies).scalar_one()


def _opened(session: Session, sealer: Sealer, tenant_id: str, rows: Sequence[Notice]) -> list[Letter]:
    query = sa.select(Delivery).where(
        Delivery.tenant_id == tenant_id, Delivery.notice_id.in_([row.id for row in rows]), Delivery.error.is_not(None)
    )
    troubles: dict[int, list[str]] = {}
    for delivery in session.execute(query.order_by(Delivery.id)).scalars():
        troubles.setdefault(delivery.notice_id, []).append(f"{delivery.channel}: {delivery.error}")
    return [_letter(row, sealer, "; ".join(troubles.get(row.id, ()))) for row in rows]


def _letter(notice: Notice, sealer: Sealer, trouble: str) -> Letter:
    opened = open_notice(notice, sealer)
    return Letter(
        id=notice.id,
        referral_id=notice.referral_id,
        at=notice.at,
        kind=notice.kind,
        kind_words=KINDS.get(notice.kind.partition("/")[0], KINDS[REFERRAL]),
        state=notice.status,
        state_words=STATES[notice.status],
        channel=CHANNELS.get(notice.channel),
        told_at=notice.told_at,
        trouble=trouble,
        language=str(opened.get("language") or notice.language),
        speaks=notice.language,
        phone=str(opened.get("phone") or ""),
        to=opened["to"],
        address=opened["address"],
        subject=opened["subject"],
        paragraphs=tuple(tuple(part.strip().splitlines()) for part in opened["body"].split("\n\n") if part.strip()),
        link=opened.get("link") or "",
        lines=tuple(opened.get("lines") or ()),
    )


def create_blueprint(house: House) -> Blueprint:
    """The route `/outbox`, in a demo only; elsewhere navigators have their own inside the queue."""
    bp = Blueprint("outbox", __name__)

    @bp.get("/outbox", endpoint="show")
    def show() -> ResponseReturnValue:
        if not house.config.demo:
            abort(404)
        headers.private()
        tenants = list(house.tenants.by_id.values())
        speak(request.accept_languages.values(), tenants[0].zone)
        with house.sessions() as session:
            boxes = [(tenant, letters(session, house.sealer, tenant.id)) for tenant in tenants]
        return render_template("outbox.html", boxes=boxes, answers=(), page=None)

    return bp
