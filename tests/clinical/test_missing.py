"""What is missing, doubtful or not valid never counts as normal, over the whole road from FHIR on.

Source: rules.md section 11, "Test of this section".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mappings.bundle import chart_of_bundle
from mappings.from_fhir.snapshot import snapshot_from
from models.decision import Assessment, Verdict
from models.proposal import decide
from tests.clinical.case import Case, all_cases
from tests.clinical.short_form import AS_OF, bundle_of
from tests.clinical.vocabulary import Json

THEMES = ("haematology", "cardiac", "vascular", "metabolic")
LOOKED_AT = [case for case in all_cases() if case.theme in THEMES and not case.policy]


def judged(bundle: Json) -> Assessment:
    return decide(snapshot_from(chart_of_bundle(json.dumps(bundle).encode()), as_of=AS_OF)).assessment


def sources(assessment: Assessment) -> set[str]:
    """The resources that the findings rest on."""
    named = {one.source for finding in assessment.findings for one in finding.inputs}
    return {part.split("#")[0] for source in named for part in source.split(" + ")}


def caution(assessment: Assessment) -> tuple[bool, bool, int]:
    """How much is held back: the dose, the referral, and the supervision that is asked for."""
    release = assessment.release
    held = assessment.verdict in (Verdict.HOLD, Verdict.HOLD_EMERGENCY)
    return not release.prescription, not release.referral, 4 if held else assessment.min_supervision


def quiet_results(bundle: Json, assessment: Assessment) -> Iterator[int]:
    """Where the results and answers stand that no finding rests on; parts of a series are compared with."""
    cited = sources(assessment)
    codes = Counter(_code(entry["resource"]) for entry in bundle["entry"])
    for place, entry in enumerate(bundle["entry"]):
        resource = entry["resource"]
        if resource["resourceType"] not in ("Observation", "QuestionnaireResponse"):
            continue
        alone = codes[_code(resource)] == 1
        if alone and f"{resource['resourceType']}/{resource['id']}" not in cited:
            yield place


def _code(resource: Json) -> str:
    code = resource.get("code")
    return json.dumps(code) if resource["resourceType"] == "Observation" else resource["id"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in LOOKED_AT])
def test_taking_a_quiet_result_away_makes_nothing_less_cautious(case: Case) -> None:
    bundle = json.loads(bundle_of(case.chart))
    before = judged(bundle)
    for place in quiet_results(bundle, before):
        rest = {**bundle, "entry": [entry for n, entry in enumerate(bundle["entry"]) if n != place]}
        less = [now < then for now, then in zip(caution(judged(rest)), caution(before), strict=True)]
        assert not any(less), bundle["entry"][place]["resource"]


ABNORMAL = {
    "HEM-01": ("platelets", 8, 240),
    "HEM-06": ("hb", 65, 128),
    "HEM-10": ("anc", 0.3, 3.4),
    "ELE-01": ("k", 6.3, 4.2),
    "ELE-03": ("na", 118, 140),
    "HEM-15": ("temp", 38.6, 36.6),
    "RSP-02": ("spo2", 90, 98),
    "CAR-11": ("bp", "205/90", "122/76"),
    "PS-01": ("ecog", 3, 1),
    "FAT-01": ("fatigue_nrs", 8, 1),
    "PAI-01": ("pain_nrs", 8, 1),
}
DOUBTS: Mapping[str, Mapping[str, Any]] = {
    "preliminary": {"status": "preliminary"},
    "entered in error": {"status": "entered-in-error"},
    "cancelled": {"status": "cancelled"},
    "registered": {"status": "registered"},
    "dated tomorrow": {"days": -1},
    "without a date": {"at": "none"},
    "without a value": {"absent": "not-performed"},
}


def _chart(name: str, abnormal: Any, normal: Any, doubt: Mapping[str, Any]) -> Json:
    return {
        "base": "after-treatment",
        "values": {name: [{"value": normal, "days": 0, **doubt}, {"value": abnormal, "days": 1}]},
    }


def _doubtful() -> list[tuple[str, str]]:
    """Every rule with every doubt; only a panel, which carries no value of its own, cannot lack one."""
    absent = {doubt for doubt, how in DOUBTS.items() if "absent" in how}
    return [(rule, doubt) for rule in ABNORMAL for doubt in DOUBTS if ABNORMAL[rule][0] != "bp" or doubt not in absent]


@pytest.mark.parametrize(("rule", "doubt"), _doubtful())
def test_a_newer_normal_value_that_is_not_valid_clears_nothing(rule: str, doubt: str) -> None:
    name, abnormal, normal = ABNORMAL[rule]
    chart = _chart(name, abnormal, normal, DOUBTS[doubt])
    assert rule in {finding.rule for finding in judged(json.loads(bundle_of(chart))).findings}


@pytest.mark.parametrize("rule", ABNORMAL)
def test_a_newer_normal_value_that_is_valid_clears(rule: str) -> None:
    name, abnormal, normal = ABNORMAL[rule]
    chart = _chart(name, abnormal, normal, {})
    assert rule not in {finding.rule for finding in judged(json.loads(bundle_of(chart))).findings}


UNITS: Mapping[str, Mapping[str, str]] = {
    "none": {"unit": "none"},
    "words": {"written": "whatever"},
    "of something else": {"unit": "[ppm]"},
}


def _without_unit() -> list[tuple[str, str]]:
    """Every rule on a quantity with every unit that says nothing; a score has no unit that could be missing."""
    quantities = [(rule, name) for rule, (name, *_) in ABNORMAL.items() if name not in ("bp", "ecog")]
    scores = {"fatigue_nrs", "pain_nrs"}
    return [(rule, unit) for rule, name in quantities for unit in UNITS if name not in scores or unit != "none"]


@pytest.mark.parametrize(("rule", "unit"), _without_unit())
def test_a_newer_normal_value_of_no_known_unit_clears_nothing(rule: str, unit: str) -> None:
    name, abnormal, normal = ABNORMAL[rule]
    chart = _chart(name, abnormal, normal, {**UNITS[unit], "as": "quantity"})
    assert rule in {finding.rule for finding in judged(json.loads(bundle_of(chart))).findings}


@pytest.mark.parametrize("rule", ["RSP-02", "HEM-15", "CAR-11"])
def test_a_newer_normal_value_of_a_device_clears_no_value_of_the_clinic(rule: str) -> None:
    name, abnormal, normal = ABNORMAL[rule]
    chart = _chart(name, abnormal, normal, {"by": "device"})
    assert rule in {finding.rule for finding in judged(json.loads(bundle_of(chart))).findings}
