"""Values that contradict each other are shown as such, and judged by the worse one."""

from __future__ import annotations

from typing import Any

import pytest

from models.assessment import assess
from models.proposal import decide
from models.snapshot import PatientSnapshot
from models.summary import summary
from tests.mappings.charts import answers, condition, observation, quantity, snapshot_with

EARLY, LATE = "2026-11-25T08:00:00+11:00", "2026-11-25T13:00:00+11:00"
YESTERDAY = "2026-11-24T13:00:00+11:00"


def platelets(value: float, at: str, /, **more: Any) -> Any:
    return observation("777-3", quantity(value, "10*9/L"), id_=f"p{value}", effectiveDateTime=at, **more)


def pressure(high: float, low: float, at: str) -> Any:
    parts = [
        {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": quantity(value, "mm[Hg]")}
        for code, value in (("8480-6", high), ("8462-4", low))
    ]
    return observation("85354-9", id_=f"bp{high}", effectiveDateTime=at, component=parts)


def contradicted(snapshot: PatientSnapshot) -> dict[str, str]:
    return {gap.input: gap.text for gap in snapshot.faults if gap.why == "conflict"}


def test_two_values_of_one_day_are_named_with_both_values():
    snapshot = snapshot_with(platelets(34, EARLY), platelets(180, LATE))
    assert contradicted(snapshot) == {"platelets": "180 and 34 10*9/L on 2026-11-25; the worse one counts"}


def test_they_stand_in_the_gaps_and_the_worse_one_fires():
    snapshot = snapshot_with(condition("C50.9"), platelets(8, EARLY), platelets(180, LATE))
    found = summary(decide(snapshot))
    assert found["verdict"] == "hold"
    assert ("platelets", "conflict") in {(gap["input"], gap["why"]) for gap in found["gaps"]}
    assert "HEM-01" in {finding.rule for finding in assess(snapshot).findings}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(platelets(34, YESTERDAY), id="of another day"),
        pytest.param(platelets(180.0, EARLY), id="the same value"),
        pytest.param(platelets(34, EARLY, status="preliminary"), id="not final yet"),
        pytest.param(
            observation("777-3", quantity(34, "10*9/L", comparator="<"), id_="p", effectiveDateTime=EARLY), id="a bound"
        ),
    ],
)
def test_these_are_no_contradiction(other):
    assert contradicted(snapshot_with(other, platelets(180, LATE))) == {}


def test_a_pulse_that_changes_over_the_day_is_none_but_two_at_one_moment_are():
    def pulse(value: float, at: str) -> Any:
        return observation("40443-4", quantity(value, "/min"), id_=f"h{value}", effectiveDateTime=at)

    assert contradicted(snapshot_with(pulse(60, EARLY), pulse(75, LATE))) == {}
    assert set(contradicted(snapshot_with(pulse(60, LATE), pulse(75, LATE)))) == {"hr_rest"}


def test_trials_of_grip_are_meant_to_differ():
    trials = [observation("83174-3", quantity(kg, "kg"), id_=f"g{kg}", effectiveDateTime=EARLY) for kg in (21, 24)]
    assert contradicted(snapshot_with(*trials)) == {}


def test_a_no_and_a_yes_of_one_day_are_named_and_the_yes_counts():
    snapshot = snapshot_with(
        condition("C50.9"),
        {**answers(id_="one", fever=True), "authored": EARLY},
        {**answers(id_="two", fever=False), "authored": LATE},
    )
    assert contradicted(snapshot)["fever"].startswith("no and yes")
    assert any("fever" in {one.name for one in finding.inputs} for finding in assess(snapshot).findings)


def test_each_pressure_is_judged_and_the_mean_stands_beside():
    snapshot = snapshot_with(condition("C50.9"), pressure(190, 100, EARLY), pressure(150, 90, LATE))
    assert {reading.note for reading in snapshot.series("sbp")} == {"mean of 2: 170"}
    assert {reading.note for reading in snapshot.series("dbp")} == {"mean of 2: 95"}
    shown = [one.value for finding in assess(snapshot).findings for one in finding.inputs if one.name == "sbp"]
    assert "190 (mean of 2: 170)" in shown


def test_a_pressure_of_another_day_is_not_in_the_mean():
    snapshot = snapshot_with(pressure(190, 100, YESTERDAY), pressure(150, 90, LATE))
    assert {reading.note for reading in snapshot.series("sbp")} == {""}
