"""The clinical cases: what the research pages say of a chart, against what the service says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from models.safety.rule import RESISTANCE_LEVELS, rule_set
from tests.clinical.case import Case, all_cases, differences, outcome
from tests.clinical.short_form import bundle_of
from tests.clinical.vocabulary import UnknownKey, table

CASES = all_cases()
RULES = {rule.id: rule for rule in rule_set().rules}
ENOUGH = 150


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_chart_is_judged_as_the_pages_say(case: Case) -> None:
    lacking = [rule for rule in case.awaits if rule not in RULES]
    assert lacking or not case.awaits, f"{case.id} need not await {', '.join(case.awaits)} any more"
    if lacking:
        pytest.skip(f"awaits {', '.join(lacking)}")
    found = differences(case, outcome(case))
    assert not found, "\n".join(["", f"{case.theme}/{case.id}: {case.title} ({', '.join(case.rows)})", *found])


# The set of cases as a whole


def test_there_are_enough_cases() -> None:
    written = [case for case in CASES if not case.swept]
    assert len(written) >= ENOUGH, f"{len(written)} cases beside {len(CASES) - len(written)} steps of sweeps"


def test_no_two_cases_share_an_id() -> None:
    assert [case_id for case_id, count in Counter(case.id for case in CASES).items() if count > 1] == []


def test_every_rule_that_a_case_names_exists() -> None:
    named = {rule for case in CASES for rule in (*case.rules_expected, *case.expect.get("absent", ()))}
    awaited = {rule for case in CASES for rule in case.awaits}
    assert named - set(RULES) - awaited == set()


def test_every_rule_fires_in_some_case() -> None:
    assert set(RULES) - {rule for case in CASES for rule in case.rules_expected} == set()


def test_every_hold_has_a_case() -> None:
    shown = {(rule, effect) for case in CASES for rule, effect in case.rules_expected.items()}
    holds = {
        (rule.id, level.effect.label)
        for rule in RULES.values()
        for level in rule.levels
        if level.effect.label.startswith("HOLD")
    }
    assert holds - shown == set()


def _limits() -> Iterator[tuple[str, str, float]]:
    for rule, values in table("limits")["limits"].items():
        for name, limits in values.items():
            yield from ((rule, name, float(limit)) for limit in limits)


@pytest.mark.parametrize(("rule", "name", "limit"), list(_limits()))
def test_every_limit_of_the_tables_has_a_case_below_at_and_above_it(rule: str, name: str, limit: float) -> None:
    near = float(table("limits")["near"].get(name, 1))
    tried = [case.swept[name] for case in CASES if rule in case.rows and name in case.swept]
    assert limit in tried, f"at {limit}: {sorted(tried)}"
    assert any(limit - near <= one < limit for one in tried), f"just below {limit}: {sorted(tried)}"
    assert any(limit < one <= limit + near for one in tried), f"just above {limit}: {sorted(tried)}"


def _findings_of(row: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Case id and finding, wherever the rule of a row (`NEU-06`, `NEU-06 CLEAR`) fired as a case wanted it."""
    rule, _, effect = row.partition(" ")
    for case in CASES:
        wanted = case.rules_expected.get(rule)
        if wanted is not None and effect in ("", wanted):
            yield from ((case.id, one) for one in outcome(case)["findings"] if one["rule"] == rule)


def _keeps(finding: Mapping[str, Any], limit: str, value: Any) -> bool:
    """True when the finding limits at least as much as its row."""
    if limit == "supervision":
        return bool(finding["min_supervision"] >= value)
    given = [cap["value"] for cap in finding["caps"] if cap["kind"] == limit]
    if limit == "resistance":
        return any(RESISTANCE_LEVELS.index(one) <= RESISTANCE_LEVELS.index(value) for one in given)
    return any(one <= value for one in given)


@pytest.mark.parametrize("row", list(table("rows")))
def test_a_fired_rule_asks_for_what_its_row_says(row: str) -> None:
    found = list(_findings_of(row))
    assert found, "no case fires it"
    for limit, value in table("rows")[row].items():
        short = [f"{case_id}: {one['caps']}" for case_id, one in found if not _keeps(one, limit, value)]
        assert not short, f"{row}: {limit} {value} by the page, less in {short[:3]}"


# The short form itself


@pytest.mark.parametrize(
    "chart",
    [
        {"labs": {"hb": 90}},
        {"values": {"hb": {"value": 90, "untit": "g/L"}}},
        {"values": {"haemoglobin": 90}},
        {"conditions": [{"code": "C50.9", "onsett": "2026"}]},
        {"without": ["hbb"]},
        {"answers": {"jes": ["fever"]}},
    ],
    ids=lambda chart: str(chart)[:40],
)
def test_a_slip_in_a_chart_is_found(chart: Mapping[str, Any]) -> None:
    with pytest.raises((UnknownKey, KeyError)):
        bundle_of(chart)
