"""What is read of fitness, barriers and the extent of the tumour beside the plain values."""

from __future__ import annotations

import pytest

from mappings.canonical import STRIDE_OBSERVATIONS
from tests.mappings.charts import SNOMED, concept, local_observation, observation, quantity, snapshot_with

UPTAKE = observation("60842-2", quantity(1.8, "L/min"), id_="vo2")


def weight(kg: float, day: str = "2026-11-20") -> object:
    return observation("29463-7", quantity(kg, "kg"), id_="kg", effectiveDateTime=day)


def test_litres_a_minute_are_divided_by_the_weight():
    found = snapshot_with(UPTAKE, weight(75)).latest("vo2peak")
    assert (found.value, found.unit) == (24, "mL/kg/min")
    assert found.source == "Observation/vo2 + Observation/kg"
    assert found.note == "1.8 L/min by weight"


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((), id="no weight"),
        pytest.param((weight(75, "2026-10-01"),), id="a weight of two months ago"),
        pytest.param((weight(399),), id="implausibly little"),
    ],
)
def test_without_a_weight_that_fits_there_is_no_uptake(others):
    snapshot = snapshot_with(UPTAKE, *others)
    assert snapshot.latest("vo2peak") is None
    assert "vo2_whole" not in snapshot.values


def test_an_uptake_a_kilogram_is_taken_as_it_is_and_another_unit_refused():
    plain = observation("60842-2", quantity(21, "mL/kg/min"))
    assert snapshot_with(plain, weight(75)).latest("vo2peak").value == 21
    assert [gap.why for gap in snapshot_with(observation("60842-2", quantity(21, "L"))).faults] == ["unit"]


def test_barriers_are_read_as_coded_answers():
    made = local_observation("com-b-motivation", valueCodeableConcept=concept(STRIDE_OBSERVATIONS, "fatigue"))
    assert snapshot_with(made).latest("com_b").value == "fatigue"


@pytest.mark.parametrize(("code", "alias"), [("21905-5", "tnm_t"), ("21900-6", "tnm_n"), ("21907-1", "tnm_m")])
def test_tnm_categories_are_read_as_the_chart_codes_them(code, alias):
    made = observation(code, valueCodeableConcept=concept(SNOMED, "1228882005"))
    assert snapshot_with(made).latest(alias).value == "1228882005"
