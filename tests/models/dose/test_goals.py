"""Goals and barriers of the patient add to a plan and never move its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.assessment import assess
from models.dose.allergies import NOTES
from models.dose.equity import WISHES
from models.dose.goals import BARRIERS, GOALS
from models.prescription import prescribe
from models.programme import destination_of
from tests.builders import a_fact, a_reading, a_snapshot, a_treated_patient, normal_readings


@pytest.mark.parametrize("word", sorted(GOALS))
def test_every_goal_is_in_the_plan_with_its_row(word: str) -> None:
    plan = prescribe(assess(a_treated_patient(a_reading("prefs", word))))
    assert GOALS[word] in plan.other
    assert f"table 4, {word}" in {reason.by for reason in plan.reasons}


@pytest.mark.parametrize("word", sorted(BARRIERS))
def test_every_barrier_is_met_with_something(word: str) -> None:
    plan = prescribe(assess(a_treated_patient(a_reading("com_b", word))))
    assert BARRIERS[word] in plan.other
    assert f"table 10, barrier {word}" in {reason.by for reason in plan.reasons}


def test_no_impact_is_offered_to_bones_that_may_break() -> None:
    wish = a_reading("prefs", "goal-bones")
    frail = prescribe(assess(a_treated_patient(wish, facts=[a_fact("vs.bone_mets")])))
    assert not any("impact as it feels right" in str(text) for text in frail.other)
    assert any("no loaded bending or twisting" in str(text) for text in frail.other)
    assert GOALS["goal-bones"] in prescribe(assess(a_treated_patient(wish))).other


def test_all_goals_and_barriers_together_move_no_number() -> None:
    plain = prescribe(assess(a_treated_patient()))
    words = [a_reading("prefs", " ".join(GOALS)), a_reading("com_b", "fatigue")]
    wished = prescribe(assess(a_treated_patient(*words)))
    assert wished.resistance == plain.resistance
    assert wished.aerobic == plain.aerobic


def test_a_word_that_nobody_knows_changes_nothing() -> None:
    odd = [a_reading("prefs", "goal-moon"), a_reading("com_b", "weather")]
    assert prescribe(assess(a_treated_patient(*odd))).other == prescribe(assess(a_treated_patient())).other


def test_a_survivor_of_low_risk_who_wants_to_manage_alone_may() -> None:
    """D5 asks for tier T4, every question of the PAR-Q+ answered no, and the wish."""
    answered = [a_reading(f"parq-{number}", False) for number in range(1, 8)]
    calm = [*normal_readings(), *answered, a_reading("evs_min_week", 150)]
    wish = a_reading("prefs", "self-managed")
    found = {
        wanted: destination_of(assess(a_snapshot(*calm, *([wish] if wanted else [])))).level for wanted in (True, False)
    }
    assert found == {True: "D5", False: "D4"}


def test_every_word_stands_in_the_reference() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "fhir-input.md").read_text(encoding="utf-8")
    assert [word for word in (*WISHES, *GOALS, *BARRIERS) if f"`{word}`" not in page] == []


@pytest.mark.parametrize("name", sorted(NOTES))
def test_an_allergy_of_now_is_a_note_of_the_plan_and_a_past_one_is_not(name: str) -> None:
    now, past = (
        prescribe(assess(a_treated_patient(facts=[a_fact(name, state=state)]))) for state in ("active", "history")
    )
    assert NOTES[name] in now.other
    assert NOTES[name] not in past.other
