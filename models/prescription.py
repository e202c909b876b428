"""The exercise prescription (FITT) of one assessment, with what set each number."""

from __future__ import annotations

from typing import Final

from models.decision import Aerobic, Assessment, Prescription, Resistance
from models.dose.access import access_actions
from models.dose.allergies import allergy_notes
from models.dose.bone_sites import site_limits
from models.dose.draft import Draft
from models.dose.equity import adaptations
from models.dose.goals import barrier_actions, wished_goals
from models.dose.intensity import may_test_lift, zone_for
from models.dose.modifiers import apply_cycle, apply_symptoms
from models.dose.phases import base_for, started
from models.dose.programmes import template_for
from models.findings import Cap, Finding
from models.safety.view import View
from models.snapshot import Reading
from models.text import N_, Text

STOP_RULES: Final = (
    N_(
        "Stop and call the emergency number: chest pain or pressure, fainting, sudden weakness or trouble "
        "speaking, severe breathlessness"
    ),
    N_("Stop: dizziness or feeling faint, blue or very pale skin, new confusion"),
    N_("Stop: sharp or sudden pain in a bone or joint, or pain that rises by more than two points of ten"),
    N_("Stop: new swelling of an arm or leg"),
    N_(
        "Where it is measured, stop: oxygen saturation under 88 %, systolic pressure falling by 10 with effort, "
        "or blood pressure over 250 or 115"
    ),
)
"""When to stop a session. Source: rules.md MON-08, prescription.md section 8."""

PROGRESSION: Final = N_(
    "After two weeks with four fifths of the plan done and effort as planned, change one thing: five minutes more "
    "a session (at most 10 % a week), then one day more, then a little more effort. After a break of one or two "
    "weeks start again with 70 to 80 %, after a longer one with half; after an illness or a hospital stay ask first."
)

_WARM_UP: Final = N_("Warm up and cool down for 5 to 10 minutes each time")
_TALK_TEST: Final = N_("At the right effort you can talk, but not sing")
_NO_LIFT_TEST: Final = N_("No test of the greatest lift; keep two to four repetitions in reserve")
_BALANCE: Final = N_("Balance exercises, two to three times a week")
_BALANCE_AGE: Final = 65
_UNKNOWN_ACTIVITY: Final = 0.7


def prescribe(assessment: Assessment, seen: View | None = None) -> Prescription:
    """The dose of the first week, the limits, and the log; deterministic, and never above any cap.

    `seen` is the view of the same snapshot that the rules had, so that nothing is worked out twice.

    Source: prescription.md section 1: base, tier, goals, symptoms, rule caps, current activity, rounding.
    """
    view = seen or View(assessment.snapshot)
    base = base_for(assessment.phase, _days_since_surgery(view))
    draft = started(base, assessment.phase, _dose_tier(assessment))
    _apply_goals(draft, assessment)
    apply_symptoms(draft, view)
    if view.on_cytotoxic:
        apply_cycle(draft, view)
    for finding in assessment.findings:
        _apply_caps(draft, finding)
    _apply_bone_sites(draft, assessment)
    _apply_current_activity(draft, view, assessment.tier)
    _add_intensity(draft, view, assessment)
    person = assessment.snapshot
    for by, text in (*adaptations(person), *barrier_actions(person), *access_actions(person), *allergy_notes(person)):
        draft.add(text, by)
    return _finished(draft, assessment.phase, base.weeks)


def _dose_tier(assessment: Assessment) -> str:
    """The tier whose scale counts; of an unjudged chart the one that its supervision points to."""
    if assessment.tier != "T?":
        return assessment.tier
    return {4: "T1", 3: "T2"}.get(assessment.min_supervision, "T?")


def _days_since_surgery(view: View) -> int | None:
    found = [view.since(fact) for fact in view.facts("vs.surgery_major")]
    return min((days for days in found if days is not None), default=None)


# Goals

_GOALS: Final[dict[str, Text]] = {
    "FAT-01": N_("For fatigue: split sessions into bouts, take the time of day with most energy"),
    "FAT-02": N_("For fatigue: split sessions into bouts, take the time of day with most energy"),
    "NEU-05": N_("For balance: 10 to 15 minutes of balance exercises, two to three times a week"),
    "FAL-01": N_("For balance: 10 to 15 minutes of balance exercises, two to three times a week"),
    "FAL-02": N_("For balance: 10 to 15 minutes of balance exercises, two to three times a week"),
    "FRA-02": N_("For strength: strength exercises first in each session, protein with meals"),
    "CAC-01": N_("For strength: strength exercises first in each session, protein with meals"),
    "TRT-15": N_("For bones and muscles: strength exercises first, impact as it feels right"),
    "BON-06": N_("For bones: strength and balance exercises; no loaded bending or twisting"),
    "RSP-03": N_("For breathlessness: intervals with rests, breathing out through pursed lips"),
    "PSY-01": N_("For mood: a regular time, outdoors or with others"),
}


def _apply_goals(draft: Draft, assessment: Assessment) -> None:
    """Table 4, by what the rules found and by what the patient wants."""
    for finding in assessment.findings:
        text = _GOALS.get(finding.rule)
        if text:
            draft.add(text, f"table 4, {finding.rule}")
    for by, wished in wished_goals(assessment.snapshot, assessment.findings):
        draft.add(wished, by)
    age = assessment.snapshot.age_years
    if age is not None and age >= _BALANCE_AGE:
        draft.add(_BALANCE, "table 2, 65 years and older")


# Rule caps


def _apply_caps(draft: Draft, finding: Finding) -> None:
    for cap in finding.caps:
        _apply_cap(draft, cap, finding.rule)
        draft.cap(cap.text)


def _apply_bone_sites(draft: Draft, assessment: Assessment) -> None:
    if not any(finding.rule == "BON-04" for finding in assessment.findings):
        return
    for by, text in site_limits(assessment.snapshot):
        draft.caps.append(text)
        draft.log("avoid", text.msgid, by, text)


def _apply_cap(draft: Draft, cap: Cap, by: str) -> None:
    if isinstance(cap.value, str):
        _apply_word(draft, cap.kind, cap.value, cap.text, by)
    elif cap.kind == "rpe_max":
        draft.limit_rpe(cap.value, by, cap.text)
    elif cap.kind == "minutes_max":
        draft.limit_minutes(cap.value, by, cap.text)
    elif cap.kind == "days_max":
        draft.limit_days(cap.value, by, cap.text)
    elif cap.kind == "sets_max":
        draft.limit_sets(cap.value, by, cap.text)
    elif cap.kind == "volume_factor":
        draft.scale(cap.value, by, cap.text)


def _apply_word(draft: Draft, kind: str, value: str, text: Text, by: str) -> None:
    if kind == "resistance":
        draft.limit_strength(value, by, text)
    elif kind == "mode":
        draft.modes = (text,) if not draft.modes_from_rules else (*draft.modes, text)
        draft.modes_from_rules = True
        draft.log("aerobic.modes", value, by, text)
    else:
        draft.log(kind, value, by, text)


# Current activity


def _apply_current_activity(draft: Draft, view: View, tier: str) -> None:
    """Start at the lower of the plan and what the patient does now plus 20 to 30 minutes a week."""
    current = view.current("evs_min_week")
    more = 20 if tier in ("T1", "T2") else 30
    if not current and not any(map(view.present, view.facts("vs.low_pa"))):
        if draft.factor > _UNKNOWN_ACTIVITY:
            draft.scale(_UNKNOWN_ACTIVITY / draft.factor, "step 6", N_("Current activity is not known: start lower"))
        draft.settle()
        return
    draft.settle()
    minutes = min((_minutes(reading) for reading in current), default=0.0)
    draft.fit_week(
        minutes + more,
        "step 6",
        N_("{now} minutes a week now, {more} more to start with", now=f"{minutes:g}", more=more),
    )


def _minutes(reading: Reading) -> float:
    return 0.0 if isinstance(reading.value, str) else float(reading.value)


# Intensity and orientation


def _add_intensity(draft: Draft, view: View, assessment: Assessment) -> None:
    """Warm-up, talk test, heart-rate zone where it holds, and the named programme that fits."""
    draft.add(_WARM_UP, "section 7")
    draft.add(_TALK_TEST, "section 7")
    draft.add(zone_for(view, assessment.findings, draft.rpe_max).text, "section 7")
    if draft.strength_days and not may_test_lift(assessment.findings, hypertensive=view.mark("hypertensive")):
        draft.add(_NO_LIFT_TEST, "section 7")
    template = template_for(assessment)
    if template:
        draft.add(N_("A programme of this kind: {name}", name=template.name), f"programme {template.key}")


# The end


def _finished(draft: Draft, phase: str, weeks: int) -> Prescription:
    return Prescription(
        phase=phase,
        aerobic=Aerobic(draft.days, int(draft.minutes), draft.rpe_min, draft.rpe_max, draft.modes),
        resistance=Resistance(draft.strength_days, draft.sets_min, draft.sets_max, draft.repetitions, draft.load),
        other=tuple(draft.other),
        progression=PROGRESSION,
        caps=tuple(draft.caps),
        stop_rules=STOP_RULES,
        reasons=tuple(draft.reasons),
        weeks=weeks,
    )
