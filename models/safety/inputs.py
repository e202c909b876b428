"""Named values that are worked out from several readings or facts: weight loss, cycle day, ratio to the limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from models.safety import trends
from models.safety.trends import Source, before_it, derived, final_values, moved, number_of, worst
from models.safety.view import View
from models.snapshot import Reading, When
from models.text import N_, Text

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


def _today(view: View) -> When:
    return When(view.as_of, view.as_of)


def _age(view: View) -> tuple[Reading, ...]:
    years = view.snapshot.age_years
    return () if years is None else (derived("age", years, "a", None, _today(view)),)


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
    newest = worst(current, highest=False)
    begun = newest.when.earliest
    back, short = [], []
    for reading in final_values(view, "weight"):
        if reading.when.latest < begun:
            days = view.days_since(reading.when)
            if _FOUR_MONTHS <= days <= _SEVEN_MONTHS:
                back.append(reading)
            if days <= _SIX_MONTHS:
                short.append(reading)
    if not back and not short:
        return ()
    reference = worst(tuple(back), highest=True) if back else short[-1]
    lost = 100 * (number_of(reference) - number_of(newest)) / number_of(reference)
    note = f"{reference.value:g} kg on {reference.when.day}" + ("" if back else ", short series")
    # A short series may fire, it clears nothing.
    return (derived("weight_loss", lost, "%", newest, newest.when, note, sure=bool(back)),)


_FOUR_MONTHS: Final = 120
_SIX_MONTHS: Final = 183
_SEVEN_MONTHS: Final = 214


def _lvef_fall(view: View) -> tuple[Reading, ...]:
    """Points below the highest value in the 24 months before the newest one."""
    current = view.current("lvef")
    if not current:
        return ()
    newest = worst(current, highest=False)
    before = before_it(view, "lvef", newest, _TWO_YEARS)
    if not before:
        return ()
    highest = worst(before, highest=True)
    fall = number_of(highest) - number_of(newest)
    return (derived("lvef_fall", fall, "%", newest, newest.when, f"{highest.value:g} % on {highest.when.day}"),)


_TWO_YEARS: Final = timedelta(days=731)


def _anc_fall(view: View) -> tuple[Reading, ...]:
    """Per cent under the value before, both within 7 days."""
    current = view.current("anc")
    if not current:
        return ()
    newest = worst(current, highest=False)
    before = [
        r for r in final_values(view, "anc") if r.when.latest < newest.when.earliest and view.days_since(r.when) <= 7
    ]
    if not before or number_of(before[0]) <= 0:
        return ()
    fall = 100 * (number_of(before[0]) - number_of(newest)) / number_of(before[0])
    return (derived("anc_fall", fall, "%", newest, newest.when),)


def _ratio(alias: str, default: float | None) -> Source:
    """Times the laboratory's own upper limit; with `default` where it gives none."""

    def times(reading: Reading) -> Reading | None:
        limit = reading.upper_reference or default
        if not limit:
            return None
        note = "" if reading.upper_reference else f"upper limit taken as {limit:g} {reading.unit}"
        return replace(reading, alias=f"{alias}_ratio", value=number_of(reading) / limit, unit="", note=note)

    def read(view: View) -> tuple[Reading, ...]:
        return tuple(found for found in map(times, view.current(alias)) if found)

    return read


_UNCORRECTED: Final = "uncorrected"  # the reader's note on a total calcium that no albumin corrects


def _calcium(view: View) -> tuple[Reading, ...]:
    """Calcium corrected for albumin."""
    return tuple(reading for reading in view.current("ca_corr") if _UNCORRECTED not in reading.note)


def _calcium_uncorrected(view: View) -> tuple[Reading, ...]:
    """Total calcium that is judged because no albumin corrects it; marked so."""
    marked = tuple(reading for reading in view.current("ca_corr") if _UNCORRECTED in reading.note)
    if marked or view.fresh("ca_corr"):
        return marked
    return tuple(replace(reading, note=f"no albumin: {_UNCORRECTED}") for reading in view.current("ca"))


def _grip(view: View) -> tuple[Reading, ...]:
    """Per side the best trial of a session, then the worst session of the day."""
    found: list[Reading] = []
    for alias in ("grip_r", "grip_l"):
        best: dict[str, Reading] = {}
        for reading in view.current(alias):
            session = reading.when.latest.isoformat()
            known = best.get(session)
            if known is None or number_of(reading) > number_of(known):
                best[session] = reading
        if best:
            found.append(min(best.values(), key=lambda reading: number_of(reading)))
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
    newest = worst(current, highest=False)
    return (derived("sts_below_norm", needed - number_of(newest), "{count}", newest, newest.when, f"{needed}"),)


def _derived(label: Text, unit: str, needs: str, read: Source) -> Derived:
    return Derived(label, unit, frozenset(needs.split()), _once(read))


def _once(read: Source) -> Source:
    """The same source, worked out once a snapshot however many rules ask."""

    def known(view: View) -> tuple[Reading, ...]:
        found = view.worked_out.get(read)
        if found is None:
            found = view.worked_out[read] = read(view)
        return found

    return known


DERIVED: Final[Mapping[str, Derived]] = {
    "age": _derived(N_("Age"), "a", "", _age),
    "cycle_day": _derived(N_("Days since the last chemotherapy"), "d", "vs.cytotoxic vs.chemo_encounter", _cycle_day),
    "weight_loss": _derived(N_("Weight lost in six months"), "%", "weight", _weight_loss),
    "weight_gain_3d": _derived(
        N_("Weight gained in three days"), "kg", "weight", moved("weight", "weight_gain_3d", "kg", 3, up=True)
    ),
    "weight_loss_7d": _derived(
        N_("Weight lost in seven days"), "kg", "weight", moved("weight", "weight_loss_7d", "kg", 7, up=False)
    ),
    "lvef_fall": _derived(N_("Fall of the ejection fraction"), "%", "lvef", _lvef_fall),
    "anc_fall": _derived(N_("Fall of the neutrophils"), "%", "anc", _anc_fall),
    "fatigue_rise": _derived(
        N_("Rise of fatigue in 14 days"),
        "",
        "fatigue_nrs",
        moved("fatigue_nrs", "fatigue_rise", "", 14, up=True),
    ),
    "pain_rise": _derived(
        N_("Rise of pain in seven days"), "", "pain_nrs", moved("pain_nrs", "pain_rise", "", 7, up=True)
    ),
    "6mwd_fall": _derived(
        N_("Fall of the walking distance"), "m", "6mwd", moved("6mwd", "6mwd_fall", "m", 365, up=False)
    ),
    "ck_ratio": _derived(N_("Creatine kinase, times the upper limit"), "", "ck", _ratio("ck", CK_UPPER_LIMIT)),
    "troponin_ratio": _derived(N_("Troponin, times the upper limit"), "", "troponin", _ratio("troponin", None)),
    "crp_ratio": _derived(N_("C-reactive protein, times the upper limit"), "", "crp", _ratio("crp", 10.0)),
    "calcium": _derived(N_("Calcium, corrected for albumin"), "mmol/L", "ca_corr", _calcium),
    "calcium_uncorrected": _derived(N_("Calcium without an albumin"), "mmol/L", "ca ca_corr", _calcium_uncorrected),
    "grip": _derived(N_("Grip strength"), "kg", "grip_r grip_l", _grip),
    "sts_below_norm": _derived(N_("Chair stands lacking to the norm"), "{count}", "sts30", _sts_below_norm),
    "steps_share": _derived(N_("Steps, share of the usual"), "%", "steps", trends.steps_share),
    "steps_low_days": _derived(N_("Days with few steps"), "d", "steps", trends.steps_low_days),
    "pulse_rise": _derived(N_("Resting pulse over the usual"), "/min", "hr_rest_d", trends.pulse_rise),
    "pulse_high_days": _derived(N_("Days with a high pulse"), "d", "hr_rest_d", trends.pulse_high_days),
    "device_pulse": _derived(N_("Resting pulse of the device today"), "/min", "hr_rest_d", trends.device_pulse),
    "missed_sessions": _derived(N_("Sessions missed in a row"), "{count}", "session_status", trends.missed_sessions),
    "hard_sessions": _derived(N_("Hard sessions in a row"), "{count}", "rpe", trends.hard_sessions),
}


# Yes or no


@dataclass(frozen=True, slots=True)
class Mark:
    """A named yes-or-no of a patient; `needs` as in `Derived`, `None` when nothing need be on file."""

    label: Text
    needs: frozenset[str] | None
    holds: Callable[[View], bool]


_CANCER: Final = ("vs.cancer", "vs.cancer_secondary", "vs.cancer_history")
_LUNG: Final = ("vs.copd", "vs.ild", "vs.pneumonitis", "vs.effusion", "vs.pulm_htn")
_NEWLY: Final = 14  # days, conventions.md section 3, row RSP-01
_OXYGEN_LIMIT: Final = 88.0


def _has_cancer(view: View) -> bool:
    return any(view.facts(name) for name in _CANCER)


def _lung_disease(view: View) -> bool:
    return any(view.present(fact) for name in _LUNG for fact in view.facts(name))


def _oxygen_newly_low(view: View) -> bool:
    """The first value under the limit within 14 days, with an earlier one above it or none at all before."""
    series = final_values(view, "spo2")
    low = [reading for reading in series if number_of(reading) < _OXYGEN_LIMIT]
    recent = [reading for reading in view.current("spo2") if number_of(reading) < _OXYGEN_LIMIT]
    first = low[-1] if low else (recent[-1] if recent else None)
    return first is not None and view.days_since(first.when) <= _NEWLY


def _parq_resolved(view: View) -> bool:
    """The follow-up pages were all answered no, validly and within their time."""
    name = "parq-follow-up-clear"
    return view.fresh(name) and all(reading.value is True for reading in view.current(name))


def _red_flags_denied(view: View) -> bool:
    name = "back-red-flags"
    return view.fresh(name) and all(reading.value is False for reading in view.current(name))


def _mark(label: Text, needs: str | None, holds: Callable[[View], bool]) -> Mark:
    return Mark(label, None if needs is None else frozenset(needs.split()), holds)


MARKS: Final[Mapping[str, Mark]] = {
    "on_cytotoxic": _mark(N_("On chemotherapy"), "vs.cytotoxic vs.chemo_encounter", lambda view: view.on_cytotoxic),
    "haem_cancer": _mark(
        N_("Cancer of blood, marrow or lymph nodes"),
        "vs.cancer vs.haem_cancer",
        lambda view: view.haem_cancer,
    ),
    "cardiotoxic": _mark(
        N_("Heart-damaging treatment within a year"),
        "vs.anthracycline vs.her2",
        lambda view: view.mark("cardiotoxic"),
    ),
    "has_cancer": _mark(N_("Cancer, now or in the past"), " ".join(_CANCER), _has_cancer),
    "no_cancer": _mark(N_("No cancer"), None, lambda view: not _has_cancer(view)),
    "lung_disease": _mark(N_("Lung disease"), " ".join(_LUNG), _lung_disease),
    "female": _mark(N_("Female"), None, lambda view: view.snapshot.sex == "female"),
    "male_or_unknown": _mark(N_("Not female"), None, lambda view: view.snapshot.sex != "female"),
    "oxygen_newly_low": _mark(N_("Oxygen newly low"), "spo2", _oxygen_newly_low),
    "parq_resolved": _mark(N_("PAR-Q+ follow-up pages resolve it"), "parq-follow-up-clear", _parq_resolved),
    "red_flags_denied": _mark(N_("Red-flag questions answered no"), "back-red-flags", _red_flags_denied),
}
