"""What a navigator does to a referral: each button of its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from fhirapp.ehr.errors import EhrUnavailable
from fhirapp.referrals.contact import CHANNELS, OUTCOMES, not_yet
from fhirapp.referrals.errors import HoldOpen, ReferralNotFound, TransitionNotAllowed
from fhirapp.referrals.navigating import least_supervision
from fhirapp.referrals.referral import Actor
from fhirapp.referrals.status import Action, Role, State
from fhirapp.tenants import Tenant
from fhirapp.ui.desk import Desk, Row
from fhirapp.ui.messages import SAID, Message
from fhirapp.ui.moves import SURE, chosen
from fhirapp.ui.navigator_pages import CLOSING, Queue
from fhirapp.ui.questions import answers_in, response_of
from fhirapp.ui.session import Page
from models.text import N_

LOOK_FIRST: Final = frozenset({Action.ENROL, Action.RESUME})  # the chart speaks before the sessions do


@dataclass(frozen=True, slots=True)
class Act:
    """One press of a button: where, who, on what."""

    page: Page
    tenant: Tenant
    row: Row
    now: datetime

    @property
    def id(self) -> UUID:
        """The referral."""
        return self.row.referral.id

    @property
    def actor(self) -> Actor:
        """The navigator."""
        return self.page.actor


@dataclass(frozen=True, slots=True)
class Acts:
    """The buttons. Each method returns the code of what to say next."""

    queue: Queue

    def do(self, sid: str, referral_id: UUID, act: str) -> ResponseReturnValue:
        """Do it, and show the referral again."""
        methods: Mapping[str, Callable[[Act], str]] = {
            "claim": self.claim,
            "attempt": self.attempt,
            "answers": self.answers,
            "judge": self.judge,
            "offer": self.offer,
            "programme": self.programme,
            "give-up": self.give_up,
            "close": self.close,
            "move": self.move,
            "again": self.again,
            "leave": self.leave,
        }
        page, tenant = self.queue.door.enter(sid)
        if act not in methods:
            abort(404)
        now = self.queue.house.clock()
        this = Act(page, tenant, self._row(page, tenant, referral_id, now), now)
        try:
            code = methods[act](this)
        except TransitionNotAllowed:
            return self._again(this, self._who_was_faster(this, act), 409)
        except HoldOpen as refused:
            return self._again(this, SAID[refused.why if refused.why != "hold" else "held"], 409)
        if code in ("unanswered", "choose", "not-yet", "supervision"):
            unanswered = answers_in(request.form).missing if code == "unanswered" else ()
            return self._again(this, SAID[code], 422, unanswered)
        return redirect(url_for("navigator.referral", sid=sid, referral_id=referral_id, said=code), 303)

    # ------------------------------------------------------------ buttons

    def claim(self, act: Act) -> str:
        """Take it."""
        self.queue.house.actions.claim(act.id, actor=act.actor, now=act.now)
        return "claimed"

    def attempt(self, act: Act) -> str:
        """Log one try to reach the patient."""
        channel, outcome = request.form.get("channel", ""), request.form.get("outcome", "")
        if channel not in CHANNELS or outcome not in OUTCOMES:
            return "choose"
        self.queue.house.actions.log_attempt(
            act.id,
            channel=channel,
            outcome=outcome,
            note=request.form.get("note", "").strip()[:500],
            next_at=_local_moment(request.form.get("next_at", ""), act.tenant),
            actor=act.actor,
            now=act.now,
        )
        return "attempt"

    def answers(self, act: Act) -> str:
        """Keep the six answers and have the chart judged again with them; a yes is told at once in any case."""
        house, answers = self.queue.house, answers_in(request.form)
        if answers.missing:
            return "unanswered"
        patient_id, local = act.row.referral.patient_id, act.now.astimezone(act.tenant.zone)
        resource = response_of(answers, patient_id=patient_id, author=act.actor.reference, at=local)
        house.actions.keep_answers(act.id, resource, actor=act.actor, now=act.now)
        said = "answers-yes" if answers.positive else "answers-no"
        try:
            house.windows.reassess(act.tenant.id, act.id, occasion="safety questions")
        except EhrUnavailable:
            return "answers-yes-unjudged" if answers.positive else "answers-unjudged"
        return said

    def judge(self, act: Act) -> str:
        """Read the chart again."""
        try:
            self.queue.house.windows.reassess(act.tenant.id, act.id, occasion="navigator asked")
        except EhrUnavailable:
            return "no-answer"
        return "judged"

    def offer(self, act: Act) -> str:
        """Ask a programme, from a chart read for it: what was kept or measured since must speak first."""
        house, chosen = self.queue.house, request.form.get("programme", "")
        site = act.tenant.programme(chosen)
        if site is None:
            return "choose"
        try:
            referral = house.windows.reassess(act.tenant.id, act.id, occasion="before the offer")
        except EhrUnavailable:
            return "no-answer"
        if referral.verdict_holds:
            raise HoldOpen("hold")
        with house.sessions() as session:
            if site.supervision < least_supervision(session, act.tenant, referral):
                return "supervision"
        house.actions.offer(act.id, chosen, actor=act.actor, now=act.now)
        return "offered"

    def programme(self, act: Act) -> str:
        """What the programme said."""
        words = {"accept": Action.ACCEPT, "reject": Action.REJECT, "waitlist": Action.WAITLIST}
        said = request.form.get("said", "")
        if said not in words:
            return "choose"
        self.queue.house.actions.answer_of_programme(act.id, words[said], actor=act.actor, now=act.now)
        return said

    def give_up(self, act: Act) -> str:
        """Enough was tried."""
        if not_yet(act.row.attempts, act.now, act.tenant.zone):
            return "not-yet"
        self.queue.house.actions.give_up(act.id, actor=act.actor, now=act.now)
        return "gave-up"

    def close(self, act: Act) -> str:
        """End it with a coded reason."""
        code = request.form.get("reason", "")
        if code not in CLOSING:
            return "choose"
        self.queue.house.actions.close(act.id, code, actor=act.actor, now=act.now)
        return "closed"

    def move(self, act: Act) -> str:
        """One move of the time in a programme, by the navigator or on the programme's word."""
        role = Role.PROGRAMME if request.form.get("by") == Role.PROGRAMME.value else Role.NAVIGATOR
        referral, why = act.row.referral, request.form.get("why", "")
        wanted = chosen(role, referral.status, request.form.get("move", ""), why, sure=SURE in request.form)
        if wanted is None:
            return "choose"
        if wanted.action in LOOK_FIRST:
            try:
                self.queue.house.windows.reassess(act.tenant.id, act.id, occasion="before the sessions")
            except EhrUnavailable:
                return "no-answer"
        actor = replace(act.actor, role=role)
        word = Role.PROGRAMME.value if role is Role.PROGRAMME else ""
        self.queue.house.actions.carry_on(
            act.id, wanted.action, actor=actor, now=act.now, why=why if wanted.choose else "", on_word_of=word
        )
        return f"move-{wanted.action.value}"

    def again(self, act: Act) -> str:
        """The patient wants to be referred again after a no, and has said so to the navigator."""
        actor = replace(act.actor, role=Role.PATIENT)
        self.queue.house.actions.come_back(act.id, actor=actor, now=act.now)
        return "again"

    def leave(self, act: Act) -> str:
        """What could be offered at once was offered, or is left."""
        self.queue.house.actions.settle_reason(act.id, actor=act.actor, now=act.now)
        return "left"

    # ------------------------------------------------------------ inside

    def _row(self, page: Page, tenant: Tenant, referral_id: UUID, now: datetime) -> Row:
        house = self.queue.house
        with house.sessions() as session:
            return Desk(session, tenant, house.sealer, page.row.fhir_user or "").row(referral_id, now)

    def _again(self, act: Act, message: Message, status: int, unanswered: tuple[str, ...] = ()) -> ResponseReturnValue:
        shown = self.queue.shown(act.page, act.tenant, act.id, message=message, unanswered=unanswered)
        return shown, status

    def _who_was_faster(self, act: Act, button: str) -> Message:
        """For a claim that came second: who took it, and since when."""
        try:
            referral = self._row(act.page, act.tenant, act.id, act.now).referral
        except ReferralNotFound:
            return SAID["moved"]
        if button != "claim" or referral.status is not State.CONTACTING or referral.owner is None:
            return SAID["moved"]
        who = referral.owner_display or referral.owner
        since = referral.state_since.astimezone(act.tenant.zone)
        return replace(
            SAID["moved"], text=N_("{who} took it at {time}. It is theirs now.", who=who, time=f"{since:%H:%M}")
        )


def _local_moment(value: str, tenant: Tenant) -> datetime | None:
    """A day or a moment typed in the hospital's zone; nothing for what is no date or lies absurdly far away."""
    try:
        typed = datetime.fromisoformat(value)
    except ValueError:
        return None
    local = typed if typed.tzinfo else typed.replace(tzinfo=tenant.zone)
    return local if 2000 < local.year < 2100 else None
