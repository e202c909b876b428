"""Named values that are worked out from several readings or facts: weight loss, cycle day, ratio to the limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from models.safety.view import View
from models.snapshot import Reading, When
from models.text import N_, Text

Source = Callable[[View], tuple[Reading, ...]]

CK_UPPER_LIMIT: Final = 200.0  # U/L, where the laboratory gives none; the finding says so (observations.md 2)


@dataclass(frozen=True, slots=True)
class Derived:
    """A named number that no single observation holds.

    `needs` names the inputs and value sets of which at least one must be on file.
    """

    label: Text
    unit: str
    needs: frozenset[str]
    read: Source


def _pseudo(name: str, value: float, unit: str, like: Reading | None, when: When, note: str = "") -> Reading:
    source = like.source if like else ""
    return Reading(name, round(value, 2), unit, when, source, note=note)


def _today(view: View) -> When:
    return When(view.as_of, view.as_of)


def numbers(view: View, alias: str) -> tuple[Reading, ...]:
    """The readings of a number input that still count."""
    return view.current(alias)


def _final(view: View, alias: str) -> tuple[Reading, ...]:
    return tuple(
        reading
        for reading in view.snapshot.series(alias)
        if reading.when.earliest <= view.as_of and reading.status == "final"
    )


def _worst(readings: tuple[Reading, ...], highest: bool) -> Reading:
    pick = max if highest else min
    return pick(readings, key=lambda reading: float(reading.value))


def _age(view: View) -> tuple[Reading, ...]:
    years = view.snapshot.age_years
    return () if years is None else (_pseudo("age", years, "a", None, _today(view)),)


def _cycle_day(view: View) -> tuple[Reading, ...]:
    dose = view.last_dose
    if dose is None:
        return ()
    days, fact = dose
    return (Reading("cycle_day", days, "d", fact.start or _today(view), fact.source, note=fact.display),)


def _weight_loss(view: View) -> tuple[Reading, ...]:
    """Per cent lost since the highest weight of 4 to 7 months back, else the oldest within 6 months."""
    current = view.current("weight")
    if not current or view.days_since(current[0].when) > _SIX_MONTHS:
        return ()
    newest = _worst(current, highest=False)
    earlier = [r for r in _final(view, "weight") if r.when.latest < newest.when.earliest]
    back = [r for r in earlier if _FOUR_MONTHS <= view.days_since(r.when) <= _SEVEN_MONTHS]
    short = [r for r in earlier if view.days_since(r.when) <= _SIX_MONTHS]
    if not back and not short:
        return ()
    reference = _worst(tuple(back), highest=True) if back else short[-1]
    lost = 100 * (float(reference.value) - float(newest.value)) / float(reference.value)
    note = f"{reference.value:g} kg on {reference.when.day}" + ("" if back else ", short series")
    return (_pseudo("weight_loss", lost, "%", newest, newest.when, note),)


_FOUR_MONTHS: Final = 120
_SIX_MONTHS: Final = 183
_SEVEN_MONTHS: Final = 214


def _lvef_fall(view: View) -> tuple[Reading, ...]:
    """Points below the highest value in the 24 months before the newest one."""
    current = view.current("lvef")
    if not current:
        return ()
    newest = _worst(current, highest=False)
    before = tuple(
        r
        for r in _final(view, "lvef")
        if r.when.latest < newest.when.earliest and newest.when.earliest - r.when.latest <= timedelta(days=731)
    )
    if not before:
        return ()
    highest = _worst(before, highest=True)
    fall = float(highest.value) - float(newest.value)
    return (_pseudo("lvef_fall", fall, "%", newest, newest.when, f"{highest.value:g} % on {highest.when.day}"),)


def _anc_fall(view: View) -> tuple[Reading, ...]:
    """Per cent under the value before, both within 7 days."""
    current = view.current("anc")
    if not current:
        return ()
    newest = _worst(current, highest=False)
    before = [r for r in _final(view, "anc") if r.when.latest < newest.when.earliest and view.days_since(r.when) <= 7]
    if not before or float(before[0].value) <= 0:
        return ()
    fall = 100 * (float(before[0].value) - float(newest.value)) / float(before[0].value)
    return (_pseudo("anc_fall", fall, "%", newest, newest.when),)


def _rise(alias: str, name: str, within_days: int) -> Source:
    """Points above the lowest value of the days before."""

    def read(view: View) -> tuple[Reading, ...]:
        current = view.current(alias)
        if not current:
            return ()
        newest = _worst(current, highest=True)
        before = tuple(
            r
            for r in _final(view, alias)
            if r.when.latest < newest.when.earliest
            and newest.when.earliest - r.when.latest <= timedelta(days=within_days)
        )
        if not before:
            return ()
        lowest = _worst(before, highest=False)
        return (_pseudo(name, float(newest.value) - float(lowest.value), "", newest, newest.when),)

    return read


def _drop(alias: str, name: str, within_days: int) -> Source:
    """Points under the highest value of the days before."""

    def read(view: View) -> tuple[Reading, ...]:
        current = view.current(alias)
        if not current:
            return ()
        newest = _worst(current, highest=False)
        before = tuple(
            r
            for r in _final(view, alias)
            if r.when.latest < newest.when.earliest
            and newest.when.earliest - r.when.latest <= timedelta(days=within_days)
        )
        if not before:
            return ()
        highest = _worst(before, highest=True)
        return (_pseudo(name, float(highest.value) - float(newest.value), "", newest, newest.when),)

    return read


def _ratio(alias: str, default: float | None) -> Source:
    """Times the laboratory's own upper limit; with `default` where it gives none."""

    def times(reading: Reading) -> Reading | None:
        limit = reading.upper_reference or default
        if not limit:
            return None
        note = "" if reading.upper_reference else f"upper limit taken as {limit:g} {reading.unit}"
        return replace(reading, alias=f"{alias}_ratio", value=float(reading.value) / limit, unit="", note=note)

    def read(view: View) -> tuple[Reading, ...]:
        return tuple(found for found in map(times, view.current(alias)) if found)

    return read


def _grip(view: View) -> tuple[Reading, ...]:
    """Per side the best trial of a session, then the worst session of the day."""
    found: list[Reading] = []
    for alias in ("grip_r", "grip_l"):
        best: dict[str, Reading] = {}
        for reading in view.current(alias):
            session = reading.when.latest.isoformat()
            known = best.get(session)
            if known is None or float(reading.value) > float(known.value):
                best[session] = reading
        if best:
            found.append(min(best.values(), key=lambda reading: float(reading.value)))
    return tuple(found)


# CDC STEADI, 30-second chair stand, "below average" under (men, women) from the age on. Source: observations.md 4.
_CHAIR_STANDS: Final = (
    (90, 7, 4),
    (85, 8, 8),
    (80, 10, 9),
    (75, 11, 10),
    (70, 12, 10),
    (65, 12, 11),
    (60, 14, 12),
)


def _sts_below_norm(view: View) -> tuple[Reading, ...]:
    """How many chair stands are lacking to the norm of age and sex; none below 60 years."""
    age, current = view.snapshot.age_years, view.current("sts30")
    norm = next((row for row in _CHAIR_STANDS if age is not None and age >= row[0]), None)
    if not current or norm is None:
        return ()
    needed = norm[2] if view.snapshot.sex == "female" else norm[1]
    newest = _worst(current, highest=False)
    return (_pseudo("sts_below_norm", needed - float(newest.value), "{count}", newest, newest.when, f"{needed}"),)


DERIVED: Final[Mapping[str, Derived]] = {
    "age": Derived(N_("Age"), "a", frozenset(), _age),
    "cycle_day": Derived(
        N_("Days since the last chemotherapy"),
        "d",
        frozenset({"vs.cytotoxic", "vs.chemo_encounter"}),
        _cycle_day,
    ),
    "weight_loss": Derived(N_("Weight lost in six months"), "%", frozenset({"weight"}), _weight_loss),
    "weight_gain_3d": Derived(
        N_("Weight gained in three days"), "kg", frozenset({"weight"}), _rise("weight", "weight_gain_3d", 3)
    ),
    "weight_loss_7d": Derived(
        N_("Weight lost in seven days"), "kg", frozenset({"weight"}), _drop("weight", "weight_loss_7d", 7)
    ),
    "lvef_fall": Derived(N_("Fall of the ejection fraction"), "%", frozenset({"lvef"}), _lvef_fall),
    "anc_fall": Derived(N_("Fall of the neutrophils"), "%", frozenset({"anc"}), _anc_fall),
    "fatigue_rise": Derived(
        N_("Rise of fatigue in 14 days"),
        "",
        frozenset({"fatigue_nrs"}),
        _rise("fatigue_nrs", "fatigue_rise", 14),
    ),
    "pain_rise": Derived(
        N_("Rise of pain in seven days"), "", frozenset({"pain_nrs"}), _rise("pain_nrs", "pain_rise", 7)
    ),
    "6mwd_fall": Derived(N_("Fall of the walking distance"), "m", frozenset({"6mwd"}), _drop("6mwd", "6mwd_fall", 365)),
    "ck_ratio": Derived(
        N_("Creatine kinase, times the upper limit"), "", frozenset({"ck"}), _ratio("ck", CK_UPPER_LIMIT)
    ),
    "troponin_ratio": Derived(
        N_("Troponin, times the upper limit"), "", frozenset({"troponin"}), _ratio("troponin", None)
    ),
    "crp_ratio": Derived(N_("C-reactive protein, times the upper limit"), "", frozenset({"crp"}), _ratio("crp", 10.0)),
    "grip": Derived(N_("Grip strength"), "kg", frozenset({"grip_r", "grip_l"}), _grip),
    "sts_below_norm": Derived(N_("Chair stands lacking to the norm"), "{count}", frozenset({"sts30"}), _sts_below_norm),
}


def _on_cytotoxic(view: View) -> bool:
    return view.on_cytotoxic


def _female(view: View) -> bool:
    return view.snapshot.sex == "female"


def _male_or_unknown(view: View) -> bool:
    return view.snapshot.sex != "female"


def _has_cancer(view: View) -> bool:
    return any(view.facts(name) for name in ("vs.cancer", "vs.cancer_secondary", "vs.cancer_history"))


def _lung_disease(view: View) -> bool:
    return any(
        view.present(fact)
        for name in ("vs.copd", "vs.ild", "vs.pneumonitis", "vs.effusion", "vs.pulm_htn")
        for fact in view.facts(name)
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """A named yes-or-no of a patient; `needs` as in `Derived`, `None` when nothing on file can be needed."""

    label: Text
    needs: frozenset[str] | None
    holds: Callable[[View], bool]


MARKS: Final[Mapping[str, Mark]] = {
    "on_cytotoxic": Mark(N_("On chemotherapy"), frozenset({"vs.cytotoxic", "vs.chemo_encounter"}), _on_cytotoxic),
    "on_systemic": Mark(N_("On systemic therapy"), None, lambda view: view.on_systemic),
    "haem_cancer": Mark(
        N_("Cancer of blood, marrow or lymph nodes"),
        frozenset({"vs.cancer", "vs.haem_cancer"}),
        lambda view: view.haem_cancer,
    ),
    "cardiotoxic": Mark(
        N_("Heart-damaging treatment within a year"),
        frozenset({"vs.anthracycline", "vs.her2"}),
        lambda view: view.mark("cardiotoxic"),
    ),
    "has_cancer": Mark(N_("Cancer"), frozenset({"vs.cancer", "vs.cancer_secondary", "vs.cancer_history"}), _has_cancer),
    "lung_disease": Mark(N_("Lung disease"), None, _lung_disease),
    "female": Mark(N_("Female"), None, _female),
    "male_or_unknown": Mark(N_("Not female"), None, _male_or_unknown),
}
