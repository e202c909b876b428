"""An estimate names the entries of the chart that it rests on; a model that is off says so."""

from __future__ import annotations

import dataclasses

from models.assessment import assess
from models.basis import basis_of
from models.booster import load_estimators
from models.decision import SitePolicy
from models.features import FEATURES, features_named
from models.risk import RISK
from models.switched_off import switched_off
from tests.builders import a_fact, a_reading, a_snapshot

ESTIMATORS = load_estimators()


def test_results_answers_and_diagnoses_are_named_once_and_gaps_are_not():
    snapshot = a_snapshot(
        a_reading("weight", 71, source="Observation/w"),
        a_reading("height", 168, source="Observation/h"),
        a_reading("mobility_limitation", True, source="QuestionnaireResponse/q#mobility"),
        a_reading("walking_aid", True, source="QuestionnaireResponse/q#aid"),
        facts=[a_fact("vs.hf", source="Condition/hf"), a_fact("vs.stroke", source="Condition/s", confirmed=False)],
    )
    found = basis_of(features_named(RISK.features), snapshot)
    assert {"Observation/w", "Observation/h", "QuestionnaireResponse/q", "Condition/hf"} <= set(found)
    assert "Condition/s" not in found, "a suspected disease is unknown to the model"
    assert len(found) == len(set(found))


def test_a_value_that_is_too_old_to_be_read_is_no_basis():
    old = a_snapshot(a_reading("weight", 71, days_ago=900, source="Observation/w"))
    assert basis_of((FEATURES["weight_kg"],), old) == ()


def test_the_newest_entry_is_the_basis():
    both = a_snapshot(
        a_reading("weight", 70, days_ago=1, source="Observation/new"),
        a_reading("weight", 75, days_ago=90, source="Observation/old"),
    )
    assert basis_of((FEATURES["weight_kg"],), both) == ("Observation/new",)


def test_the_basis_comes_with_the_reasons_and_not_before():
    snapshot = a_snapshot(a_reading("weight", 71, source="Observation/w"))
    plain = ESTIMATORS.risk(snapshot)
    assert plain.basis == ()
    assert "Observation/w" in ESTIMATORS.with_drivers(plain, snapshot).basis


def test_a_refused_estimate_has_neither():
    snapshot = a_snapshot(a_reading("weight", 71), born=None)
    refused = ESTIMATORS.risk(snapshot)
    assert ESTIMATORS.with_drivers(refused, snapshot) == refused


def test_a_model_that_is_off_is_said_to_be_off_and_one_that_is_on_is_not():
    snapshot = a_snapshot()
    told = {
        policy: [text.render() for text in switched_off(assess(snapshot, ESTIMATORS, policy))]
        for policy in (SitePolicy(), SitePolicy(risk_model=False), SitePolicy(adherence_model=False))
    }
    on, no_risk, no_adherence = told.values()
    assert on == []
    assert no_risk == ["Risk model: not available (switched off); the rules alone decide"]
    assert no_adherence == ["Adherence model: not available (switched off); usual support for everybody"]
    assert len(switched_off(assess(snapshot, None))) == 2


def test_who_is_not_eligible_reads_nothing_about_models():
    assessment = assess(a_snapshot(cancer=False), None)
    ineligible = dataclasses.replace(
        assessment, eligibility=dataclasses.replace(assessment.eligibility, eligible=False)
    )
    assert switched_off(ineligible) == ()
