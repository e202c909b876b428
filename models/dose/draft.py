"""A prescription under work: numbers that only ever become more cautious, and the log of who set them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from models.decision import Reason
from models.quick import maker
from models.safety.rule import RESISTANCE_LEVELS
from models.text import N_, Text

_reason = maker(Reason)

LIGHT_RPE: Final = 11
FLOOR_MINUTES: Final = 10
FLOOR_DAYS: Final = 2

RESISTANCE_WORDS: Final[dict[str, Text]] = {
    "none": N_("no strength training for now"),
    "functional": N_("everyday movements such as sit-to-stand, without weights"),
    "bands": N_("elastic bands or own body weight"),
    "light": N_("light loads, technique first"),
}


@dataclass(slots=True)
class Draft:
    """The plan while tables and rules are applied one after the other.

    Source: prescription.md section 1: intensity and frequency by the lowest, volume by the lowest cap and then
    all factors.
    """

    days: int
    minutes: float
    rpe_min: int
    rpe_max: int
    modes: tuple[Text, ...]
    strength_days: int
    sets_min: int
    sets_max: int
    repetitions: str
    load: Text
    strength_level: str = "full"
    modes_from_rules: bool = False
    other: list[Text] = field(default_factory=list)
    caps: list[Text] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    factor: float = 1.0
    said: dict[str, list[Text]] = field(default_factory=dict)  # what is in `other`, by msgid
    limits: dict[str, list[Text]] = field(default_factory=dict)  # what is in `caps`, by msgid

    def log(self, what: str, value: object, by: str, text: Text) -> None:
        """Remember who set a number."""
        self.reasons.append(_reason(what, str(value), by, text))

    def limit_rpe(self, highest: float, by: str, text: Text) -> None:
        """Effort at most this."""
        if highest < self.rpe_max:
            self.rpe_max = int(highest)
            self.log("aerobic.rpe_max", self.rpe_max, by, text)
            lowest = max(6, min(self.rpe_min, self.rpe_max - 2))
            if lowest != self.rpe_min:
                self.rpe_min = lowest
                self.log("aerobic.rpe_min", lowest, by, text)

    def limit_minutes(self, most: float, by: str, text: Text) -> None:
        """A session at most this long."""
        if most < self.minutes:
            self.minutes = most
            self.log("aerobic.minutes", f"{most:g}", by, text)

    def limit_days(self, most: float, by: str, text: Text) -> None:
        """At most so many days a week."""
        if most < self.days:
            self.days = int(most)
            self.log("aerobic.days_per_week", self.days, by, text)

    def limit_sets(self, most: float, by: str, text: Text) -> None:
        """At most so many sets of each strength exercise."""
        if most < self.sets_max:
            self.sets_max = int(most)
            self.log("resistance.sets_max", self.sets_max, by, text)
            if self.sets_min > self.sets_max:
                self.sets_min = self.sets_max
                self.log("resistance.sets_min", self.sets_min, by, text)

    def scale(self, factor: float, by: str, text: Text) -> None:
        """The volume times this; factors multiply."""
        if factor < 1:
            self.factor *= factor
            self.log("aerobic.volume", f"x {factor:g}", by, text)

    def limit_strength(self, level: str, by: str, text: Text) -> None:
        """Strength training at most of this kind; the kinds are `RESISTANCE_LEVELS`."""
        if RESISTANCE_LEVELS.index(level) >= RESISTANCE_LEVELS.index(self.strength_level):
            return
        self.strength_level, self.load = level, RESISTANCE_WORDS[level]
        self.log("resistance.load", level, by, text)
        if level == "none":
            self.limit_sets(0, by, text)
            if self.strength_days:
                self.strength_days = 0
                self.log("resistance.days_per_week", 0, by, text)
        elif level == "functional":
            self.limit_sets(1, by, text)

    def add(self, text: Text, by: str) -> None:
        """Something beside the two doses, once."""
        if _is_new(text, self.said):
            self.other.append(text)
            self.log("other", "added", by, text)

    def cap(self, text: Text) -> None:
        """A limit in words, once."""
        if _is_new(text, self.limits):
            self.caps.append(text)

    def settle(self) -> None:
        """Apply all factors, keep the floor, round to simple numbers."""
        wanted = self.minutes * self.factor
        minutes = float(max(5 * int(wanted // 5), FLOOR_MINUTES))
        if minutes != self.minutes:
            self.log("aerobic.minutes", f"{minutes:g}", "section 1", N_("Rounded down to simple numbers"))
        if wanted < FLOOR_MINUTES:
            self.limit_rpe(LIGHT_RPE, "section 1", N_("The least dose is ten light minutes"))
        self.minutes = minutes
        if self.days < FLOOR_DAYS:
            self.days = FLOOR_DAYS
            self.log("aerobic.days_per_week", self.days, "section 1", N_("The least dose is on two days"))

    def fit_week(self, most: float, by: str, text: Text) -> None:
        """The week at most so many minutes: shorter sessions first, then fewer, never under the floor."""
        if self.days * self.minutes <= most:
            return
        self.minutes = float(max(5 * int(most / self.days // 5), FLOOR_MINUTES))
        while self.days > FLOOR_DAYS and self.days * self.minutes > most:
            self.days -= 1
        self.log("aerobic.minutes", f"{self.minutes:g}", by, text)
        self.log("aerobic.days_per_week", self.days, by, text)


def _is_new(text: Text, known: dict[str, list[Text]]) -> bool:
    """True the first time; texts are compared only where their msgid is one."""
    same = known.get(text.msgid)
    if same is None:
        known[text.msgid] = [text]
        return True
    if text in same:
        return False
    same.append(text)
    return True
