"""Orders in the context, in the shapes that EHRs send (trap 12)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from cds_hooks.drafts import draft_orders
from cds_hooks.errors import MalformedCall
from cds_hooks.ports import DraftOrder
from tests.cds_hooks.builders import a_bundle

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PACLITAXEL = {"coding": [{"system": RXNORM, "code": "56946", "display": "paclitaxel"}]}
CODES = ((RXNORM, "56946"),)


def read(value: Any, **options: Any) -> tuple[DraftOrder, ...]:
    return draft_orders(msgspec.Raw(json.dumps(value).encode()), "p1", **options)


def order(kind: str = "MedicationRequest", **fields: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": "d1", "status": "draft", "subject": {"reference": "Patient/p1"}} | fields


MEDICATION = {"resourceType": "Medication", "id": "m1", "code": PACLITAXEL}

SIMPLE = order(medicationCodeableConcept=PACLITAXEL)

SHAPES = {
    "a concept": a_bundle(order(medicationCodeableConcept=PACLITAXEL)),
    "a contained medication": a_bundle(order(contained=[MEDICATION], medicationReference={"reference": "#m1"})),
    "a medication in the Bundle": a_bundle(order(medicationReference={"reference": "Medication/m1"}), MEDICATION),
    "a service request": a_bundle(order("ServiceRequest", code=PACLITAXEL)),
    "a protocol as care plan": a_bundle(order("CarePlan", activity=[{"detail": {"code": PACLITAXEL}}])),
    "a protocol as request group": a_bundle(order("RequestGroup", action=[{"action": [{"code": [PACLITAXEL]}]}])),
    "a Bundle without type": {
        k: v for k, v in a_bundle(order(medicationCodeableConcept=PACLITAXEL)).items() if k != "type"
    },
    "a bare list": [order(medicationCodeableConcept=PACLITAXEL)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_drug_is_found_in_every_shape(shape: str):
    (found,) = read(SHAPES[shape])
    assert found.codings == CODES
    assert found.text == "paclitaxel"
    assert found.status == "draft"


SANDBOX = {
    "CH-R5 nothing picked yet": order(),
    "CH-R5 category is an object": order(category={"text": "x"}, medicationCodeableConcept=PACLITAXEL),
    "CH-R5 no subject, no id": {"resourceType": "MedicationRequest"},
    "junk in every field": order(
        status=5,
        code="x",
        medicationCodeableConcept=[None, 1, {"coding": "x"}],
        medicationReference="x",
        contained="x",
        activity=[1],
        subject=[],
    ),
    "an unresolvable reference": order(medicationReference={"reference": "Medication/elsewhere"}),
    "a null in a list of codings": order(code={"coding": [None, {"code": None}], "text": None}),
}


@pytest.mark.parametrize("shape", SANDBOX)
def test_half_filled_drafts_are_never_refused(shape: str):
    assert len(read(a_bundle(SANDBOX[shape]))) == 1


@pytest.mark.parametrize("value", [None, "x", 5, {}, {"entry": None}, {"entry": [None, {}, {"resource": None}]}, []])
def test_no_drafts_are_no_drafts(value: Any):
    assert read(value) == ()


@pytest.mark.parametrize("reference", ["Patient/p2", "https://ehr.example/fhir/Patient/p2"])
def test_a_draft_for_another_patient_is_refused(reference: str):
    with pytest.raises(MalformedCall):
        read(a_bundle(order(), order(subject={"reference": reference})))


def test_a_re_sign_keeps_its_status_and_order_select_its_choice():
    bundle = a_bundle(order(status="active"), order(id="d2"))
    first, second = read(bundle, selections=("MedicationRequest/d2",))
    assert (first.status, first.selected, second.selected) == ("active", False, True)
