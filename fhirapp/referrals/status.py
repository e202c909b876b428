"""The life of a referral: its states and who may move it; one table for pages, API, worker and tests.

Source: pathway.md section 5 (S0-S22, SX).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.text import N_, Text


class State(StrEnum):
    """A word for each state of pathway.md section 5; the comment is its number there."""

    IDENTIFIED = "identified"  # S0
    INELIGIBLE = "ineligible"  # S1
    INCOMPLETE = "incomplete"  # S2
    HELD = "held"  # S3
    CLEARANCE_PENDING = "clearance_pending"  # S4
    PROPOSED = "proposed"  # S5
    OPT_OUT_OPEN = "opt_out_open"  # S6
    DECLINED = "declined"  # S7
    OPTED_OUT = "opted_out"  # S8
    QUEUED = "queued"  # S9
    CONTACTING = "contacting"  # S10
    UNREACHABLE = "unreachable"  # S11
    OFFERED = "offered"  # S12
    BOOKED = "booked"  # S13
    REJECTED = "rejected"  # S14
    WAITLISTED = "waitlisted"  # S15
    BASELINE_DONE = "baseline_done"  # S16
    ENROLLED = "enrolled"  # S17
    PAUSED = "paused"  # S18
    TRANSFERRED = "transferred"  # S19
    COMPLETED = "completed"  # S20
    DISCONTINUED = "discontinued"  # S21
    DEPARTED = "departed"  # S22
    ERROR = "error"  # SX


NUMBER: Final[Mapping[State, str]] = {
    state: "SX" if state is State.ERROR else f"S{number}" for number, state in enumerate(State)
}


class Role(StrEnum):
    """Who acts. Source: pathway.md section 7."""

    SERVICE = "service"
    CLINICIAN = "clinician"
    PATIENT = "patient"
    NAVIGATOR = "navigator"
    PROGRAMME = "programme"


class Action(StrEnum):
    """What can be done to a referral."""

    ASSESS = "assess"  # the rules have spoken: incomplete, held, clearance pending or proposed
    SIGN = "sign"  # by a clinician
    SIGN_BY_STANDING_ORDER = "sign_by_standing_order"
    DECLINE = "decline"
    OPT_OUT = "opt_out"
    REJOIN = "rejoin"
    ENTER_QUEUE = "enter_queue"
    CLAIM = "claim"
    SUSPEND = "suspend"  # a clinician has put it on hold, or nobody knows whose record it is
    GIVE_UP = "give_up"  # contact attempts exhausted
    OFFER = "offer"
    ACCEPT = "accept"
    REJECT = "reject"
    WAITLIST = "waitlist"
    BACK_TO_CONTACT = "back_to_contact"
    BASELINE = "baseline"
    ENROL = "enrol"
    PAUSE = "pause"
    RESUME = "resume"
    TRANSFER = "transfer"
    COMPLETE = "complete"
    DISCONTINUE = "discontinue"
    DEPART = "depart"  # died, or left the area
    MARK_ERROR = "mark_error"


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed move."""

    action: Action
    source: State
    target: State
    roles: frozenset[Role]


S, R, A = State, Role, Action

OPEN: Final = frozenset(
    {
        S.INCOMPLETE, S.HELD, S.CLEARANCE_PENDING, S.PROPOSED, S.OPT_OUT_OPEN, S.QUEUED, S.CONTACTING,
        S.UNREACHABLE, S.OFFERED, S.BOOKED, S.REJECTED, S.WAITLISTED, S.BASELINE_DONE, S.ENROLLED, S.PAUSED,
        S.TRANSFERRED,
    }
)  # fmt: skip
CLOSED: Final = frozenset(State) - OPEN - {S.IDENTIFIED}
BEFORE_RELEASE: Final = frozenset({S.INCOMPLETE, S.HELD, S.CLEARANCE_PENDING, S.PROPOSED})
RELEASED: Final = OPEN - BEFORE_RELEASE
RESUMABLE: Final = RELEASED - {S.OPT_OUT_OPEN, S.TRANSFERRED}
STARTED: Final = frozenset({S.BASELINE_DONE, S.ENROLLED, S.PAUSED})  # the programme has the patient
NEEDS_NO_HOLD: Final = frozenset({S.OPT_OUT_OPEN, S.QUEUED, S.OFFERED, S.ENROLLED})
NEEDS_ANSWERS: Final = frozenset({S.OFFERED, S.ENROLLED})


def _rows() -> tuple[Transition, ...]:
    rows: list[Transition] = []

    def allow(action: Action, sources: object, target: State, *roles: Role) -> None:
        for source in sorted(sources if isinstance(sources, (set, frozenset)) else {sources}):
            rows.append(Transition(action, State(source), target, frozenset(roles)))

    judged = {S.IDENTIFIED, S.INCOMPLETE, S.HELD, S.CLEARANCE_PENDING, S.PROPOSED}
    for verdict_state in (S.INCOMPLETE, S.HELD, S.CLEARANCE_PENDING, S.PROPOSED):
        allow(A.ASSESS, judged, verdict_state, R.SERVICE)
    allow(A.ASSESS, RELEASED, S.HELD, R.SERVICE)
    allow(A.ASSESS, judged, S.INELIGIBLE, R.SERVICE)
    allow(A.SUSPEND, OPEN - {S.HELD}, S.HELD, R.CLINICIAN, R.SERVICE)
    for back_to in sorted(RESUMABLE | {S.OPT_OUT_OPEN}):  # what a hold has interrupted goes on where it was
        allow(A.SIGN, {S.PROPOSED, S.CLEARANCE_PENDING}, back_to, R.CLINICIAN)
    allow(A.SIGN_BY_STANDING_ORDER, S.PROPOSED, S.OPT_OUT_OPEN, R.SERVICE)
    allow(A.DECLINE, OPEN, S.DECLINED, R.CLINICIAN)
    allow(A.OPT_OUT, OPEN, S.OPTED_OUT, R.PATIENT, R.CLINICIAN, R.NAVIGATOR)
    allow(A.ENTER_QUEUE, S.OPT_OUT_OPEN, S.QUEUED, R.SERVICE, R.PATIENT)
    allow(A.CLAIM, {S.QUEUED, S.UNREACHABLE}, S.CONTACTING, R.NAVIGATOR)
    allow(A.GIVE_UP, S.CONTACTING, S.UNREACHABLE, R.NAVIGATOR, R.SERVICE)
    allow(A.OFFER, {S.CONTACTING, S.REJECTED, S.WAITLISTED, S.TRANSFERRED}, S.OFFERED, R.NAVIGATOR)
    allow(A.ACCEPT, {S.OFFERED, S.WAITLISTED}, S.BOOKED, R.PROGRAMME, R.NAVIGATOR)
    allow(A.REJECT, {S.OFFERED, S.WAITLISTED}, S.REJECTED, R.PROGRAMME, R.NAVIGATOR)
    allow(A.WAITLIST, S.OFFERED, S.WAITLISTED, R.PROGRAMME, R.NAVIGATOR)
    allow(A.BACK_TO_CONTACT, S.BOOKED, S.CONTACTING, R.NAVIGATOR, R.PROGRAMME)  # no-show
    allow(A.BACK_TO_CONTACT, S.REJECTED, S.CONTACTING, R.NAVIGATOR)
    allow(A.BASELINE, S.BOOKED, S.BASELINE_DONE, R.PROGRAMME)
    allow(A.ENROL, S.BASELINE_DONE, S.ENROLLED, R.PROGRAMME)
    allow(A.PAUSE, S.ENROLLED, S.PAUSED, R.PROGRAMME, R.PATIENT, R.NAVIGATOR, R.CLINICIAN)
    allow(A.RESUME, S.PAUSED, S.ENROLLED, R.PROGRAMME, R.CLINICIAN)
    allow(A.TRANSFER, S.ENROLLED, S.TRANSFERRED, R.NAVIGATOR, R.PROGRAMME)  # only a programme steps down
    allow(A.COMPLETE, STARTED | {S.BOOKED, S.HELD}, S.COMPLETED, R.PROGRAMME)  # a report cannot be refused
    allow(A.COMPLETE, {S.ENROLLED, S.PAUSED}, S.COMPLETED, R.CLINICIAN)
    allow(A.DISCONTINUE, STARTED, S.DISCONTINUED, R.PROGRAMME, R.NAVIGATOR)
    allow(A.DISCONTINUE, RELEASED - STARTED, S.DISCONTINUED, R.NAVIGATOR, R.SERVICE)
    allow(A.DEPART, OPEN, S.DEPARTED, R.SERVICE, R.NAVIGATOR, R.CLINICIAN)
    allow(A.MARK_ERROR, frozenset(State) - {S.ERROR}, S.ERROR, R.CLINICIAN, R.NAVIGATOR)
    return tuple(rows)


TRANSITIONS: Final = _rows()


def allowed(action: Action, source: State, target: State, role: Role) -> bool:
    """True when the table lets this role make this move."""
    return any(
        row.action is action and row.source is source and row.target is target and role in row.roles
        for row in TRANSITIONS
    )


def actions_for(source: State, role: Role) -> frozenset[Action]:
    """What this role may do to a referral in this state: the buttons of a page."""
    return frozenset(row.action for row in TRANSITIONS if row.source is source and role in row.roles)


LABELS: Final[Mapping[State, Text]] = {
    S.IDENTIFIED: N_("Identified"),
    S.INELIGIBLE: N_("Not eligible"),
    S.INCOMPLETE: N_("Data missing"),
    S.HELD: N_("Held for safety"),
    S.CLEARANCE_PENDING: N_("Waiting for clearance"),
    S.PROPOSED: N_("Proposed to the clinician"),
    S.OPT_OUT_OPEN: N_("Referred, patient may opt out"),
    S.DECLINED: N_("Declined by the clinician"),
    S.OPTED_OUT: N_("Patient opted out"),
    S.QUEUED: N_("Waiting for a navigator"),
    S.CONTACTING: N_("Contacting"),
    S.UNREACHABLE: N_("Not reached"),
    S.OFFERED: N_("Offered to a programme"),
    S.BOOKED: N_("Booked"),
    S.REJECTED: N_("Programme said no"),
    S.WAITLISTED: N_("On the waiting list"),
    S.BASELINE_DONE: N_("Baseline done"),
    S.ENROLLED: N_("Exercising"),
    S.PAUSED: N_("Paused"),
    S.TRANSFERRED: N_("Transferred"),
    S.COMPLETED: N_("Completed"),
    S.DISCONTINUED: N_("Stopped early"),
    S.DEPARTED: N_("Left the service"),
    S.ERROR: N_("Entered in error"),
}
