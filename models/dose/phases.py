"""The base of the plan by treatment phase, and how tiers scale it. Source: prescription.md sections 2 and 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.dose.draft import Draft
from models.text import N_, Text

WALKING: Final = N_("brisk walking")
CYCLING: Final = N_("stationary cycling")
GENTLE_WALKING: Final = N_("easy walking")
TAI_CHI: Final = N_("Tai Chi, Qigong, dance or another activity you like")


@dataclass(frozen=True, slots=True)
class Base:
    """The full dose of one phase; a low tier starts with the upper number of days."""

    days: tuple[int, int]
    minutes: int
    rpe: tuple[int, int]
    strength_days: tuple[int, int]
    sets: tuple[int, int]
    repetitions: str
    load: Text
    weeks: int
    text: Text
    modes: tuple[Text, ...] = (WALKING, CYCLING, TAI_CHI)
    other: tuple[Text, ...] = ()


_HALF_LOAD: Final = N_("a load you could lift about 20 times (50 to 60 % of your best)")
_GROWING_LOAD: Final = N_("start with half of your best lift, grow towards three quarters")
_SMALL_LOAD: Final = N_("small loads, 30 to 40 % of your best lift")
_BANDS: Final = N_("elastic bands or own body weight, all large muscle groups")

BASES: Final[dict[str, Base]] = {
    "P1": Base(
        (3, 5), 30, (11, 13), (2, 3), (1, 2), "8-15", _BANDS, 4,
        N_("Before surgery or treatment: 3 to 5 days of 20 to 30 minutes"),
        other=(
            N_("Breathing exercises, and shoulder or pelvic-floor exercises as the operation asks for"),
            N_("Ask about food and protein before the operation"),
        ),
    ),
    "P2": Base(
        (3, 3), 30, (11, 13), (2, 2), (1, 2), "8-15", _HALF_LOAD, 12,
        N_("During chemotherapy: 3 days of 20 to 30 minutes at moderate effort"),
    ),
    "P3": Base(
        (3, 5), 30, (11, 13), (2, 2), (2, 2), "8-15", _HALF_LOAD, 12,
        N_("Radiotherapy: 3 to 5 days of 20 to 40 minutes at moderate effort"),
        other=(N_("Gentle stretching of the treated region; keep chlorine and sun off treated skin"),),
    ),
    "P4": Base(
        (3, 5), 30, (11, 13), (2, 2), (1, 2), "8-15", _HALF_LOAD, 12,
        N_("Immunotherapy, targeted or hormonal treatment: 3 to 5 days of 20 to 40 minutes"),
        other=(N_("Start low and lower weights slowly; each week ask yourself about new muscle weakness"),),
    ),
    "P5": Base(
        (3, 5), 30, (9, 12), (2, 2), (1, 2), "8-12", _SMALL_LOAD, 12,
        N_("After surgery, from the seventh week: 3 to 5 days of 20 to 30 minutes"),
        (GENTLE_WALKING, CYCLING),
        (N_("Breathing exercises, range of motion, care of the scar"),),
    ),
    "P6": Base(
        (3, 5), 30, (11, 13), (2, 2), (2, 3), "8-12", _GROWING_LOAD, 12,
        N_("After treatment: build up to 150 minutes of moderate activity a week"),
        other=(N_("Stretching after each session"),),
    ),
    "P7": Base(
        (2, 3), 15, (9, 12), (1, 2), (1, 1), "8-12", _BANDS, 12,
        N_("Advanced disease: short bouts of 5 to 20 minutes, led by what matters to you"),
        (GENTLE_WALKING, N_("seated exercise")),
        (N_("Save energy for what matters; breathing technique when short of breath"),),
    ),
    "N1": Base(
        (3, 5), 30, (11, 13), (2, 2), (1, 2), "8-12", _HALF_LOAD, 12,
        N_("Without cancer: exercise for the task that is hard, as the protocol of the condition says"),
    ),
}  # fmt: skip

EARLY_RECOVERY: Final = Base(
    (5, 5), 20, (9, 11), (2, 2), (1, 1), "8-12",
    N_("range of motion and light movements, nothing over 4.5 kg"), 12,
    N_("Week 3 to 6 after surgery: walking 10 to 20 minutes on 5 days, nothing over 4.5 kg"),
    (GENTLE_WALKING,),
    (N_("Breathing exercises, ankle pumps, range of motion, care of the scar"),),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scale:
    """What a tier allows of the base."""

    rpe_max: int
    volume: float
    sets_max: int
    strength: str
    text: Text


SCALES: Final[dict[str, Scale]] = {
    "T1": Scale(11, 0.4, 1, "functional", N_("Very high risk: 40 % of the base, one light set")),
    "T2": Scale(12, 0.5, 2, "light", N_("High risk: half of the base, technique first")),
    "T3": Scale(20, 0.7, 3, "full", N_("Moderate risk: 70 % of the base to start with")),
    "T?": Scale(20, 0.7, 3, "full", N_("Not all is known: as for moderate risk, 70 % of the base")),
    "T4": Scale(20, 1.0, 3, "full", N_("Low risk: the full base")),
}


def base_for(phase: str, days_since_surgery: int | None) -> Base:
    """The base of a phase; recovery from surgery has a step of its own up to day 42."""
    if phase == "P5" and days_since_surgery is not None and days_since_surgery <= 42:
        return EARLY_RECOVERY
    return BASES[phase]


def started(base: Base, phase: str, tier: str) -> Draft:
    """The draft with the base of the phase, scaled by the tier; each number is logged."""
    low = tier == "T4"
    draft = Draft(
        days=base.days[1] if low else base.days[0],
        minutes=base.minutes,
        rpe_min=base.rpe[0],
        rpe_max=base.rpe[1],
        modes=base.modes,
        strength_days=base.strength_days[1] if low else base.strength_days[0],
        sets_min=base.sets[0],
        sets_max=base.sets[1],
        repetitions=base.repetitions,
        load=base.load,
    )
    _log_base(draft, base, f"table 2, {phase}")
    scale, by = SCALES[tier], f"table 3, {tier}"
    draft.scale(scale.volume, by, scale.text)
    draft.limit_rpe(scale.rpe_max, by, scale.text)
    draft.limit_sets(scale.sets_max, by, scale.text)
    draft.limit_strength(scale.strength, by, scale.text)
    return draft


def _log_base(draft: Draft, base: Base, by: str) -> None:
    for what, value in (
        ("aerobic.days_per_week", draft.days),
        ("aerobic.minutes", base.minutes),
        ("aerobic.rpe_min", draft.rpe_min),
        ("aerobic.rpe_max", draft.rpe_max),
        ("resistance.days_per_week", draft.strength_days),
        ("resistance.sets_min", draft.sets_min),
        ("resistance.sets_max", draft.sets_max),
        ("resistance.repetitions", base.repetitions),
        ("weeks", base.weeks),
    ):
        draft.log(what, value, by, base.text)
    for text in base.other:
        draft.add(text, by)
