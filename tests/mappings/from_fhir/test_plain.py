"""What one value has from the value before it is looked into again wherever it differs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mappings.structs import PlainQuantity, Quantity
from models.snapshot import Reading
from tests.mappings.charts import Json, observation, quantity, snapshot_with

HB, PULSE = "718-7", "8867-4"
CLINIC = [{"reference": "Practitioner/1"}]
HOME = [{"reference": "Patient/pat-1"}]
VITAL = [{"coding": [{"code": "vital-signs"}]}]
ACTIVITY = [{"coding": [{"code": "activity"}]}]


def _readings(alias: str, *observations: Json) -> tuple[Reading, ...]:
    return snapshot_with(*observations).series(alias)


def _hb(number: int, value: Json | None, **more: Any) -> Json:
    hour = f"2026-11-25T0{9 - number}:00:00+11:00"
    return observation(HB, value, id_=f"hb-{number}", effectiveDateTime=hour, **more)


def _limit(high: Json) -> list[Json]:
    return [{"high": high}]


def test_each_value_is_converted_from_its_own_unit() -> None:
    given = (quantity(71, "kg"), quantity(160, "[lb_av]"), quantity(72, "kg"))
    days = [f"2026-11-2{5 - n}T09:00:00+11:00" for n in range(3)]
    charts = [observation("29463-7", one, id_=day, effectiveDateTime=day) for one, day in zip(given, days, strict=True)]
    assert [round(float(one.value)) for one in _readings("weight", *charts)] == [71, 73, 72]


def test_each_value_has_the_limit_of_its_own_range() -> None:
    ranges = (_limit(quantity(160, "g/L")), _limit(quantity(15.5, "g/dL")), None, _limit({"value": 150}), "broken")
    charts = [_hb(n, quantity(120, "g/L"), referenceRange=one) for n, one in enumerate(ranges) if one is not None]
    charts.append(_hb(2, quantity(120, "g/L")))
    assert {one.source[-4:]: one.upper_reference for one in _readings("hb", *charts)} == {
        "hb-0": 160, "hb-1": 155, "hb-2": None, "hb-3": 150,
    }  # fmt: skip


def test_each_value_is_told_by_its_own_performer() -> None:
    who = (HOME, CLINIC, None, HOME)
    found = _readings("hb", *(_hb(n, quantity(120, "g/L"), performer=one) for n, one in enumerate(who)))
    assert [one.patient_reported for one in found] == [True, False, False, True]


def test_a_value_without_performer_is_told_where_a_device_took_it() -> None:
    device = {"reference": "Device/1"}
    found = _readings("hb", _hb(0, quantity(120, "g/L"), device=device), _hb(1, quantity(120, "g/L")))
    assert [one.patient_reported for one in found] == [True, False]


def test_a_pulse_counts_as_resting_by_its_own_category() -> None:
    def pulse(number: int, category: list[Json]) -> Json:
        hour = f"2026-11-25T0{9 - number}:00:00+11:00"
        given = quantity(70 + number, "/min")
        return observation(PULSE, given, id_=f"p-{number}", effectiveDateTime=hour, category=category)

    found = _readings("hr_rest", pulse(0, VITAL), pulse(1, ACTIVITY), pulse(2, VITAL))
    assert [one.value for one in found] == [70, 72]


@pytest.mark.parametrize("odd", [{"comparator": "<"}, {"value": None}, {"value": "12"}])
def test_a_quantity_that_needs_thought_is_no_plain_one(odd: Json) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(quantity(120, "g/L") | odd, PlainQuantity)


def test_a_plain_quantity_has_the_fields_of_a_quantity() -> None:
    assert PlainQuantity.__struct_fields__ == Quantity.__struct_fields__
