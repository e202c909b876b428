"""Each number of a plan is in its log, with the rule or table that set it; the same chart gives the same plan."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings

from models.assessment import assess
from models.decision import Assessment, Prescription
from models.prescription import prescribe
from models.safety.rule import rule_set
from models.snapshot import PatientSnapshot
from tests.models.safety.strategies import snapshots

RULES = frozenset(rule.id for rule in rule_set().rules)
PLACES = ("table ", "section ", "step ", "programme ")


def numbers_of(plan: Prescription) -> dict[str, str]:
    aerobic, resistance = plan.aerobic, plan.resistance
    return {
        "aerobic.days_per_week": str(aerobic.days_per_week),
        "aerobic.minutes": str(aerobic.minutes),
        "aerobic.rpe_min": str(aerobic.rpe_min),
        "aerobic.rpe_max": str(aerobic.rpe_max),
        "resistance.days_per_week": str(resistance.days_per_week),
        "resistance.sets_min": str(resistance.sets_min),
        "resistance.sets_max": str(resistance.sets_max),
        "resistance.repetitions": resistance.repetitions,
        "weeks": str(plan.weeks),
    }


def _judged(snapshot: PatientSnapshot) -> Assessment:
    """The assessment, where there is a dose at all."""
    assessment = assess(snapshot)
    assume(not assessment.verdict.held)
    return assessment


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(snapshots())
def test_the_last_step_about_a_number_says_what_the_plan_says(snapshot: PatientSnapshot) -> None:
    plan = prescribe(_judged(snapshot))
    last = {reason.what: reason.value for reason in plan.reasons}
    numbers = numbers_of(plan)
    assert {what: last.get(what) for what in numbers} == numbers


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(snapshots())
def test_each_step_names_a_rule_or_a_table_and_each_limit_is_a_step(snapshot: PatientSnapshot) -> None:
    plan = prescribe(_judged(snapshot))
    for reason in plan.reasons:
        assert reason.by in RULES or reason.by.startswith(PLACES), reason.by
        assert reason.text.msgid
    assert {str(text) for text in plan.other} <= {str(reason.text) for reason in plan.reasons}


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(snapshots())
def test_the_same_chart_gives_the_same_plan_in_any_order(snapshot: PatientSnapshot) -> None:
    turned = replace(
        snapshot,
        values=dict(reversed(snapshot.values.items())),
        facts=dict(reversed(snapshot.facts.items())),
    )
    once, again, other = prescribe(_judged(snapshot)), prescribe(_judged(snapshot)), prescribe(_judged(turned))
    assert once == again
    assert numbers_of(once) == numbers_of(other)
