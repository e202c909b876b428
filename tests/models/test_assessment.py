"""Verdict, release, tier, supervision and destination, as conventions.md section 2 has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from models.assessment import assess
from models.decision import Estimate, NoProposal, Proposal, SitePolicy, Verdict
from models.findings import Effect
from models.proposal import decide
from models.snapshot import Gap, PatientSnapshot
from models.text import N_
from tests.builders import (
    a_dose,
    a_fact,
    a_reading,
    a_snapshot,
    a_treated_patient,
    answers,
    normal_readings,
)


def _unanswered(*readings: Any, **more: Any) -> PatientSnapshot:
    return a_treated_patient(*readings, answered=False, **more)


def test_a_fit_patient_on_chemotherapy_is_referred_to_a_supervised_group() -> None:
    decision = decide(a_treated_patient())
    assert isinstance(decision, Proposal)
    found = decision.assessment
    assert (found.verdict, found.tier, found.min_supervision) == (Verdict.REFER, "T3", 2)
    assert (found.release.referral, found.release.prescription) == (True, True)
    assert found.release.waiting_for == ()
    assert (decision.destination.level, decision.destination.provisional) == ("D3", False)
    assert decision.prescription is not None


def test_a_survivor_with_everything_known_is_of_low_risk_and_goes_home() -> None:
    parq = [a_reading(f"parq-{n}", False) for n in range(1, 8)]
    decision = decide(a_snapshot(*normal_readings(), *parq))
    assert (decision.assessment.tier, decision.assessment.min_supervision) == ("T4", 0)
    assert isinstance(decision, Proposal)
    assert decision.destination.level == "D4"


def test_without_the_parq_a_low_risk_still_asks_for_contact() -> None:
    found = assess(a_snapshot(*normal_readings()))
    assert (found.tier, found.min_supervision) == ("T4", 1)


def test_a_hold_releases_nothing() -> None:
    decision = decide(a_treated_patient(a_reading("platelets", 8)))
    assert isinstance(decision, Proposal)
    found = decision.assessment
    assert (found.verdict, found.tier) == (Verdict.HOLD, "T0")
    assert (found.release.referral, found.release.prescription) == (False, False)
    assert (decision.destination.level, decision.prescription) == ("D0", None)


def test_an_emergency_stands_above_a_hold_and_all_that_fired_is_shown_gravest_first() -> None:
    found = assess(a_treated_patient(a_reading("platelets", 8), a_reading("back-red-flags", True)))
    assert found.verdict is Verdict.HOLD_EMERGENCY
    effects = [finding.effect for finding in found.findings]
    assert effects == sorted(effects, reverse=True)
    assert {"BON-01", "HEM-01"} <= {finding.rule for finding in found.findings}


@pytest.mark.parametrize(
    ("alias", "rule", "effect"),
    [
        ("chest-pain", "CAR-01", Effect.HOLD_E),
        ("syncope", "CAR-13", Effect.HOLD),
        ("new-dyspnoea", "RSP-03", Effect.HOLD_E),
        ("back-red-flags", "BON-01", Effect.HOLD_E),
        ("bleeding", "HEM-05", Effect.HOLD),
        ("fever", "HEM-15", Effect.HOLD),
    ],
)
def test_a_safety_question_answered_yes_fires_its_rule(alias: str, rule: str, effect: Effect) -> None:
    found = assess(a_treated_patient(a_reading(alias, True, days_ago=1, patient_reported=True)))
    assert (rule, effect) in {(finding.rule, finding.effect) for finding in found.findings}
    assert found.verdict.held


@pytest.mark.parametrize("alias", ["chest-pain", "syncope", "new-dyspnoea", "back-red-flags", "bleeding", "fever"])
def test_one_unanswered_question_makes_the_chart_incomplete(alias: str) -> None:
    given = [answer for answer in answers() if answer.alias != alias]
    found = assess(_unanswered(*given))
    assert found.verdict is Verdict.INCOMPLETE
    assert (alias, "unanswered") in {(gap.input, gap.why) for gap in found.gaps}


@pytest.mark.parametrize(("days", "verdict"), [(14, Verdict.REFER), (15, Verdict.INCOMPLETE)])
def test_answers_are_valid_for_fourteen_days(days: int, verdict: Verdict) -> None:
    assert assess(_unanswered(*answers(days))).verdict is verdict


def test_only_answers_missing_releases_the_referral_but_no_dose() -> None:
    decision = decide(_unanswered())
    assert isinstance(decision, Proposal)
    found = decision.assessment
    assert (found.verdict, found.tier, found.min_supervision) == (Verdict.INCOMPLETE, "T?", 2)
    assert (found.release.referral, found.release.prescription) == (True, False)
    assert found.release.waiting_for == ("answers",)
    assert (decision.destination.level, decision.destination.provisional) == ("D3", True)
    assert decision.prescription is not None


def test_a_site_may_ask_for_answers_before_any_referral() -> None:
    found = assess(_unanswered(), policy=SitePolicy(answers_before_referral=True))
    assert (found.release.referral, found.release.waiting_for) == (False, ("answers",))


def test_clearance_and_missing_answers_together_are_incomplete_and_release_nothing() -> None:
    found = assess(_unanswered(a_reading("platelets", 15)))
    assert found.verdict is Verdict.INCOMPLETE
    assert "HEM-02" in {finding.rule for finding in found.with_effect(Effect.CLEAR)}
    assert found.release.referral is False
    assert found.release.waiting_for == ("answers", "clearance")


def test_clearance_waits_for_a_clinician_and_its_destination_is_provisional() -> None:
    decision = decide(a_treated_patient(a_reading("platelets", 15)))
    assert isinstance(decision, Proposal)
    found = decision.assessment
    assert (found.verdict, found.tier, found.min_supervision) == (Verdict.CLEARANCE, "T2", 3)
    assert found.release == type(found.release)(False, False, ("clearance",))
    assert (decision.destination.level, decision.destination.provisional) == ("D2", True)


def test_a_partial_read_is_incomplete_and_the_referral_waits() -> None:
    found = assess(a_treated_patient(unread=frozenset({"labs"})))
    assert found.verdict is Verdict.INCOMPLETE
    assert (found.release.referral, found.release.waiting_for) == (False, ("data:labs",))
    assert Gap("labs", "unread") in found.gaps


def test_unknown_eligibility_is_incomplete_and_works_out_no_dose() -> None:
    decision = decide(a_treated_patient(born=None))
    assert isinstance(decision, Proposal)
    assert decision.assessment.verdict is Verdict.INCOMPLETE
    assert decision.assessment.release.referral is False
    assert decision.prescription is None


def test_a_hold_stands_above_missing_answers() -> None:
    assert assess(_unanswered(a_reading("platelets", 8))).verdict is Verdict.HOLD


def test_an_ineligible_patient_gets_no_proposal_whatever_the_rules_say() -> None:
    decision = decide(a_treated_patient(a_reading("platelets", 8), cancer=False))
    assert isinstance(decision, NoProposal)
    assert decision.assessment.verdict is Verdict.INELIGIBLE
    assert decision.assessment.release.referral is False


def test_a_missing_blood_count_on_chemotherapy_does_not_stop_the_referral_but_is_a_task() -> None:
    readings = normal_readings(platelets=None, hb=None, anc=None)
    found = assess(a_snapshot(*readings, facts=a_dose(days_ago=16)))
    assert found.verdict is Verdict.REFER
    missing = next(finding for finding in found.findings if finding.rule == "HEM-MISS")
    assert missing.effect is Effect.SUP
    assert missing.task is not None
    assert {gap.input for gap in found.gaps} >= {"platelets", "hb", "anc"}


def test_a_site_that_requires_the_parq_waits_for_it() -> None:
    site = SitePolicy(require_parq=True)
    assert assess(a_treated_patient(), policy=site).verdict is Verdict.INCOMPLETE
    parq = [a_reading(f"parq-{n}", False) for n in range(1, 8)]
    assert assess(a_treated_patient(*parq), policy=site).verdict is Verdict.REFER


@pytest.mark.parametrize(
    ("facts", "readings", "verdict", "tier"),
    [
        pytest.param(
            [a_fact("vs.fracture_recent", days_ago=20, code="S52.501A")], (), Verdict.CLEARANCE, "T2", id="arm"
        ),
        pytest.param([a_fact("vs.fracture_recent", days_ago=20, code="S72.001A")], (), Verdict.HOLD, "T0", id="thigh"),
        pytest.param([a_fact("vs.fracture_recent", days_ago=20)], (), Verdict.HOLD, "T0", id="site unknown"),
        pytest.param([a_fact("vs.wound_problem", days_ago=20)], (), Verdict.CLEARANCE, "T2", id="wound"),
        pytest.param([], (a_reading("gi_ctcae", 2),), Verdict.HOLD, "T0", id="vomiting holds the day"),
        pytest.param([], (a_reading("bmi", 15.5),), Verdict.HOLD, "T0", id="severe malnutrition"),
        pytest.param([a_fact("vs.pregnant", days_ago=90, code="O44.11")], (), Verdict.CLEARANCE, "T2", id="praevia"),
        pytest.param(
            [a_fact("vs.diabetes"), a_fact("vs.insulin", kind="order")],
            (a_reading("glucose", 3.5),),
            Verdict.REFER,
            "T3",
            id="low sugar travels with the plan",
        ),
        pytest.param([a_fact("vs.dka", days_ago=3)], (), Verdict.HOLD, "T0", id="ketoacidosis"),
    ],
)
def test_a_partial_hold_asks_for_clearance_and_a_whole_one_holds(
    facts: list[Any], readings: tuple[Any, ...], verdict: Verdict, tier: str
) -> None:
    found = assess(a_treated_patient(*readings, facts=facts))
    assert (found.verdict, found.tier) == (verdict, tier)


@pytest.mark.parametrize(
    ("facts", "readings", "tier", "supervision", "destination"),
    [
        pytest.param([a_fact("vs.hf", days_ago=900)], (), "T1", 4, "D1", id="heart failure"),
        pytest.param([], (a_reading("lvef", 35),), "T1", 4, "D1", id="LVEF 35"),
        pytest.param([a_fact("vs.hsct", kind="procedure")], (), "T1", 3, "D2", id="transplant alone asks for 3"),
        pytest.param(
            [a_fact("vs.hsct", kind="procedure"), a_fact("vs.hf")], (), "T1", 4, "D1", id="transplant and heart"
        ),
        pytest.param([], (a_reading("ecog", 3),), "T1", 4, "D1", id="ECOG 3"),
        pytest.param([a_fact("vs.bone_mets")], (), "T2", 3, "D2", id="bone metastases"),
        pytest.param([], (a_reading("ecog", 2),), "T2", 3, "D2", id="ECOG 2"),
        pytest.param([a_fact("vs.copd", days_ago=900)], (), "T2", 3, "D2", id="COPD"),
        pytest.param([], (a_reading("tug", 12.5),), "T2", 3, "D2", id="high fall risk"),
        pytest.param([a_fact("vs.neuropathy")], (), "T3", 2, "D3", id="neuropathy"),
        pytest.param([], (a_reading("ctcae_neuropathy", 2),), "T3", 2, "D3", id="neuropathy of grade 2"),
        pytest.param([a_fact("vs.neuropathy"), a_fact("vs.falls")], (), "T2", 3, "D2", id="neuropathy and falls"),
        pytest.param([], (a_reading("platelets", 40),), "T3", 2, "D3", id="platelets 40"),
        pytest.param([a_fact("vs.lymphoedema")], (), "T3", 2, "D3", id="lymphoedema"),
    ],
)
def test_tier_supervision_and_destination_follow_the_tables(
    facts: list[Any], readings: tuple[Any, ...], tier: str, supervision: int, destination: str
) -> None:
    decision = decide(a_treated_patient(*readings, facts=facts))
    assert isinstance(decision, Proposal)
    found = decision.assessment
    assert (found.tier, found.min_supervision) == (tier, supervision)
    assert decision.destination.level == destination


def test_old_age_without_function_data_is_a_moderate_risk() -> None:
    readings = normal_readings(ecog=None)
    old = assess(a_snapshot(*readings, born=a_snapshot().as_of.date().replace(year=1950)))
    younger = assess(a_snapshot(*readings))
    assert (old.tier, old.min_supervision) == ("T3", 2)
    assert (younger.tier, younger.min_supervision) == ("T4", 2)


# Estimates


@dataclass(frozen=True)
class _Fixed:
    """Models that always say the same."""

    band: str | None

    def risk(self, s: PatientSnapshot) -> Estimate | None:
        return _estimate("risk", self.band)

    def adherence(self, s: PatientSnapshot) -> Estimate | None:
        return _estimate("adherence", self.band)


def _estimate(name: str, band: str | None) -> Estimate | None:
    if band is None:
        return None
    refused = band == "not scored"
    return Estimate(
        name,
        None if refused else 0.5,
        N_("something"),
        band,
        "full",
        "1",
        refusal=N_("not enough known") if refused else None,
    )


@pytest.mark.parametrize(
    ("snapshot", "before", "after"),
    [
        pytest.param(a_snapshot(*normal_readings()), 1, 2, id="one level up"),
        pytest.param(a_treated_patient(), 2, 3, id="two to three"),
        pytest.param(a_treated_patient(facts=[a_fact("vs.bone_mets")]), 3, 3, id="three stays"),
        pytest.param(a_treated_patient(a_reading("lvef", 35)), 4, 4, id="four stays"),
    ],
)
def test_a_high_risk_estimate_raises_supervision_by_one_up_to_three(
    snapshot: PatientSnapshot, before: int, after: int
) -> None:
    assert assess(snapshot).min_supervision == before
    assert assess(snapshot, _Fixed("high")).min_supervision == after


@pytest.mark.parametrize("band", ["low", "middle", "not scored", None])
def test_any_other_estimate_changes_nothing(band: str | None) -> None:
    plain, estimated = assess(a_treated_patient()), assess(a_treated_patient(), _Fixed(band))
    assert estimated.min_supervision == plain.min_supervision
    assert (estimated.verdict, estimated.tier, estimated.release) == (plain.verdict, plain.tier, plain.release)


def test_a_refused_estimate_is_shown() -> None:
    found = assess(a_treated_patient(), _Fixed("not scored"))
    assert found.risk is not None
    assert found.risk.refusal is not None


def test_an_estimate_never_changes_a_hold() -> None:
    held = a_treated_patient(a_reading("platelets", 8))
    assert assess(held, _Fixed("low")).verdict is Verdict.HOLD
    assert assess(held, _Fixed("high")).release == assess(held).release


def test_a_model_switched_off_by_the_site_is_not_asked() -> None:
    found = assess(a_treated_patient(), _Fixed("high"), SitePolicy(risk_model=False))
    assert found.risk is None
    assert found.adherence is not None
    assert found.min_supervision == 2


def test_high_blood_pressure_as_a_diagnosis_is_a_moderate_risk() -> None:
    known = assess(a_snapshot(*normal_readings(), facts=[a_fact("vs.hypertension", days_ago=900)]))
    over = assess(a_snapshot(*normal_readings(), facts=[a_fact("vs.hypertension", days_ago=900, state="history")]))
    assert (known.tier, known.min_supervision) == ("T3", 2)
    assert over.tier == "T4"


def test_an_unanswered_question_lowers_no_supervision() -> None:
    wound = [a_fact("vs.wound_problem", days_ago=3)]
    answered = assess(a_snapshot(*normal_readings(), facts=wound))
    unanswered = assess(a_snapshot(*normal_readings(), facts=wound, answered=False))
    assert (answered.tier, unanswered.tier) == ("T2", "T?")
    assert unanswered.min_supervision >= answered.min_supervision
