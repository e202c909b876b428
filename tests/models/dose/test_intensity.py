"""Heart-rate zones, talk test and loads."""

from __future__ import annotations

import pytest

from models.assessment import assess
from models.dose.intensity import (
    estimated_maximum,
    in_zone,
    may_test_lift,
    one_repetition_maximum,
    zone_for,
)
from models.safety.view import View
from models.snapshot import PatientSnapshot
from tests.builders import a_fact, a_reading, a_treated_patient


def _zone(snapshot: PatientSnapshot, rpe_max: int = 13) -> tuple[int | None, int | None]:
    zone = zone_for(View(snapshot), assess(snapshot).findings, rpe_max)
    assert zone.holds is (zone.low is not None)
    return zone.low, zone.high


def test_the_greatest_rate_falls_with_age() -> None:
    assert estimated_maximum(60) == pytest.approx(166)


@pytest.mark.parametrize(("rpe_max", "low", "high"), [(11, 100, 110), (13, 110, 125), (15, 125, 155)])
def test_the_zone_is_a_share_of_the_reserve_in_steps_of_five(rpe_max: int, low: int, high: int) -> None:
    assert _zone(a_treated_patient(), rpe_max) == (low, high)


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(a_treated_patient(facts=[a_fact("vs.rate_limiting_drug", kind="order")]), id="beta blocker"),
        pytest.param(a_treated_patient(facts=[a_fact("vs.af")]), id="atrial fibrillation"),
        pytest.param(a_treated_patient(facts=[a_fact("vs.sci")]), id="spinal cord injury"),
        pytest.param(a_treated_patient(a_reading("hr_rest", 70, days_ago=8)), id="resting rate too old"),
        pytest.param(a_treated_patient(born=None), id="age unknown"),
    ],
)
def test_there_is_no_zone_where_the_pulse_would_mislead(snapshot: PatientSnapshot) -> None:
    assert _zone(snapshot) == (None, None)


@pytest.mark.parametrize(("minutes", "counts"), [(13.9, False), (14, True)])
def test_a_session_is_in_its_zone_from_seventy_per_cent_on(minutes: float, counts: bool) -> None:
    assert in_zone(minutes, 20) is counts


def test_the_greatest_lift_is_estimated_up_to_ten_repetitions_only() -> None:
    assert one_repetition_maximum(40, 1) == 40
    assert one_repetition_maximum(30, 10) == pytest.approx(40)
    assert one_repetition_maximum(30, 11) is None


@pytest.mark.parametrize(
    ("snapshot", "may"),
    [
        (a_treated_patient(), True),
        (a_treated_patient(a_reading("platelets", 49)), False),
        (a_treated_patient(a_reading("platelets", 50)), True),
        (a_treated_patient(facts=[a_fact("vs.bone_mets")]), False),
        (a_treated_patient(facts=[a_fact("vs.osteoporosis")]), False),
        (a_treated_patient(a_reading("sbp", 185)), False),
    ],
)
def test_nobody_tests_the_greatest_lift_with_weak_bones_low_platelets_or_high_pressure(
    snapshot: PatientSnapshot, may: bool
) -> None:
    assert may_test_lift(assess(snapshot).findings) is may


def test_nobody_tests_the_greatest_lift_with_a_diagnosis_of_high_pressure() -> None:
    assert may_test_lift((), hypertensive=False)
    assert not may_test_lift((), hypertensive=True)
