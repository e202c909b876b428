"""Allergies to latex and plaster, from an AllergyIntolerance or a condition."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.bundle import Part, read_chart
from mappings.errors import ForeignPatient
from tests.mappings.charts import ICD, PATIENT, SNOMED, bundle, concept, condition, patient, snapshot_with

SYSTEM = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"


def allergy(code: str = "111088007", /, *, who: str = PATIENT, **fields: Any) -> Any:
    made = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": {"reference": f"Patient/{who}"},
        "code": concept(SNOMED, code, "Latex"),
        "recordedDate": "2020-03-01",
    }
    return made | fields


def test_an_allergy_to_latex_is_a_fact_with_its_source():
    (found,) = snapshot_with(allergy()).having("vs.allergy_latex")
    assert (found.source, found.state, found.display) == ("AllergyIntolerance/a1", "active", "Latex")


def test_conditions_say_it_too():
    assert list(snapshot_with(condition("Z91.040")).having("vs.allergy_latex"))
    assert list(snapshot_with(allergy() | {"code": concept(ICD, "L23.1")}).having("vs.allergy_tape"))


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"clinicalStatus": concept(f"{SYSTEM}clinical", "resolved")}, "history"),
        ({"verificationStatus": concept(f"{SYSTEM}verification", "refuted")}, None),
        ({"verificationStatus": concept(f"{SYSTEM}verification", "entered-in-error")}, None),
        ({"recordedDate": "2027-01-01"}, None),
        ({"code": concept(SNOMED, "762952008", "Peanut")}, None),
    ],
)
def test_status_date_and_substance_decide(fields, state):
    found = list(snapshot_with(allergy(**fields)).having("vs.allergy_latex"))
    assert [fact.state for fact in found] == ([state] if state else [])


def test_an_allergy_of_somebody_else_refuses_the_chart():
    with pytest.raises(ForeignPatient):
        read_chart([Part("chart", bundle(patient(), allergy(who="other")))], patient_id=PATIENT)
