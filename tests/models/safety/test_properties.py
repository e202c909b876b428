"""What must hold on any chart: rules.md section 11, properties (1) to (4), and that models never take caution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from models.assessment import assess
from models.decision import Assessment, Estimate, Proposal, Verdict
from models.findings import Effect
from models.proposal import decide
from models.safety.inputs import DERIVED
from models.safety.rule import RESISTANCE_LEVELS
from models.safety.screen import screen
from models.snapshot import PatientSnapshot, Reading, When
from models.summary import summary
from models.text import N_
from tests.builders import AS_OF, a_reading, a_snapshot, series_of
from tests.models.safety.strategies import WORST, snapshots

_MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_RANK = {verdict: rank for rank, verdict in enumerate(reversed(list(Verdict)))}


def _caution(found: Assessment) -> tuple[int, int, int]:
    """Verdict, gravest effect, supervision: none may fall."""
    gravest = max((finding.effect for finding in found.findings), default=Effect.INFO)
    return _RANK[found.verdict], int(gravest), found.min_supervision


def _no_less(before: Assessment, after: Assessment) -> None:
    for name, old, new in zip(("verdict", "effect", "supervision"), _caution(before), _caution(after), strict=True):
        if name == "supervision" and (before.verdict is not after.verdict or after.verdict.held):
            continue  # a held plan asks for no supervision at all (pathway.md 2, T0)
        assert new >= old, (name, before.findings, after.findings)


def _open(found: Assessment) -> set[str]:
    """Rules with something to do or to ask."""
    tasks = {finding.rule for finding in found.findings if finding.task}
    return tasks | {gap.rule or gap.input for gap in found.gaps}


def _readings(snapshot: PatientSnapshot) -> list[Reading]:
    return [reading for series in snapshot.values.values() for reading in series]


def _with(snapshot: PatientSnapshot, readings: list[Reading]) -> PatientSnapshot:
    return replace(snapshot, values=series_of(readings))


def _used(found: Assessment) -> set[str]:
    """All inputs that some finding rests on, those behind derived numbers too."""
    names = {evidence.name for finding in found.findings for evidence in finding.inputs}
    behind = {alias for name in names if name in DERIVED for alias in DERIVED[name].needs}
    ratios = {name.removesuffix("_ratio") for name in names}
    return names | behind | ratios


def _one_unused(data: st.DataObject, found: Assessment) -> Reading:
    unused = [r for r in _readings(found.snapshot) if r.alias not in _used(found)]
    assume(unused)
    return data.draw(st.sampled_from(unused))


@_MANY
@given(snapshots(), st.data())
def test_1_deleting_a_value_that_fires_no_rule_never_lowers_caution(
    snapshot: PatientSnapshot, data: st.DataObject
) -> None:
    before = assess(snapshot)
    gone = _one_unused(data, before)
    after = assess(_with(snapshot, [r for r in _readings(snapshot) if r is not gone]))
    _no_less(before, after)
    assert _open(before) <= _open(after)


@_MANY
@given(snapshots(), st.data(), st.integers(1, 500))
def test_1_ageing_a_value_that_fires_no_rule_never_lowers_caution(
    snapshot: PatientSnapshot, data: st.DataObject, days: int
) -> None:
    before = assess(snapshot)
    old = _one_unused(data, before)
    assume(old.alias != "weight")  # a loss is measured against an old weight: age makes it more useful, not less
    shift = timedelta(days=days)
    older = replace(old, when=When(old.when.earliest - shift, old.when.latest - shift))
    after = assess(_with(snapshot, [older if r is old else r for r in _readings(snapshot)]))
    _no_less(before, after)
    assert _open(before) <= _open(after)


@_MANY
@given(snapshots(), st.data())
def test_2_deleting_an_abnormal_value_leaves_what_its_absence_asks_for(
    snapshot: PatientSnapshot, data: st.DataObject
) -> None:
    before = assess(snapshot)
    used = sorted(_used(before) & set(snapshot.values))
    assume(used)
    alias = data.draw(st.sampled_from(used))
    bare = assess(_with(snapshot, [r for r in _readings(snapshot) if r.alias != alias]))
    missing = {finding.rule for finding in bare.findings if finding.missing}
    if alias in ("platelets", "hb", "anc"):
        assert alias in {gap.input for gap in bare.gaps} or "HEM-MISS" in missing
    if alias in ("sbp", "dbp", "hr_rest", "spo2"):
        assert "VIT-MISS" in missing
    if alias in ("chest-pain", "syncope", "new-dyspnoea", "back-red-flags", "bleeding", "fever"):
        assert bare.verdict is not Verdict.REFER
    assert bare.gaps or missing


@pytest.mark.parametrize("alias", sorted(WORST))
@pytest.mark.parametrize("fault", ["preliminary", "patient-reported", "future", None])
def test_3_a_newer_normal_value_clears_only_when_it_is_valid(alias: str, fault: str | None) -> None:
    worst = a_reading(alias, WORST[alias], days_ago=3)
    fired = {finding.rule for finding in screen(a_snapshot(worst)).findings if worst.source in
             {evidence.source for evidence in finding.inputs}}  # fmt: skip
    assert fired
    normal = a_reading(alias, NORMAL[alias], days_ago=1)
    tomorrow = AS_OF + timedelta(days=1)
    if fault == "preliminary":
        normal = replace(normal, status="preliminary")
    elif fault == "patient-reported":
        normal = replace(normal, patient_reported=True)
    elif fault == "future":
        normal = replace(normal, when=When(tomorrow, tomorrow))
    after = {finding.rule for finding in screen(a_snapshot(normal, worst)).findings}
    assert bool(fired & after) is (fault is not None)


NORMAL: dict[str, float] = {
    "platelets": 240, "hb": 130, "anc": 3.4, "temp": 36.6, "sbp": 122, "dbp": 76, "hr_rest": 72, "spo2": 98,
    "lvef": 62, "ecog": 0, "kps": 100, "k": 4.2, "na": 140, "ca_corr": 2.3, "mg": 0.85, "ck": 90, "fatigue_nrs": 1,
    "pain_nrs": 0, "tug": 8, "cfs": 2, "6mwd": 550, "inr": 1.1, "mirels": 5, "falls_12_months": 0,
    "ctcae_neuropathy": 0, "gi_ctcae": 0, "dyspnoea_borg": 0,
}  # fmt: skip


@_MANY
@given(snapshots(), st.sampled_from(sorted(WORST)), st.integers(0, 3))
def test_4_adding_an_abnormal_value_never_lowers_caution(snapshot: PatientSnapshot, alias: str, days_ago: int) -> None:
    added = a_reading(alias, WORST[alias], days_ago=days_ago, source="Observation/added")
    _no_less(assess(snapshot), assess(_with(snapshot, [*_readings(snapshot), added])))


@_MANY
@given(snapshots(), st.data())
def test_an_unread_query_never_lowers_caution(snapshot: PatientSnapshot, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(["labs", "conditions", "answers"]))
    _no_less(assess(snapshot), assess(replace(snapshot, unread=snapshot.unread | {key})))


# Estimates


@dataclass(frozen=True)
class _Saying:
    risk_said: Estimate | None
    adherence_said: Estimate | None

    def risk(self, s: PatientSnapshot) -> Estimate | None:
        return self.risk_said

    def adherence(self, s: PatientSnapshot) -> Estimate | None:
        return self.adherence_said


def _estimates(name: str) -> st.SearchStrategy[Estimate | None]:
    return st.one_of(
        st.none(),
        st.builds(
            Estimate,
            st.just(name),
            st.one_of(st.none(), st.floats(0, 1)),
            st.just(N_("anything")),
            st.sampled_from(["low", "middle", "high", "not scored"]),
            st.sampled_from(["full", "reduced", "low"]),
            st.just("1"),
        ),
    )


@_MANY
@given(snapshots(), _estimates("risk"), _estimates("adherence"))
def test_no_estimate_ever_removes_caution(
    snapshot: PatientSnapshot, risk: Estimate | None, adherence: Estimate | None
) -> None:
    plain, estimated = assess(snapshot), assess(snapshot, _Saying(risk, adherence))
    assert estimated.min_supervision >= plain.min_supervision
    assert estimated.min_supervision <= max(plain.min_supervision, 3)
    assert estimated.findings == plain.findings
    assert (estimated.verdict, estimated.tier, estimated.release) == (plain.verdict, plain.tier, plain.release)


# The plan


@_MANY
@given(snapshots())
def test_a_plan_never_passes_a_cap_and_is_the_same_each_time(snapshot: PatientSnapshot) -> None:
    decision = decide(snapshot)
    assert summary(decision) == summary(decide(snapshot))
    if not isinstance(decision, Proposal) or decision.prescription is None:
        return
    plan = decision.prescription
    caps = [cap for finding in decision.assessment.findings for cap in finding.caps]
    for cap in caps:
        if cap.kind == "rpe_max":
            assert plan.aerobic.rpe_max <= float(cap.value)
        elif cap.kind == "minutes_max":
            assert plan.aerobic.minutes <= max(float(cap.value), 10)
        elif cap.kind == "days_max":
            assert plan.aerobic.days_per_week <= max(float(cap.value), 2)
        elif cap.kind == "resistance" and RESISTANCE_LEVELS.index(str(cap.value)) == 0:
            assert plan.resistance.sets_max == plan.resistance.days_per_week == 0
    assert plan.aerobic.minutes >= 10
    assert plan.aerobic.minutes % 5 == 0
    assert plan.aerobic.days_per_week >= 2
    assert plan.aerobic.rpe_min <= plan.aerobic.rpe_max
    assert plan.resistance.sets_min <= plan.resistance.sets_max
    assert plan.caps or not caps


@_MANY
@given(snapshots())
def test_more_caution_never_gives_a_larger_plan(snapshot: PatientSnapshot) -> None:
    """The plan of a chart with severe fatigue is never more than the plan without it."""
    tired = _with(snapshot, [*_readings(snapshot), a_reading("fatigue_nrs", 8)])
    before, after = decide(snapshot), decide(tired)
    if not (isinstance(before, Proposal) and isinstance(after, Proposal)):
        return
    if before.prescription is None or after.prescription is None:
        return
    assert after.prescription.minutes_per_week <= before.prescription.minutes_per_week
    assert after.prescription.aerobic.rpe_max <= before.prescription.aerobic.rpe_max
