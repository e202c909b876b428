"""The prescription: tables 2, 3, 5 and 6, rule caps, current activity, and the log of who set what."""

from __future__ import annotations

from typing import Any

import pytest

from models.assessment import assess
from models.decision import Prescription
from models.dose.phases import BASES, EARLY_RECOVERY, SCALES
from models.prescription import STOP_RULES, prescribe
from models.safety.view import View
from models.snapshot import PatientSnapshot
from tests.builders import (
    a_dose,
    a_fact,
    a_reading,
    a_snapshot,
    a_treated_patient,
    normal_readings,
)


def _plan(snapshot: PatientSnapshot) -> Prescription:
    return prescribe(assess(snapshot))


def _survivor(*readings: Any, **more: Any) -> PatientSnapshot:
    named = {reading.alias for reading in readings}
    normal = [reading for reading in normal_readings() if reading.alias not in named]
    return a_snapshot(*readings, *normal, **more)


def _active(minutes: float) -> Any:
    return a_reading("evs_min_week", minutes, days_ago=3)


def test_a_patient_on_chemotherapy_starts_with_three_sessions_of_twenty_minutes() -> None:
    plan = _plan(a_treated_patient())
    assert plan.phase == "P2"
    assert (plan.aerobic.days_per_week, plan.aerobic.minutes) == (3, 20)
    assert (plan.aerobic.rpe_min, plan.aerobic.rpe_max) == (11, 13)
    assert (plan.resistance.days_per_week, plan.resistance.sets_min, plan.resistance.sets_max) == (2, 1, 2)
    assert plan.resistance.repetitions == "8-15"
    assert plan.weeks == 12


def test_an_active_survivor_of_low_risk_gets_the_full_150_minutes() -> None:
    plan = _plan(_survivor(_active(200)))
    assert plan.phase == "P6"
    assert plan.minutes_per_week == 150


def test_an_inactive_survivor_starts_at_what_is_done_now_and_thirty_minutes_more() -> None:
    assert _plan(_survivor(_active(0))).minutes_per_week == 30
    assert _plan(_survivor(_active(60))).minutes_per_week == 75  # five days of 15: simple numbers, under 90


def test_unknown_activity_is_never_taken_for_active() -> None:
    unknown, active = _plan(_survivor()), _plan(_survivor(_active(200)))
    assert unknown.minutes_per_week < active.minutes_per_week
    assert any(reason.by == "step 6" for reason in unknown.reasons)


def test_low_activity_on_file_counts_as_inactive_until_it_is_measured() -> None:
    assert _plan(_survivor(facts=[a_fact("vs.low_pa")])).minutes_per_week == 30


@pytest.mark.parametrize(
    ("day", "minutes", "rpe_max", "sets_max"),
    [(0, 10, 11, 0), (1, 10, 11, 2), (2, 10, 11, 2), (3, 15, 13, 1), (6, 15, 13, 1), (7, 20, 13, 2),
     (14, 20, 13, 2), (15, 20, 13, 2), (21, 20, 13, 2)],
)  # fmt: skip
def test_the_dose_follows_the_day_of_the_cycle(day: int, minutes: int, rpe_max: int, sets_max: int) -> None:
    plan = _plan(a_treated_patient(dose_days_ago=day))
    assert (plan.aerobic.minutes, plan.aerobic.rpe_max, plan.resistance.sets_max) == (
        minutes,
        rpe_max,
        sets_max,
    )


def test_in_the_nadir_an_unknown_count_costs_a_quarter() -> None:
    readings = normal_readings(anc=None)
    plan = _plan(a_snapshot(*readings, facts=a_dose(days_ago=10)))
    assert plan.aerobic.minutes == 15
    assert any(reason.by == "table 6, day 10" for reason in plan.reasons)


def test_platelets_of_25_allow_light_effort_and_bands_only() -> None:
    plan = _plan(a_treated_patient(a_reading("platelets", 25)))
    assert plan.aerobic.rpe_max == 11
    assert "bands" in str(plan.resistance.load)
    assert any("impact" in str(cap) for cap in plan.caps)
    assert [str(mode) for mode in plan.aerobic.modes] == ["Walking or stationary cycling"]
    assert ("aerobic.rpe_max", "11", "HEM-03") in {(r.what, r.value, r.by) for r in plan.reasons}


@pytest.mark.parametrize(
    ("fatigue", "minutes", "rpe_max"), [(3, 20, 13), (4, 15, 12), (6, 15, 12), (7, 10, 10), (8, 10, 10)]
)
def test_fatigue_lowers_volume_and_effort(fatigue: float, minutes: int, rpe_max: int) -> None:
    plan = _plan(a_treated_patient(a_reading("fatigue_nrs", fatigue)))
    assert (plan.aerobic.minutes, plan.aerobic.rpe_max) == (minutes, rpe_max)


@pytest.mark.parametrize(
    ("alias", "value", "rpe_max"),
    [("pain_nrs", 3, 13), ("pain_nrs", 4, 12), ("dyspnoea_borg", 2, 13), ("dyspnoea_borg", 3, 12), ("sleep", 5, 13),
     ("sleep", 4.9, 12), ("dizziness", True, 11), ("gi_ctcae", 1, 11), ("ctcae_neuropathy", 2, 12)],
)  # fmt: skip
def test_symptoms_cap_the_effort(alias: str, value: float | bool, rpe_max: int) -> None:
    assert _plan(a_treated_patient(a_reading(alias, value))).aerobic.rpe_max == rpe_max


def test_factors_multiply_and_the_floor_is_ten_light_minutes_on_two_days() -> None:
    readings = [a_reading("fatigue_nrs", 8), a_reading("pain_nrs", 6), a_reading("sleep", 4)]
    plan = _plan(a_treated_patient(*readings))
    assert (plan.aerobic.minutes, plan.aerobic.rpe_max) == (10, 10)
    assert plan.aerobic.days_per_week >= 2


def test_a_tier_scales_the_base() -> None:
    high = _plan(_survivor(a_reading("tug", 13), _active(200)))
    assert (high.aerobic.days_per_week, high.aerobic.minutes, high.aerobic.rpe_max) == (3, 15, 12)
    very_high = _plan(_survivor(facts=[a_fact("vs.hf", days_ago=900)]))
    assert (very_high.aerobic.minutes, very_high.aerobic.rpe_max) == (10, 11)
    assert very_high.resistance.sets_max == 1


def test_recovery_from_surgery_has_a_step_of_its_own_up_to_day_42() -> None:
    def operated(days: int) -> Prescription:
        fact = a_fact("vs.surgery_major", days_ago=days, kind="procedure", details={"body_site": "breast"})
        return _plan(_survivor(facts=[fact]))

    assert operated(42).aerobic.days_per_week == EARLY_RECOVERY.days[0]
    assert "4.5 kg" in str(EARLY_RECOVERY.load)
    assert operated(43).aerobic.days_per_week == BASES["P5"].days[0]


def test_every_number_of_the_plan_has_a_reason() -> None:
    plan = _plan(a_treated_patient(a_reading("platelets", 25), a_reading("fatigue_nrs", 5), _active(30)))
    last = {reason.what: reason.value for reason in plan.reasons}
    assert last["aerobic.days_per_week"] == str(plan.aerobic.days_per_week)
    assert last["aerobic.minutes"] == str(plan.aerobic.minutes)
    assert last["aerobic.rpe_max"] == str(plan.aerobic.rpe_max)
    assert last["resistance.sets_max"] == str(plan.resistance.sets_max)
    assert last["resistance.days_per_week"] == str(plan.resistance.days_per_week)
    assert last["weeks"] == str(plan.weeks)


def test_the_stop_signs_stand_in_every_plan() -> None:
    assert _plan(a_treated_patient()).stop_rules == STOP_RULES
    said = " ".join(map(str, STOP_RULES))
    for sign in ("chest pain", "confusion", "bone", "swelling", "88 %", "250", "115"):
        assert sign in said


def test_the_rhythm_of_the_cycle_and_the_warm_up_are_in_the_plan() -> None:
    other = " ".join(str(text) for text in _plan(a_treated_patient()).other)
    assert "infusion" in other
    assert "Warm up" in other
    assert "talk" in other


def test_no_text_promises_survival() -> None:
    plan = _plan(a_treated_patient(facts=[a_fact("vs.bone_mets")]))
    words = " ".join(map(str, (*plan.other, *plan.caps, plan.progression, *plan.stop_rules))).casefold()
    for word in ("survival", "recurrence", "mortality", "cure"):
        assert word not in words


def test_the_tables_are_whole() -> None:
    assert set(BASES) == {"P1", "P2", "P3", "P4", "P5", "P6", "P7", "N1"}
    assert set(SCALES) == {"T1", "T2", "T3", "T4", "T?"}
    volumes = [SCALES[tier].volume for tier in ("T1", "T2", "T3", "T4")]
    assert volumes == sorted(volumes)


def test_an_unjudged_chart_is_dosed_by_the_supervision_that_it_asks_for() -> None:
    weak_heart = a_reading("lvef", 35)
    judged = _plan(a_treated_patient(weak_heart))
    unjudged = _plan(a_treated_patient(weak_heart, answered=False))
    assert unjudged.aerobic == judged.aerobic
    assert unjudged.resistance == judged.resistance


def test_the_view_that_the_rules_had_changes_nothing() -> None:
    snapshot = a_treated_patient(a_reading("fatigue_nrs", 8.0), a_reading("evs_min_week", 60.0))
    view = View(snapshot)
    assert prescribe(assess(snapshot, seen=view), view) == prescribe(assess(snapshot))
