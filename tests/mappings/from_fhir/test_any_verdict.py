"""A resource that cannot be read never makes the verdict milder than the same chart without it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.errors import MappingError
from models.assessment import assess
from models.decision import Assessment, Verdict
from models.prescription import prescribe
from models.proposal import decide
from models.snapshot import PatientSnapshot
from models.summary import summary
from tests.mappings.charts import PATIENT, answers, condition, observation, patient, quantity
from tests.mappings.from_fhir.test_any_input import WHOLE, json_values, places, read

_CAUTION = (
    Verdict.REFER,
    Verdict.CLEARANCE,
    Verdict.INCOMPLETE,
    Verdict.HOLD,
    Verdict.HOLD_EMERGENCY,
    Verdict.INELIGIBLE,
)
NO = answers(
    chest_pain=False, syncope=False, new_dyspnoea=False, back_red_flags=False, bleeding=False, fever=False, id_="no"
)
CHARTS = (
    WHOLE,
    # Nothing is wrong here, so that whatever is lost would show.
    (
        patient(),
        condition("C50.9"),
        NO,
        observation("777-3", quantity(210, "10*9/L"), id_="plt"),
        observation("89247-1", None, id_="ecog", valueInteger=0),
        observation("718-7", quantity(130, "g/L"), id_="hb"),
    ),
)


def cited(snapshot: PatientSnapshot) -> set[str]:
    return {one.source for series in (*snapshot.values.values(), *snapshot.facts.values()) for one in series}


def not_milder(found: Assessment, plain: Assessment) -> None:
    assert _CAUTION.index(found.verdict) >= _CAUTION.index(plain.verdict)
    assert found.min_supervision >= plain.min_supervision
    effects = {finding.rule: finding.effect for finding in found.findings}
    for finding in plain.findings:
        assert effects.get(finding.rule, -1) >= finding.effect, finding.rule
    assert found.release.prescription <= plain.release.prescription
    assert found.release.referral <= plain.release.referral


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_spoilt_resource_that_is_named_as_a_gap_costs_caution_nothing(data):
    chart = data.draw(st.sampled_from(CHARTS))
    which = data.draw(st.integers(1, len(chart) - 1))
    broken = copy.deepcopy(chart[which])
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([one for one in places(broken) if one]))
        target: Any = broken
        for name in path[:-1]:
            target = target[name]
        target[path[-1]] = data.draw(json_values)
    others = [one for number, one in enumerate(chart) if number != which]
    try:
        snapshot = read(*others[:which], broken, *others[which:])
    except MappingError:
        return
    summary(decide(snapshot))
    plain = read(*others)
    if cited(snapshot) == cited(plain):  # nothing of it was used
        not_milder(assess(snapshot), assess(plain))


HUGE = 10**400
DEEP: Any = {}
for _ in range(900):
    DEEP = {"a": DEEP}

ODD: dict[str, Any] = {
    "a status of a wrong type": {"status": 7},
    "a code that is a text": {"code": "777-3"},
    "a value that is a list": {"valueQuantity": [1]},
    "a number as text": {"valueQuantity": {"value": "210"}},
    "a number beyond all numbers": {"valueQuantity": quantity(1, "10*9/L") | {"value": HUGE}},
    "a date of a wrong type": {"effectiveDateTime": 20261125},
    "a date that is none": {"effectiveDateTime": "soon"},
    "nulls": {"valueQuantity": None, "status": None, "effectiveDateTime": None},
    "deep nesting": {"valueQuantity": DEEP},
    "deep nesting in what is not read": {"note": DEEP},
    "another subject's shape": {"component": {"a": 1}},
}


@pytest.mark.parametrize("change", ODD.values(), ids=list(ODD))
def test_each_kind_of_broken_result_leaves_the_rest_and_is_named(change):
    spoilt = observation("777-3", quantity(210, "10*9/L"), id_="odd") | change
    rest = [patient(), condition("C50.9"), NO]
    found, plain = read(*rest, spoilt), read(*rest)
    if change.keys() == {"note"}:
        assert found.latest("platelets") is not None
        return
    used = found.latest("platelets")
    assert used is None or used.status == "preliminary" or change.keys() == {"component"}
    assert any(gap.source == "Observation/odd" for gap in found.faults) or used is not None or "code" in change
    assert {one.alias for series in plain.values.values() for one in series} <= set(found.values)
    not_milder(assess(found), assess(plain))


def test_a_resource_of_another_patient_refuses_the_chart():
    foreign = observation("777-3", quantity(210, "10*9/L"), subject={"reference": "Patient/somebody-else"})
    with pytest.raises(MappingError, match="another patient"):
        read(patient(), foreign)


def test_ten_thousand_resources_are_judged():
    many = [observation("777-3", quantity(100 + n % 9, "10*9/L"), id_=f"o{n}") for n in range(10_000)]
    found = assess(read(patient(), condition("C50.9"), *many))
    assert found.snapshot.patient_id == PATIENT
    assert prescribe(found).aerobic.days_per_week > 0
