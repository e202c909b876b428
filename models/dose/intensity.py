"""How hard: heart-rate zones where they hold, effort and talk test everywhere, loads from a lift.

Source: prescription.md section 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models.findings import Finding
from models.safety.view import View
from models.text import N_, Text

# Share of the heart-rate reserve by the highest effort on the Borg scale: light, moderate, vigorous.
_SHARES: Final = ((11, (0.30, 0.40)), (13, (0.40, 0.60)), (20, (0.60, 0.90)))
# Rules under which a heart rate says nothing about effort.
_PULSE_SAYS_NOTHING: Final[dict[str, Text]] = {
    "CAR-19": N_("a drug limits the heart rate"),
    "CAR-18": N_("atrial fibrillation or an implanted device"),
    "NEU-07": N_("a condition of the nerves"),
    "CAR-14": N_("the resting heart rate is fast"),
    "CAR-16": N_("the resting heart rate is slow"),
}
# Rules under which nobody tests the greatest lift.
_NO_LIFT_TEST: Final = frozenset({"BON-04", "BON-05", "BON-06", "HEM-01", "HEM-02", "HEM-03", "CAR-11", "CAR-12"})
_EDGE: Final = 5  # zone edges are rounded to five beats
_IN_ZONE: Final = 0.7  # share of a session that makes it "in the zone" [P]


@dataclass(frozen=True, slots=True)
class Zone:
    """A range of heart rates to train in, or why there is none."""

    low: int | None
    high: int | None
    text: Text

    @property
    def holds(self) -> bool:
        """True when heart rate may steer the effort."""
        return self.low is not None


def estimated_maximum(age_years: int) -> float:
    """The highest heart rate to expect, beats a minute (Tanaka)."""
    return 208 - 0.7 * age_years


def zone_for(view: View, findings: Iterable[Finding], rpe_max: int) -> Zone:
    """The heart-rate zone for an effort, from resting rate and age; without one where it would mislead."""
    for finding in findings:
        why = _PULSE_SAYS_NOTHING.get(finding.rule)
        if why:
            return Zone(None, None, N_("No heart-rate zone: {why}. Effort and talk test instead", why=why))
    age = view.snapshot.age_years
    resting = [float(r.value) for r in view.current("hr_rest") if not isinstance(r.value, str)]
    if age is None or not resting or not view.fresh("hr_rest"):
        return Zone(None, None, N_("No heart-rate zone: no resting rate of the last 7 days, or no age"))
    share = next(share for limit, share in _SHARES if rpe_max <= limit)
    rest, top = min(resting), estimated_maximum(age)
    low, high = (_rounded(rest + part * (top - rest)) for part in share)
    words = N_(
        "Heart rate {low} to {high} (greatest rate worked out from age, {age} years)", low=low, high=high, age=age
    )
    return Zone(low, high, words)


def _rounded(beats: float) -> int:
    return int(_EDGE * (beats // _EDGE))


def in_zone(minutes_in_zone: float, minutes: float) -> bool:
    """True when a session counts as done in its zone; minutes after the warm-up."""
    return minutes > 0 and minutes_in_zone / minutes >= _IN_ZONE


def one_repetition_maximum(weight_kg: float, repetitions: int) -> float | None:
    """The greatest lift that a set points to (Epley); `None` over ten repetitions, where the formula does not hold."""
    if not 1 <= repetitions <= 10:
        return None
    return weight_kg if repetitions == 1 else weight_kg * (1 + repetitions / 30)


def may_test_lift(findings: Iterable[Finding], *, hypertensive: bool = False) -> bool:
    """False with weak bones, low platelets or high blood pressure, measured or as a diagnosis.

    Two to four repetitions then stay in reserve.
    """
    return not hypertensive and not any(finding.rule in _NO_LIFT_TEST for finding in findings)
