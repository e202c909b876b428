"""The reference page says of each rule what it is and which tests hold it; `tests/architecture` compares the file."""

from __future__ import annotations

from models.safety.reference import reference
from models.safety.rule import rule_set
from tests.clinical.case import all_cases
from tests.models.safety.cases import CASES
from tools.rule_tests import rule_tests

_TESTS = rule_tests()


def test_every_rule_has_its_place_on_the_page() -> None:
    page = reference(rule_set(), _TESTS)
    assert [rule.id for rule in rule_set().rules if f"\n### {rule.id}\n" not in page] == []


def test_every_rule_lists_all_its_boundary_cases_and_some_clinical_case_that_fires_it() -> None:
    for rule_id, lines in _TESTS.items():
        assert f"Tests: {len(CASES[rule_id])} boundary cases" in lines[0], rule_id
        assert any(line.startswith("- Clinical cases, ") and ", quiet:" not in line for line in lines), rule_id


def test_every_clinical_case_stands_under_each_rule_that_it_expects() -> None:
    for case in all_cases():
        for rule_id, effect in case.rules_expected.items():
            if rule_id in _TESTS:
                (line,) = (line for line in _TESTS[rule_id] if line.startswith(f"- Clinical cases, {effect}:"))
                assert f"`{case.theme}/{case.id}`" in line


def test_a_function_that_names_a_rule_stands_under_it() -> None:
    named = [line for line in _TESTS["HEM-08"] if line.startswith("- Functions: ")]
    assert "`models/safety/test_levels.py::test_a_limit_inside_a_level`" in named[0]
