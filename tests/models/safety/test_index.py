"""The index leaves out no rule that would fire, at every limit of every input, and wakes few that would not."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from models.inputs import INPUTS
from models.safety.index import index_of
from models.safety.rule import rule_set
from models.safety.screen import fired, screen
from models.safety.view import View
from models.snapshot import PatientSnapshot, Reading
from tests.builders import a_reading, a_snapshot

RULES = rule_set().rules
BANDED = sorted({name for rule in RULES for name in rule.bands})


def _around_every_limit(name: str) -> Iterator[float]:
    for rule in RULES:
        for limit in (limit for band in rule.bands.get(name, ()) for limit in (band.low, band.high)):
            if math.isfinite(limit):
                yield from (math.nextafter(limit, -math.inf), limit, math.nextafter(limit, math.inf))


def _judged_one_by_one(snapshot: PatientSnapshot) -> set[str]:
    return {rule.id for rule in RULES if fired(rule, View(snapshot))}


def _found(snapshot: PatientSnapshot) -> set[str]:
    return {finding.rule for finding in screen(snapshot).findings}


@pytest.mark.parametrize("name", BANDED)
def test_the_index_finds_what_all_rules_tried_one_by_one_find(name: str) -> None:
    for value in _around_every_limit(name):
        snapshot = a_snapshot(a_reading(name, value))
        assert _found(snapshot) == _judged_one_by_one(snapshot), value


@pytest.mark.parametrize("name", BANDED)
def test_a_value_that_is_no_plain_number_wakes_all_that_read_it(name: str) -> None:
    limits = list(_around_every_limit(name))
    odd: list[Reading] = [a_reading(name, limits[0], comparator=sign) for sign in ("<", ">", "<=", ">=")]
    charts = [a_snapshot(one) for one in odd]
    charts.append(a_snapshot(a_reading(name, limits[0], hours_ago=1), a_reading(name, limits[-1], hours_ago=2)))
    for snapshot in charts:
        assert _found(snapshot) == _judged_one_by_one(snapshot)


def test_healthy_values_wake_no_rule_that_only_asks_for_numbers() -> None:
    healthy = a_snapshot(a_reading("platelets", 210.0), a_reading("k", 4.1), a_reading("spo2", 97.0))
    awake = {rule.id for rule, _ in index_of(rule_set()).awake(View(healthy))}
    assert awake.isdisjoint({"HEM-01", "HEM-02", "HEM-03", "ELE-01", "RSP-01"})


def test_every_number_of_a_rule_is_an_input_that_it_reads() -> None:
    for rule in RULES:
        assert rule.bands.keys() <= rule.reads & INPUTS.keys(), rule.id
