"""The navigator's outbox: what needs a person, the letter to print, and the buttons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fhirapp.messages.by_hand import ACTS, ByHand
from fhirapp.messages.channels import LETTER
from fhirapp.referrals.errors import ReferralNotFound, TransitionNotAllowed
from fhirapp.referrals.notices import Notice, NoticeState, word
from fhirapp.referrals.store import Referrals
from fhirapp.referrals.time_to_say_no import patient_time
from fhirapp.tenants import Tenant
from fhirapp.ui import outbox
from fhirapp.ui.messages import said_of
from fhirapp.ui.navigator_pages import Queue


@dataclass(frozen=True, slots=True)
class NoticeActs:
    """The routes below `/queue/<sid>/outbox`."""

    queue: Queue

    def show(self, sid: str) -> ResponseReturnValue:
        """The hospital's notices and the answers that somebody has to read."""
        page, tenant = self.queue.door.enter(sid)
        house = self.queue.house
        with house.sessions() as session:
            found = outbox.letters(session, house.sealer, tenant.id)
            replies = outbox.answers(session, house.sealer, tenant.id)
        self.queue.door.saw(page, "outbox", None, rows=len(found), answers=len(replies))
        return render_template(
            "outbox.html",
            **self.queue.frame(page, tenant),
            boxes=[(tenant, found)],
            answers=replies,
            message=said_of(request.args.get("said", "")),
        )

    def letter(self, sid: str, notice_id: int) -> ResponseReturnValue:
        """One notice as a letter, to be printed and put into an envelope with a window."""
        page, tenant = self.queue.door.enter(sid)
        house = self.queue.house
        with house.sessions.begin() as session:
            self._date(session, tenant, notice_id)
            found = outbox.letter_of(session, house.sealer, tenant.id, notice_id)
        if found is None:
            raise ReferralNotFound("no such notice")
        self.queue.door.saw(page, "letter", None, found.referral_id)
        return render_template("letter.html", **self.queue.frame(page, tenant), letter=found)

    def _date(self, session: Session, tenant: Tenant, notice_id: int) -> None:
        """A letter that has lain for days names the day that is right when it is printed."""
        house, now = self.queue.house, self.queue.house.clock()
        notice = session.execute(
            sa.select(Notice).where(Notice.tenant_id == tenant.id, Notice.id == notice_id)
        ).scalar_one_or_none()
        if notice is not None and notice.status is NoticeState.TO_PRINT:
            referral = Referrals(session, tenant.id).get(notice.referral_id)
            deadline = now + timedelta(days=tenant.messages.letter_days) + patient_time(referral, tenant)
            word(notice, house.sealer, house.links, tenant, referral, LETTER, deadline=deadline)

    def act(self, sid: str, notice_id: int, act: str) -> ResponseReturnValue:
        """A button of one notice."""
        page, _ = self.queue.door.enter(sid)
        if act not in ACTS:
            abort(404)
        house = self.queue.house
        try:
            ByHand(house.sessions, house.tenants).do(notice_id, act, actor=page.actor, now=house.clock())
        except TransitionNotAllowed:
            act = "moved"
        return redirect(url_for("navigator.outbox", sid=sid, said=f"notice-{act}"), 303)

    def answered(self, sid: str, reply_id: int) -> ResponseReturnValue:
        """Somebody has read an answer and done what it asks."""
        page, _ = self.queue.door.enter(sid)
        house = self.queue.house
        ByHand(house.sessions, house.tenants).dealt_with(reply_id, actor=page.actor, now=house.clock())
        return redirect(url_for("navigator.outbox", sid=sid, said="reply-done"), 303)
