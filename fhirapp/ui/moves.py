"""The buttons of a page, out of the table of states: what a role may do, in which words, on which page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from fhirapp.referrals.reasons import REASONS
from fhirapp.referrals.status import Action, Role, State, actions_for
from models.text import N_, Text

A, R = Action, Role

PAUSES: Final[Mapping[str, Text]] = {
    "wish": N_("The patient wants a break"),
    "travel": N_("Travel"),
    "illness": N_("Illness or treatment"),
    "other": N_("Something else"),
}
GONE: Final[Mapping[str, Text]] = {code: REASONS[code].label for code in ("OO-DIED", "OO-MOVED")}
SURE: Final = "sure"


@dataclass(frozen=True, slots=True)
class Move:
    """One button: what it does, what it says, and what must be chosen or ticked with it."""

    action: Action
    words: Text
    choose: Mapping[str, Text] | None = None  # the reason
    label: Text | None = None  # what is chosen
    confirm: Text | None = None  # what must be ticked
    grave: bool = False  # it ends the referral


MOVES: Final[Mapping[Action, Move]] = {
    move.action: move
    for move in (
        Move(A.BASELINE, N_("Baseline is done"), confirm=N_("The patient has consented to exercise")),
        Move(A.ENROL, N_("Sessions have begun")),
        Move(A.RESUME, N_("Go on again")),
        Move(A.PAUSE, N_("Pause"), choose=PAUSES, label=N_("Why it is paused")),
        Move(A.BACK_TO_CONTACT, N_("Back to contacting (no-show, no place)")),
        Move(A.TRANSFER, N_("Step up or down to another programme")),
        Move(A.COMPLETE, N_("Completed"), confirm=N_("The programme has been completed"), grave=True),
        Move(A.DISCONTINUE, N_("Stopped early"), confirm=N_("The programme has ended early"), grave=True),
        Move(A.DEPART, N_("Died or moved away"), choose=GONE, label=N_("What has happened"), grave=True),
        Move(
            A.MARK_ERROR, N_("Entered in error"), confirm=N_("This referral was made by mistake, for example for the "
            "wrong patient"), grave=True,
        ),
    )
}  # fmt: skip

Page = Literal["navigator", "clinician", "patient", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a role does something: the page, and the end of the form's address; or why on no page."""

    page: Page
    form: str = ""
    why: str = ""


_TASK: Final = "also by the programme's own Task in the record system"
PLACES: Final[Mapping[tuple[Role, Action], Place]] = {
    (R.CLINICIAN, A.SIGN): Place("clinician", "/sign"),
    (R.CLINICIAN, A.DECLINE): Place("clinician", "/not-now"),
    (R.CLINICIAN, A.OPT_OUT): Place("clinician", "/not-now", "with a reason of the patient"),
    (R.CLINICIAN, A.PAUSE): Place("clinician", "/move"),
    (R.CLINICIAN, A.RESUME): Place("clinician", "/move"),
    (R.CLINICIAN, A.COMPLETE): Place("clinician", "/move"),
    (R.CLINICIAN, A.DEPART): Place("clinician", "/move"),
    (R.CLINICIAN, A.MARK_ERROR): Place("clinician", "/move"),
    (R.CLINICIAN, A.SUSPEND): Place("elsewhere", why="the request is put on hold in the record system, and ends there"),
    (R.PATIENT, A.OPT_OUT): Place("patient", "", "also by text message, telephone and letter"),
    (R.PATIENT, A.ENTER_QUEUE): Place("patient", "/yes"),
    (R.PATIENT, A.PAUSE): Place("navigator", "/move", "a patient tells the programme or a navigator, who notes it"),
    (R.NAVIGATOR, A.CLAIM): Place("navigator", "/claim"),
    (R.NAVIGATOR, A.GIVE_UP): Place("navigator", "/give-up", "once enough was tried"),
    (R.NAVIGATOR, A.OFFER): Place("navigator", "/offer"),
    (R.NAVIGATOR, A.ACCEPT): Place("navigator", "/programme"),
    (R.NAVIGATOR, A.REJECT): Place("navigator", "/programme"),
    (R.NAVIGATOR, A.WAITLIST): Place("navigator", "/programme"),
    (R.NAVIGATOR, A.OPT_OUT): Place("navigator", "/close"),
    (R.NAVIGATOR, A.DISCONTINUE): Place("navigator", "/close"),
    (R.NAVIGATOR, A.DEPART): Place("navigator", "/close"),
    (R.NAVIGATOR, A.PAUSE): Place("navigator", "/move"),
    (R.NAVIGATOR, A.TRANSFER): Place("navigator", "/move"),
    (R.NAVIGATOR, A.BACK_TO_CONTACT): Place("navigator", "/move"),
    (R.NAVIGATOR, A.MARK_ERROR): Place("navigator", "/move"),
    (R.PROGRAMME, A.ACCEPT): Place("navigator", "/programme", _TASK),
    (R.PROGRAMME, A.REJECT): Place("navigator", "/programme", _TASK),
    (R.PROGRAMME, A.WAITLIST): Place("navigator", "/programme"),
    (R.PROGRAMME, A.BASELINE): Place("navigator", "/move", _TASK),
    (R.PROGRAMME, A.ENROL): Place("navigator", "/move", _TASK),
    (R.PROGRAMME, A.PAUSE): Place("navigator", "/move", _TASK),
    (R.PROGRAMME, A.RESUME): Place("navigator", "/move", _TASK),
    (R.PROGRAMME, A.TRANSFER): Place("navigator", "/move"),
    (R.PROGRAMME, A.COMPLETE): Place("navigator", "/move", _TASK),
    (R.PROGRAMME, A.DISCONTINUE): Place("navigator", "/move", _TASK),
    (R.PROGRAMME, A.BACK_TO_CONTACT): Place("navigator", "/move", _TASK),
}


def moves_for(state: State, role: Role) -> list[Move]:
    """The moves of this role that are a plain button of a page, what ends the referral last."""
    can = actions_for(state, role)
    found = [move for action, move in MOVES.items() if action in can and PLACES[role, action].form == "/move"]
    return sorted(found, key=lambda move: move.grave)


def chosen(role: Role, state: State, name: str, choice: str, *, sure: bool) -> Move | None:
    """The move that a form asks for; `None` where there is no such button, or something was not chosen or ticked."""
    move = next((one for one in moves_for(state, role) if one.action.value == name), None)
    if move is None or (move.choose is not None and choice not in move.choose):
        return None
    return None if move.confirm is not None and not sure else move
