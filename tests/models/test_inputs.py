"""The catalogue of inputs."""

from __future__ import annotations

import pytest

from models.inputs import INPUTS, SAFETY_QUESTIONS, label_of


@pytest.mark.parametrize("alias", SAFETY_QUESTIONS)
def test_a_safety_question_is_a_boolean_valid_for_14_days(alias: str) -> None:
    asked = INPUTS[alias]
    assert asked.kind == "boolean"
    assert asked.otherwise.days == asked.on_treatment.days == 14


def test_the_limit_on_treatment_is_never_the_longer_one() -> None:
    assert [entry.alias for entry in INPUTS.values() if entry.on_treatment > entry.otherwise] == []


def test_haemoglobin_of_12_grams_a_litre_is_refused_and_not_read_as_grams_a_decilitre() -> None:
    assert not INPUTS["hb"].is_plausible(12)
    assert INPUTS["hb"].is_plausible(20)


def test_an_unknown_name_is_its_own_label() -> None:
    assert str(label_of("vs.cancer")) == "vs.cancer"
    assert str(label_of("hb")) == "Haemoglobin"
