"""What a patient's own goals and barriers add to a plan; none of them moves a number.

Goals stand among the wishes (`prefs`) as `goal-<word>`; barriers are answers by the headings of COM-B (`com_b`).
Source: prescription.md section 4; seeds.md rows 93 to 95.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from models.dose.equity import WISHES, wishes_of
from models.findings import Finding
from models.snapshot import PatientSnapshot
from models.text import N_, Text

_FIRST_STRENGTH: Final = N_("For strength: strength exercises first in each session, protein with meals")
_BONES_GENTLY: Final = N_("For bones: strength and balance exercises; no loaded bending or twisting")

GOALS: Final[dict[str, Text]] = {
    "goal-fatigue": N_("For fatigue: split sessions into bouts, take the time of day with most energy"),
    "goal-strength": _FIRST_STRENGTH,
    "goal-bones": N_("For bones and muscles: strength exercises first, impact as it feels right"),
    "goal-balance": N_("For balance: 10 to 15 minutes of balance exercises, two to three times a week"),
    "goal-weight": N_("For weight and sugar: longer at low to moderate effort, a walk every day"),
    "goal-fitness": N_("For fitness before surgery: as the plan before surgery; supervised intervals once cleared"),
    "goal-breath": N_("For breathlessness: intervals with rests, breathing out through pursed lips"),
    "goal-mood": N_("For mood and sleep: a regular time, outdoors or with others; yoga, Tai Chi and Qigong count"),
}
_FRAGILE: Final = ("BON-01", "BON-02", "BON-03", "BON-04", "BON-05", "BON-06")

BARRIERS: Final[dict[str, Text]] = {
    "fatigue": N_("Against tiredness: short bouts, at the best time of the day, and rest planned in"),
    "pain": N_("Against pain: what does not hurt first, and a physiotherapist to ask early"),
    "motivation": N_("For motivation: a goal of your own, small steps, somebody who asks after you"),
    "discipline": N_("For the habit: a fixed time, a diary, reminders if you like them"),
    "knowledge": N_("To know how: a first session that shows each exercise, and a sheet to take home"),
    "time": WISHES["caring"],
    "transport": N_("Against long ways: at home or by video, or help with travel"),
    "cost": WISHES["low-income"],
    "fear": WISHES["afraid"],
    "support": N_("Not alone: a partner, a group, or somebody who has been there"),
}
"""What a barrier is met with, by the coded answer."""


def wished_goals(snapshot: PatientSnapshot, findings: Iterable[Finding]) -> Iterator[tuple[str, Text]]:
    """The patient's goals, each with its row; no impact where bones may break."""
    fragile = any(finding.rule in _FRAGILE for finding in findings)
    for word in wishes_of(snapshot):
        if word in GOALS:
            yield f"table 4, {word}", _BONES_GENTLY if word == "goal-bones" and fragile else GOALS[word]


def barrier_actions(snapshot: PatientSnapshot) -> Iterator[tuple[str, Text]]:
    """What is done about each barrier that the patient named."""
    for answer in dict.fromkeys(str(reading.value) for reading in snapshot.series("com_b")):
        if answer in BARRIERS:
            yield f"table 10, barrier {answer}", BARRIERS[answer]
