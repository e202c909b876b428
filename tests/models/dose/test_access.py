"""Problems of ways, money and people change the words of a plan, never its numbers."""

from __future__ import annotations

import pytest

from mappings.codes import diagnoses
from models.assessment import assess
from models.dose.access import ACCESS
from models.prescription import prescribe
from tests.builders import a_fact, a_treated_patient


@pytest.mark.parametrize("name", sorted(ACCESS))
def test_a_problem_on_the_list_has_its_line_and_one_that_is_over_has_none(name: str) -> None:
    plans = {
        state: prescribe(assess(a_treated_patient(facts=[a_fact(name, state=state)])))
        for state in ("active", "history")
    }
    plain = prescribe(assess(a_treated_patient()))
    assert ACCESS[name] in plans["active"].other
    assert ACCESS[name] not in plans["history"].other
    assert plans["active"].aerobic == plain.aerobic
    assert plans["active"].resistance == plain.resistance


@pytest.mark.parametrize("name", sorted(ACCESS))
def test_every_problem_can_be_read_from_a_chart(name: str) -> None:
    assert any(name in names for names in diagnoses().prefixes.values())
