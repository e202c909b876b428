"""The navigators' queue and the page of one referral."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from fhirapp.referrals.actions import may_ask_again
from fhirapp.referrals.contact import CHANNELS, NEEDED, OUTCOMES, after, not_yet, tried_today
from fhirapp.referrals.navigating import REASON_SETTLED
from fhirapp.referrals.reasons import CLOSING_CHOICES, REASONS
from fhirapp.referrals.referral import Referral, ReferralEvent
from fhirapp.referrals.status import CLOSED, LABELS, Action, Role, State, actions_for
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant
from fhirapp.ui import outbox
from fhirapp.ui.access import Door
from fhirapp.ui.alarm_lines import shown_alarms
from fhirapp.ui.desk import FILTERS, Desk, Row, caps_of, findings_of, shown, stop_rules_of
from fhirapp.ui.ehr_questions import HELD_BY, shown_questions
from fhirapp.ui.history import lines_of
from fhirapp.ui.house import House
from fhirapp.ui.messages import Message, said_of
from fhirapp.ui.moves import moves_for
from fhirapp.ui.programmes import choices_of
from fhirapp.ui.questions import WORDS
from fhirapp.ui.session import Page
from fhirapp.ui.ways import ways_open
from fhirapp.write_back.conflicts import Conflicts
from models.findings import Effect
from models.text import Text

CLOSING: Final = (*CLOSING_CHOICES, "OO-DIED")
LEAF: Final = 100  # rows


@dataclass(frozen=True, slots=True)
class Leaf:
    """One screenful of the list."""

    rows: list[Row]
    number: int
    of_all: int

    @classmethod
    def of(cls, rows: list[Row], asked: str) -> Leaf:
        """The leaf that was asked for, the nearest one there is for any other."""
        count = max(1, -(-len(rows) // LEAF))
        number = min(max(int(asked) if asked.isdecimal() and len(asked) < 6 else 1, 1), count)
        return cls(rows[(number - 1) * LEAF : number * LEAF], number, count)


@dataclass(frozen=True, slots=True)
class Queue:
    """The routes that show; what changes something is in `navigator_acts.py`."""

    house: House
    door: Door

    def list_(self, sid: str) -> ResponseReturnValue:
        """Everything that waits for a navigator."""
        page, tenant = self.door.enter(sid)
        now, which = self.house.clock(), request.args.get("show", "all")
        which = which if which in FILTERS else "all"
        with self.house.sessions() as session:
            rows = Desk(session, tenant, self.house.sealer, page.row.fhir_user or "").rows(now)
            alarms = shown_alarms(session, tenant, self.house.sealer)
            people = outbox.waiting_for_people(session, tenant.id)
            looks = shown_questions(session, tenant, self.house.sealer)
            disagreements = Conflicts(session, tenant.id, self.house.sealer).count()
            ways = ways_open(session, tenant.id, self.house.sealer, now)
        leaf = Leaf.of(shown(rows, which), request.args.get("page", "1"))
        self.door.saw(page, "queue", None, referrals=[str(row.referral.id) for row in leaf.rows])
        return render_template(
            "queue.html",
            **self.frame(page, tenant),
            leaf=leaf,
            counts={name: len(shown(rows, name)) for name in FILTERS},
            overdue=sum(row.overdue for row in shown(rows, "all")),
            filters=FILTERS,
            which=which,
            alarms=alarms,
            people=people,
            looks=looks,
            disagreements=disagreements,
            ways=ways,
            needed=NEEDED,
            labels=LABELS,
            channels=CHANNELS,
            outcomes=OUTCOMES,
            message=said_of(request.args.get("said", "")),
        )

    def referral(self, sid: str, referral_id: UUID) -> ResponseReturnValue:
        """One referral with everything that can be done."""
        page, tenant = self.door.enter(sid)
        return self.shown(page, tenant, referral_id, message=said_of(request.args.get("said", "")))

    def frame(self, page: Page, tenant: Tenant) -> dict[str, Any]:
        """What every page of the queue shows."""
        return {
            "page": page,
            "tenant": tenant,
            "form_token": self.door.token_of_form(page),
            "now": self.house.clock().astimezone(tenant.zone),
        }

    def shown(
        self,
        page: Page,
        tenant: Tenant,
        referral_id: UUID,
        *,
        message: Message | None = None,
        unanswered: tuple[str, ...] = (),
    ) -> str:
        """The page of one referral, with what has just happened on top."""
        now = self.house.clock()
        with self.house.sessions() as session:
            row = Desk(session, tenant, self.house.sealer, page.row.fhir_user or "").row(referral_id, now)
            events = Referrals(session, tenant.id).history(referral_id)
            notices = outbox.letters_of(session, self.house.sealer, tenant.id, referral_id)
            alarms = shown_alarms(session, tenant, self.house.sealer, referral_id)
            looks = shown_questions(session, tenant, self.house.sealer, referral_id)
        referral, attempts = row.referral, row.attempts
        self.door.saw(page, "referral", referral.patient_id, referral.id)
        can = actions_for(referral.status, Role.NAVIGATOR)
        return render_template(
            "referral.html",
            **self.frame(page, tenant),
            row=row,
            referral=referral,
            can={action.value for action in can},
            own_moves=moves_for(referral.status, Role.NAVIGATOR),
            programme_moves=moves_for(referral.status, Role.PROGRAMME),
            may_ask=may_ask_again(referral, Role.PATIENT),
            way=way_round(referral, events),
            closed=referral.status in CLOSED,
            labels=LABELS,
            given=request.form,
            step=next_step(row, now),
            findings=findings_of(referral.summary),
            holds=findings_of(referral.summary, at_least=Effect.HOLD),
            caps=caps_of(referral.summary),
            stops=stop_rules_of(referral.summary),
            questions=WORDS,
            unanswered=unanswered,
            choices=choices_of(tenant, referral.summary),
            programme=tenant.programme(referral.programme or ""),
            channels=CHANNELS,
            outcomes=OUTCOMES,
            notes={attempt.id: self._note(attempt.note, referral_id) for attempt in attempts},
            advice=after(attempts[-1].outcome) if attempts and referral.status is State.CONTACTING else None,
            lacking=not_yet(attempts, now, tenant.zone),
            tried_today=tried_today(attempts, now, tenant.zone),
            needed=NEEDED,
            closing=[(code, REASONS[code].label) for code in CLOSING],
            reasons=REASONS,
            history=lines_of(events),
            notices=notices,
            alarms=alarms,
            looks=looks,
            held_by=HELD_BY.get(referral.held_by or ""),
            message=message,
        )

    def _note(self, sealed: str | None, referral_id: UUID) -> str:
        return str(self.house.sealer.open(sealed, f"attempt/{referral_id}")["note"]) if sealed else ""


def next_step(row: Row, now: Any) -> str:
    """The first thing to do, as the name of the section that does it."""
    state = row.referral.status
    if row.held:
        return "held"
    if state in CLOSED:
        return "closed"
    if Action.CLAIM in actions_for(state, Role.NAVIGATOR):
        return "claim"
    if row.needs_answers:
        return "ask"
    if row.clearance_open(now):
        return "clearance"
    return {
        State.CONTACTING: "offer",
        State.REJECTED: "offer",
        State.OFFERED: "answer",
        State.WAITLISTED: "answer",
        State.BOOKED: "booked",
        State.TRANSFERRED: "offer",
        State.BASELINE_DONE: "begins",
        State.ENROLLED: "started",
        State.PAUSED: "started",
    }.get(state, "wait")


def way_round(referral: Referral, events: Iterable[ReferralEvent]) -> Text | None:
    """What may be offered at once after a no, since it takes the reason away; `None` once somebody has seen to it.

    Source: pathway.md section 4, rows "at once".
    """
    reason = REASONS.get(referral.reason_code or "")
    if referral.is_open or reason is None or any(event.action == REASON_SETTLED for event in events):
        return None
    return reason.way
