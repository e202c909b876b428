"""mappings/from_fhir/derived.py. Source: observations.md section 1, "Derived"."""

from __future__ import annotations

import pytest

from tests.mappings.charts import observation, quantity, reading, snapshot_with

WEIGHT = observation("29463-7", quantity(70, "kg"), id_="w")


def height(date: str):
    return observation("8302-2", quantity(175, "cm"), id_="h", effectiveDateTime=date)


def test_body_mass_index_from_weight_and_height_within_90_days():
    found = reading("bmi", WEIGHT, height("2026-09-01"))
    assert found.value == pytest.approx(22.857, abs=1e-3)
    assert found.source == "Observation/w + Observation/h"
    assert found.when.day == "2026-11-25"


def test_not_from_a_height_of_long_ago():
    assert reading("bmi", WEIGHT, height("2026-08-01")) is None


@pytest.mark.parametrize(
    ("day", "more", "value"),
    [
        ("2026-11-20", {}, 24),
        ("2026-10-01", {}, 22.857),
        ("2024-10-01", {}, 22.857),
        ("2026-11-20", {"status": "preliminary"}, 22.857),
    ],
)
def test_an_index_on_file_stands_while_it_is_sure_and_hardly_older_than_the_weight(day, more, value):
    told = observation("39156-5", quantity(24, "kg/m2"), id_="b", effectiveDateTime=day, **more)
    assert reading("bmi", WEIGHT, height("2026-11-01"), told).value == pytest.approx(value, abs=1e-3)


def exercise(code: str, value: float, unit: str, date: str):
    return observation(code, quantity(value, unit), id_=code, effectiveDateTime=date)


def test_minutes_a_week_from_days_and_minutes_of_the_same_week():
    days = exercise("89555-7", 3, "d/wk", "2026-11-20")
    assert reading("evs_min_week", days, exercise("68516-4", 40, "min/d", "2026-11-26T00:00:00Z")) is None
    assert reading("evs_min_week", days, exercise("68516-4", 40, "min/d", "2026-11-14")).value == 120
    assert reading("evs_min_week", days, exercise("68516-4", 40, "min/d", "2026-11-10")) is None


def test_minutes_a_week_that_were_told_stand():
    made = [exercise("89555-7", 3, "d/wk", "2026-11-20"), exercise("68516-4", 40, "min/d", "2026-11-20")]
    told = exercise("82290-8", 30, "min/wk", "2026-11-20")
    assert [one.value for one in snapshot_with(*made, told).series("evs_min_week")] == [30]


CALCIUM = observation("17861-6", quantity(2.5, "mmol/L"), id_="ca")


def test_calcium_is_corrected_for_albumin():
    albumin = observation("1751-7", quantity(30, "g/L"), id_="alb", effectiveDateTime="2026-11-20")
    found = reading("ca_corr", CALCIUM, albumin)
    assert found.value == pytest.approx(2.7)
    assert found.note == ""


def test_calcium_without_albumin_says_so():
    old = observation("1751-7", quantity(30, "g/L"), id_="alb", effectiveDateTime="2026-05-20")
    for albumin in ((), (old,)):
        found = reading("ca_corr", CALCIUM, *albumin)
        assert (found.value, found.note) == (2.5, "no albumin: uncorrected")


def test_a_preliminary_part_makes_the_whole_preliminary():
    albumin = observation("1751-7", quantity(30, "g/L"), id_="alb", status="preliminary")
    assert reading("ca_corr", CALCIUM, albumin).status == "preliminary"


WHITE = observation("6690-2", quantity(2.0, "10*9/L"), id_="wbc")
SHARE = observation("770-8", quantity(20, "%"), id_="share")


def test_neutrophils_from_white_cells_and_their_share_of_one_specimen():
    found = reading("anc", WHITE, SHARE)
    assert (found.value, found.source) == (0.4, "Observation/wbc + Observation/share")
    assert "neutrophil_percent" not in snapshot_with(WHITE, SHARE).values


def test_not_from_another_specimen_nor_a_day_without_a_time():
    assert reading("anc", WHITE, SHARE | {"effectiveDateTime": "2026-11-25T09:30:00+11:00"}) is None
    dated = {"effectiveDateTime": "2026-11-25"}
    assert reading("anc", WHITE | dated, SHARE | dated) is None


def test_a_count_that_is_on_file_stands():
    counted = observation("751-8", quantity(1.9, "10*9/L"), id_="anc")
    assert [one.value for one in snapshot_with(WHITE, SHARE, counted).series("anc")] == [1.9]
