"""The next week's step: forward, same, or back. Source: prescription.md section 8."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.text import N_, Text


class Action(StrEnum):
    """What the next week does with the plan."""

    PROGRESS = "progress"
    HOLD = "hold"
    REGRESS = "regress"
    RESCREEN = "rescreen"


@dataclass(frozen=True, slots=True)
class Week:
    """What was done in one week."""

    done_share: float  # of the planned dose, 0 to 1 and more
    rpe_over_target: float = 0.0  # mean over the sessions; negative: easier than planned
    hard_sessions: int = 0  # sessions at least two points over target
    symptom_flag: bool = False


@dataclass(frozen=True, slots=True)
class NextStep:
    """The step and what it does to the volume."""

    action: Action
    factor: float  # of the volume
    text: Text
    call: bool = False  # the navigator calls


_DONE: Final = 0.8
_LITTLE: Final = 0.5
_MOST_MORE: Final = 1.1  # at most ten per cent a week
_BACK: Final = 0.75  # 20 to 30 per cent less

_FORWARD: Final = N_("One step on: five minutes more a session, then one day more, then a little more effort")
_SAME: Final = N_("The same again, and look at what got in the way")
_BACKWARD: Final = N_("One step back: a quarter less")


def next_step(weeks: tuple[Week, ...]) -> NextStep:
    """What follows from the weeks, newest first.

    Forward only after two weeks with four fifths done, effort as planned and no symptom; back after two weeks
    with less than half done, or two sessions that felt two points too hard.
    """
    if not weeks:
        return NextStep(Action.HOLD, 1.0, _SAME)
    newest, last_two = weeks[0], weeks[:2]
    if newest.hard_sessions >= 2:
        return NextStep(Action.REGRESS, _BACK, _BACKWARD, call=True)
    if len(last_two) == 2 and all(week.done_share < _LITTLE for week in last_two):
        return NextStep(Action.REGRESS, _BACK, _BACKWARD, call=True)
    if len(last_two) == 2 and all(map(_went_well, last_two)):
        return NextStep(Action.PROGRESS, _MOST_MORE, _FORWARD)
    return NextStep(Action.HOLD, 1.0, _SAME)


def _went_well(week: Week) -> bool:
    return week.done_share >= _DONE and week.rpe_over_target <= 0 and not week.symptom_flag


def after_break(days_missed: int, *, illness_or_admission: bool) -> NextStep:
    """How to start again after a break; after an illness or a hospital stay only when screened again."""
    if illness_or_admission:
        return NextStep(Action.RESCREEN, 0.5, N_("Ask the safety questions again before the next session"))
    if days_missed > 14:
        return NextStep(Action.REGRESS, 0.5, N_("Start again with half"))
    if days_missed >= 7:
        return NextStep(Action.REGRESS, 0.7, N_("Start again with 70 to 80 per cent"))
    return NextStep(Action.HOLD, 1.0, _SAME)


def next_load(load_kg: float, extra_repetitions: tuple[int, ...], *, lymphoedema: bool = False) -> float:
    """The load of the next session: five per cent more after two sessions with two repetitions to spare.

    With lymphoedema the smallest step, two per cent. `extra_repetitions` over the target, newest first.
    """
    if len(extra_repetitions) < 2 or min(extra_repetitions[:2]) < 2:
        return load_kg
    return load_kg * (1.02 if lymphoedema else 1.05)


def may_step_down(weeks_without_flag: int, *, goals_met: bool) -> bool:
    """True when supervision may fall by one level: goals of twelve weeks met, four weeks without a flag."""
    return goals_met and weeks_without_flag >= 4
