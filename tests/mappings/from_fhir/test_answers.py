"""mappings/from_fhir/answers.py. Source: conventions.md section 1."""

from __future__ import annotations

import pytest

from mappings.canonical import PARQ_PLUS, SAFETY_QUESTIONS
from models.inputs import SAFETY_QUESTIONS as QUESTIONS
from tests.mappings.charts import LOINC, PATIENT, answers, concept, local_observation, reading, resource, snapshot_with

ALL_NO = {question.replace("-", "_"): False for question in QUESTIONS}


def test_the_six_questions_are_read_with_date_and_place():
    snapshot = snapshot_with(answers(**ALL_NO))
    assert {alias for alias in QUESTIONS if snapshot.latest(alias).value is False} == set(QUESTIONS)
    found = snapshot.latest("chest-pain")
    assert (found.source, found.when.day) == ("QuestionnaireResponse/qr-1#chest-pain", "2026-11-24")


def test_a_question_without_an_answer_is_unknown_not_no():
    assert reading("fever", answers(**ALL_NO | {"fever": None})) is None


def test_a_version_of_the_questionnaire_is_the_questionnaire():
    assert reading("fever", answers(fever=True, questionnaire=f"{SAFETY_QUESTIONS}|1.2")).value is True


def test_another_questionnaire_is_not_ours():
    assert reading("fever", answers(fever=True, questionnaire="https://example.org/q")) is None


@pytest.mark.parametrize("status", ["in-progress", "entered-in-error", "stopped", None])
def test_only_finished_answers_count(status):
    made = answers(fever=False) | {"status": status}
    assert reading("fever", {name: value for name, value in made.items() if value is not None}) is None


def test_questions_may_lie_in_groups():
    made = answers(fever=True)
    made["item"] = [{"linkId": "group", "item": made["item"]}]
    assert reading("fever", made).value is True


def test_a_coded_yes_is_a_yes():
    made = answers()
    made["item"] = [{"linkId": "fever", "answer": [{"valueCoding": concept(LOINC, "LA33-6")["coding"][0]}]}]
    assert reading("fever", made).value is True


def test_answers_of_a_later_day_are_not_there_yet():
    assert reading("fever", answers(fever=False) | {"authored": "2027-03-01"}) is None


def test_answers_without_a_date_are_a_fault():
    made = answers(fever=False)
    del made["authored"]
    assert snapshot_with(made).faults[0].input == "answers"


def test_parq_plus():
    items = [{"linkId": str(n), "answer": [{"valueBoolean": n == 3}]} for n in range(1, 8)]
    items.append({"linkId": "follow-up-clear", "answer": [{"valueBoolean": True}]})
    made = answers(questionnaire=PARQ_PLUS) | {"item": items}
    snapshot = snapshot_with(made)
    assert [snapshot.latest(f"parq-{n}").value for n in range(1, 8)] == [n == 3 for n in range(1, 8)]
    assert snapshot.latest("parq-follow-up-clear").value is True


def test_answers_and_observations_are_one_series():
    newer = local_observation("fever", valueBoolean=True)
    series = snapshot_with(answers(fever=False), newer).series("fever")
    assert [one.value for one in series] == [True, False]


def test_endless_nesting_is_read_as_far_as_it_makes_sense():
    item = {"linkId": "x"}
    for _ in range(200):
        item = {"linkId": "x", "item": [item]}
    snapshot_with(
        resource(
            "QuestionnaireResponse",
            "q",
            status="completed",
            questionnaire=SAFETY_QUESTIONS,
            authored="2026-11-24",
            source={"reference": f"Patient/{PATIENT}"},
            item=[item],
        )
    )
