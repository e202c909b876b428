"""What today's symptoms and the day of the chemotherapy cycle do to the dose. Source: prescription.md 5 and 6."""

from __future__ import annotations

from typing import Final, NamedTuple

from models.dose.draft import Draft
from models.safety.inputs import DERIVED
from models.safety.view import View
from models.text import N_, Text


class Step(NamedTuple):
    """From a value on: volume factor, highest effort, and the change in words."""

    at_least: float
    volume: float
    rpe_max: float
    text: Text


_NO_CAP: Final = 20

# Each symptom's steps, gravest first; the first that the worst counting value reaches applies.
_SYMPTOMS: Final[dict[str, tuple[Step, ...]]] = {
    "fatigue_nrs": (
        Step(7, 0.5, 10, N_("Fatigue is strong: two to four bouts of 5 to 10 minutes")),
        Step(4, 0.75, 12, N_("Fatigue is moderate: a little less")),
    ),
    "pain_nrs": (
        Step(7, 0.0, 9, N_("Pain is strong: only movement that does not hurt")),
        Step(4, 0.75, 12, N_("Pain is moderate: stay in the range that does not hurt")),
    ),
    "gi_ctcae": (
        Step(2, 0.5, 11, N_("Vomiting or diarrhoea: skip today, then half")),
        Step(1, 0.6, 11, N_("Mild vomiting or diarrhoea: less, and drink enough")),
    ),
    "dyspnoea_borg": (
        Step(5, 0.5, 10, N_("Breathlessness is strong: half, after a check")),
        Step(3, 0.75, 12, N_("Breathlessness: intervals with rests")),
    ),
    "ctcae_neuropathy": (Step(2, 1.0, 12, N_("Numb feet: bike and balance, no uneven ground")),),
    "phq9": (Step(10, 1.0, _NO_CAP, N_("Low mood: shorter bouts, contact, a group if you like")),),
}
_SHORT_SLEEP: Final = 5.0  # hours


def apply_symptoms(draft: Draft, view: View) -> None:
    """Volume factors multiply, effort caps by the lowest; an old symptom counts until a newer value is on file."""
    for alias, steps in _SYMPTOMS.items():
        worst = max((_number(r.value) for r in view.current(alias)), default=None)
        if worst is None:
            continue
        step = next((step for step in steps if worst >= step.at_least), None)
        if step:
            _take(draft, step, f"table 5, {alias} {round(worst, 1):g}")
    if any(_number(r.value) < _SHORT_SLEEP for r in view.current("sleep")[:1]):
        _take(draft, Step(0, 0.8, 12, N_("Short sleep: a little less, no intervals")), "table 5, sleep")
    if any(r.value is True for r in view.current("dizziness")):
        _take(draft, Step(0, 0.7, 11, N_("Dizziness: seated exercise, head up")), "table 5, dizziness")


def _take(draft: Draft, step: Step, by: str) -> None:
    draft.scale(step.volume, by, step.text)
    draft.limit_rpe(step.rpe_max, by, step.text)
    draft.add(step.text, by)


def _number(value: float | bool | str) -> float:
    return 0.0 if isinstance(value, str) else float(value)


# Day of the cycle

_RHYTHM: Final = (
    N_("In each cycle, on the day of the infusion: 10 to 20 easy minutes or rest, no strength training"),
    N_("In each cycle, the two days after: 50 to 70 % of the time, easy effort, light bands at most"),
    N_("In each cycle, days 3 to 6: three quarters of the time, one set"),
    N_("In each cycle, days 7 to 14: check your temperature; no groups while the blood count is low or unknown"),
    N_("In each cycle, from day 15 on: the full plan; this is the time to do a little more"),
)


def apply_cycle(draft: Draft, view: View) -> None:
    """The dose of today's day of the cycle, and the rhythm of the whole cycle in words.

    Days are counted from the last dose; the 21-day template stands for every regimen until one is configured.
    """
    for text in _RHYTHM:
        draft.add(text, "table 6")
    today = DERIVED["cycle_day"].read(view)
    if not today:
        return
    day = int(today[0].value)
    by = f"table 6, day {day}"
    if day == 0:
        draft.limit_minutes(20, by, _RHYTHM[0])
        draft.limit_rpe(11, by, _RHYTHM[0])
        draft.limit_strength("none", by, _RHYTHM[0])
    elif day <= 2:
        draft.scale(0.5, by, _RHYTHM[1])
        draft.limit_rpe(11, by, _RHYTHM[1])
        draft.limit_strength("bands", by, _RHYTHM[1])
    elif day <= 6:
        draft.scale(0.75, by, _RHYTHM[2])
        draft.limit_sets(1, by, _RHYTHM[2])
    elif day <= 14:
        draft.limit_sets(2, by, _RHYTHM[3])
        if _count_low_or_unknown(view):
            draft.scale(0.75, by, _RHYTHM[3])


def _count_low_or_unknown(view: View) -> bool:
    return not view.fresh("anc") or any(_number(r.value) < 1.5 for r in view.current("anc"))
