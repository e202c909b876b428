"""The observations of a chart by their code: nothing is lost, and what needs thought stands apart."""

from __future__ import annotations

import json

from mappings.bundle import Part, read_chart
from mappings.structs import Observation
from tests.mappings.charts import PATIENT, bundle, chart_with, observation, patient, quantity

HB, PLATELETS = "718-7", "777-3"
GRAM = quantity(120, "g/L")


def test_observations_of_one_code_stand_together_in_the_order_of_the_chart() -> None:
    codes = (HB, PLATELETS, HB, HB)
    index = chart_with(*(observation(code, GRAM, id_=f"o-{n}") for n, code in enumerate(codes))).observed()
    assert [[one.id for one in found] for found in index.by_code.values()] == [["o-0", "o-2", "o-3"], ["o-1"]]
    assert index.first_places == [0, 1]
    assert all(json.loads(text)["coding"][0]["code"] in (HB, PLATELETS) for text in index.by_code)


def test_what_says_more_than_one_thing_or_not_when_stands_apart_with_its_place() -> None:
    panel = observation(HB, None, id_="panel", component=[])
    holder = observation(HB, None, id_="holder", contained=[])
    timeless = observation(HB, GRAM, id_="timeless", effectiveDateTime=None)
    index = chart_with(observation(HB, GRAM, id_="plain"), panel, holder, timeless).observed()
    assert [(place, one.id) for place, one in index.apart] == [(1, "panel"), (2, "holder"), (3, "timeless")]
    assert [one.id for found in index.by_code.values() for one in found] == ["plain"]


def test_of_an_observation_that_came_twice_the_index_has_the_one_that_the_chart_keeps() -> None:
    first, second = (bundle(observation(HB, quantity(value, "g/L"))) for value in (100, 120))
    parts = [Part("patient", json.dumps(patient()).encode()), Part("labs", first), Part("vitals", second)]
    chart = read_chart(parts, patient_id=PATIENT)
    assert list(chart.observed().by_code.values()) == [chart.of(Observation)]
