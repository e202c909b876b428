"""What a change in the EHR means for a referral: one table for the code, the history and the reference page.

A row is looked up by kind of resource, its new status and the state of the referral; the first that fits counts. No
row: it means nothing to us, and our own status is what should stand there. Source: pathway.md sections 4, 5 and 7;
standards.md 3.9.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from fhirapp.referrals.fhir_status import CARE_PLAN, FULFILMENT_TASK, NAVIGATOR_TASK, SERVICE_REQUEST
from fhirapp.referrals.status import BEFORE_RELEASE, CLOSED, OPEN, RELEASED, Action, Role, State
from models.text import N_, Text

A, S = Action, State

Effect = Literal[
    "move",  # the moves of `steps`
    "sign",  # a clinician's signature, given in the record system
    "hold",  # nothing goes on until it is lifted there
    "lift",  # such a hold is over; the rules speak next
    "ask",  # a person must look; nothing moves by itself
    "keep",  # it stays as it is there, and changes nothing here
]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: in which states, what follows, and what is told."""

    kind: str
    status: str
    states: frozenset[State]
    effect: Effect
    said: Text  # the line in the history, and in the reference page
    steps: tuple[tuple[Action, State], ...] = ()
    role: Role = Role.CLINICIAN
    code: str = ""  # why it ended, where the EHR gives no reason that we know
    question: str = ""  # a key of QUESTIONS: what a person must settle
    ours: bool = False  # beside a question: what the referral's state asks for is written all the same

    @property
    def event(self) -> str:
        """The word in the history."""
        return f"ehr_{self.effect}_{self.kind}_{self.status}".replace("-", "_")


QUESTIONS: Final[Mapping[str, Text]] = {
    "reactivated": N_("Somebody has made an ended referral active again in the record system. Nothing was sent out."),
    "held-active": N_("The request was made active in the record system, but a safety rule holds it."),
    "not-ready": N_("The request was made active in the record system, but data for its safety are missing."),
    "drafted": N_("The request was set back to a draft in the record system, but the patient is referred already."),
    "late-yes": N_("A programme has taken on a patient whose referral is closed, held or with somebody else."),
    "programme-waits": N_("The programme has put its Task on hold before it began."),
    "programme-ended": N_("The programme has ended its Task while the referral was held."),
    "desk-closed": N_("The navigators' Task was closed in the record system, but the referral goes on."),
    "unsafe-start": N_("The programme has begun, but a hold is open or the safety answers are missing."),
    "gone": N_("It was deleted in the record system."),
    "merged": N_("Two records of this patient became one, and both have a referral, or one has said no."),
    "inactive": N_("The patient's record was closed in the record system, and no other stands in its place."),
    "not-dead": N_("The patient was recorded as dead and is not any more."),
}


def _rows() -> Iterator[Meaning]:
    yield from _request()
    yield from _plan()
    yield from _programme()
    yield from _desk()


def _row(
    kind: str, status: str, states: Collection[State], effect: Effect, said: Text, *,
    steps: tuple[tuple[Action, State], ...] = (), role: Role = Role.CLINICIAN, code: str = "", question: str = "",
    ours: bool = False,
) -> Meaning:  # fmt: skip
    return Meaning(kind, status, frozenset(states), effect, said, steps, role, code, question, ours)


def _request() -> Iterator[Meaning]:
    """The ServiceRequest: what clinicians do."""

    row = partial(_row, SERVICE_REQUEST)

    yield row("revoked", OPEN, "move", N_("Revoked in the record system"),
              steps=((A.DECLINE, S.DECLINED),), code="CL-OTHER")  # fmt: skip
    yield row("entered-in-error", frozenset(State) - {S.ERROR, S.IDENTIFIED}, "move",
              N_("Marked as an error in the record system"),
              steps=((A.MARK_ERROR, S.ERROR),), code="CL-OTHER")  # fmt: skip
    yield row("completed", {S.ENROLLED, S.PAUSED}, "move", N_("Completed in the record system"),
              steps=((A.COMPLETE, S.COMPLETED),))  # fmt: skip
    yield row("completed", OPEN, "move", N_("Closed in the record system before it began"),
              steps=((A.DECLINE, S.DECLINED),), code="CL-OTHER")  # fmt: skip
    yield row("on-hold", {S.ENROLLED}, "move", N_("Put on hold in the record system"), steps=((A.PAUSE, S.PAUSED),))
    yield row("on-hold", OPEN - {S.HELD, S.PAUSED}, "hold", N_("Put on hold in the record system"))
    yield row("active", {S.PROPOSED, S.CLEARANCE_PENDING}, "sign", N_("Signed in the record system"),
              question="held-active")  # fmt: skip
    yield row("active", {S.INCOMPLETE}, "ask", N_("Made active in the record system"), question="not-ready")
    yield row("active", {S.HELD}, "lift", N_("Taken off hold in the record system"), question="held-active")
    yield row("active", {S.PAUSED}, "move", N_("Taken off hold in the record system"),
              steps=((A.RESUME, S.ENROLLED),), question="held-active")  # fmt: skip
    yield row("active", CLOSED, "ask", N_("Made active again in the record system"), question="reactivated")
    yield row("draft", RELEASED, "ask", N_("Set back to a draft in the record system"), question="drafted")


def _plan() -> Iterator[Meaning]:
    """The CarePlan: a plan that a clinician takes back is not handed out again by us."""

    row = partial(_row, CARE_PLAN)

    for status in ("revoked", "entered-in-error", "on-hold"):
        yield row(status, {S.ENROLLED}, "move", N_("The plan was stopped in the record system"),
                  steps=((A.PAUSE, S.PAUSED),))  # fmt: skip
        yield row(status, RELEASED - {S.PAUSED, S.UNREACHABLE}, "hold", N_("The plan was stopped in the record system"))
    yield row("active", {S.HELD}, "lift", N_("The plan was taken up again in the record system"),
              question="held-active")  # fmt: skip
    yield row("active", OPEN, "keep", N_("The plan was made active in the record system"))
    yield row("completed", frozenset(State), "keep", N_("The plan was completed in the record system"))


def _programme() -> Iterator[Meaning]:
    """The fulfilment Task: what the programme does."""

    row = partial(_row, FULFILMENT_TASK, role=Role.PROGRAMME)

    accept, begin = (A.ACCEPT, S.BOOKED), (A.BASELINE, S.BASELINE_DONE)
    enrol, complete = (A.ENROL, S.ENROLLED), (A.COMPLETE, S.COMPLETED)
    asked = {S.OFFERED, S.WAITLISTED}
    yield row("accepted", asked, "move", N_("Accepted by the programme"), steps=(accept,))
    began = N_("The programme has begun")
    yield row("in-progress", asked, "move", began, steps=(accept, begin, enrol), question="unsafe-start")
    yield row("in-progress", {S.BOOKED}, "move", began, steps=(begin, enrol), question="unsafe-start")
    yield row("in-progress", {S.BASELINE_DONE}, "move", began, steps=(enrol,), question="unsafe-start")
    yield row("in-progress", {S.PAUSED}, "move", N_("Resumed by the programme"),
              steps=((A.RESUME, S.ENROLLED),), question="unsafe-start")  # fmt: skip
    for status in ("accepted", "in-progress"):
        yield row(status, CLOSED | {S.HELD}, "ask", N_("Taken on by a programme out of turn"),
                  question="late-yes", ours=True)  # fmt: skip
        yield row(status, frozenset(State) - asked, "ask", N_("Taken on by a programme out of turn"),
                  question="late-yes")  # fmt: skip
    yield row("on-hold", {S.ENROLLED}, "move", N_("Paused by the programme"), steps=((A.PAUSE, S.PAUSED),))
    yield row("on-hold", OPEN - {S.HELD, S.PAUSED}, "ask", N_("Put on hold by the programme"),
              question="programme-waits")  # fmt: skip
    yield row("completed", asked, "move", N_("Completed by the programme"), steps=(accept, complete))
    yield row("completed", {S.BOOKED, S.BASELINE_DONE, S.ENROLLED, S.PAUSED, S.HELD}, "move",
              N_("Completed by the programme"), steps=(complete,))  # fmt: skip
    for status, said in _ENDS.items():
        yield row(status, asked, "move", said, steps=((A.REJECT, S.REJECTED),))
        yield row(status, {S.BOOKED}, "move", said, steps=((A.BACK_TO_CONTACT, S.CONTACTING),))
        yield row(status, {S.BASELINE_DONE, S.ENROLLED, S.PAUSED}, "move", said,
                  steps=((A.DISCONTINUE, S.DISCONTINUED),), code="PG-ENDED")  # fmt: skip
        yield row(status, {S.HELD}, "ask", said, question="programme-ended")


_ENDS: Final = {
    "rejected": N_("Rejected by the programme"),
    "failed": N_("Ended by the programme"),
    "cancelled": N_("Cancelled by the programme"),
    "entered-in-error": N_("Withdrawn by the programme"),
}


def _desk() -> Iterator[Meaning]:
    """The navigators' own Task, for those who work from the record system's list."""

    row = partial(_row, NAVIGATOR_TASK, role=Role.NAVIGATOR)

    for status in ("accepted", "in-progress"):
        yield row(status, {S.QUEUED, S.UNREACHABLE}, "move", N_("Claimed in the record system"),
                  steps=((A.CLAIM, S.CONTACTING),))  # fmt: skip
    for status in ("completed", "failed", "cancelled", "rejected", "entered-in-error"):
        yield row(status, OPEN - BEFORE_RELEASE - {S.UNREACHABLE}, "ask", N_("The navigators’ Task was closed"),
                  question="desk-closed")  # fmt: skip


MEANINGS: Final = tuple(_rows())
EVENTS: Final[Mapping[str, Text]] = {row.event: row.said for row in reversed(MEANINGS)}


def meaning_of(kind: str, status: str, state: State) -> Meaning | None:
    """What this status says of a referral in this state; `None` when it says nothing."""
    found = (row for row in MEANINGS if (row.kind, row.status) == (kind, status))
    return next((row for row in found if state in row.states), None)


ENDED: Final[Mapping[str, frozenset[str]]] = {
    SERVICE_REQUEST: frozenset({"revoked", "completed", "entered-in-error"}),
    CARE_PLAN: frozenset({"revoked", "completed", "entered-in-error"}),
    NAVIGATOR_TASK: frozenset({"rejected", "completed", "failed", "cancelled", "entered-in-error"}),
    FULFILMENT_TASK: frozenset({"rejected", "completed", "failed", "cancelled", "entered-in-error"}),
    "goal": frozenset({"completed", "cancelled", "rejected", "entered-in-error"}),
}


def family_of(kind: str) -> str:
    """`fulfilment-task-2` is a fulfilment Task, both goals are goals."""
    for family in (FULFILMENT_TASK, "goal"):
        if kind.startswith(family):
            return family
    return kind
