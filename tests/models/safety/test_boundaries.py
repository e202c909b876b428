"""Every rule just below, at and just above its limits."""

from __future__ import annotations

import pytest

from models.findings import Effect
from models.safety.rule import rule_set
from models.safety.screen import fired, screen
from models.safety.view import View
from models.snapshot import PatientSnapshot
from tests.models.safety.cases import CASES

RULES = {rule.id: rule for rule in rule_set().rules}
_FLAT = [
    pytest.param(rule_id, snapshot, effect, id=f"{rule_id} case {number} is {effect or 'quiet'}")
    for rule_id, cases in CASES.items()
    for number, (snapshot, effect) in enumerate(cases, start=1)
]


@pytest.mark.parametrize(("rule_id", "snapshot", "effect"), _FLAT)
def test_a_rule_fires_exactly_where_its_row_says(rule_id: str, snapshot: PatientSnapshot, effect: str | None) -> None:
    finding = fired(RULES[rule_id], View(snapshot))
    assert (finding.effect.label if finding else None) == effect


@pytest.mark.parametrize(("rule_id", "snapshot", "effect"), _FLAT)
def test_the_index_wakes_every_rule_that_would_fire(
    rule_id: str, snapshot: PatientSnapshot, effect: str | None
) -> None:
    found = {finding.rule: finding.effect.label for finding in screen(snapshot).findings}
    assert found.get(rule_id) == effect


def test_every_rule_has_a_case_that_fires_and_one_that_is_quiet() -> None:
    lacking = [rule_id for rule_id in RULES if len({effect is None for _, effect in CASES.get(rule_id, [])}) < 2]
    assert lacking == []


def test_every_effect_of_every_rule_has_a_case() -> None:
    lacking = [
        (rule.id, level.effect.label)
        for rule in rule_set().rules
        for level in rule.levels
        if level.effect.label not in {effect for _, effect in CASES[rule.id]}
    ]
    assert lacking == []


def test_no_case_is_for_a_rule_that_does_not_exist() -> None:
    assert set(CASES) <= set(RULES)


def test_a_finding_cites_what_it_rests_on_unless_something_is_missing() -> None:
    for rule_id, cases in CASES.items():
        for snapshot, _ in cases:
            finding = fired(RULES[rule_id], View(snapshot))
            if finding and not finding.missing and finding.effect >= Effect.SUP:
                assert finding.inputs, rule_id
