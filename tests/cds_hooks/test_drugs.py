"""order-sign: drugs that drafts only point at. Source: standards.md trap 12."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cds_hooks.drugs import DRUGS
from tests.cds_hooks import builders
from tests.cds_hooks.builders import (
    BASE,
    FHIR_SERVER,
    ISSUER,
    a_bundle,
    a_client,
    a_prefetch,
    a_request,
    access,
    bearer,
)
from tests.cds_hooks.conftest import Running

PACLITAXEL = {
    "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "56946"}],
    "text": "paclitaxel",
}
MEDICATION = {"resourceType": "Medication", "id": "m1", "code": PACLITAXEL}
DRAFT = {
    "resourceType": "MedicationRequest",
    "id": "d1",
    "status": "draft",
    "subject": {"reference": "Patient/p1"},
    "medicationReference": {"reference": "Medication/m1"},
}


def signing(prefetch: dict[str, Any] | None = None, draft: dict[str, Any] = DRAFT, **changes: Any) -> dict[str, Any]:
    context = {"patientId": "p1", "userId": "Practitioner/1", "draftOrders": a_bundle(draft)}
    return a_request(hook="order-sign", context=context, prefetch=a_prefetch() | (prefetch or {}), **changes)


def ordered(service: Running, request: dict[str, Any]) -> Any:
    answer = service.call(request)
    assert answer.status_code == 200
    (order,) = service.intake.calls[0].draft_orders
    return order


@pytest.mark.parametrize("key", [DRUGS, "medications"])
@pytest.mark.parametrize("value", [MEDICATION, a_bundle(MEDICATION)])
def test_it_is_found_in_what_the_client_sent(service: Running, key: str, value: dict[str, Any]):
    assert ordered(service, signing({key: value})).text == "paclitaxel"


@pytest.mark.parametrize(
    "reference", ["Medication/m1", f"{FHIR_SERVER}/Medication/m1", f"{FHIR_SERVER}/Medication/m1/_history/2"]
)
def test_else_it_is_read_with_the_token(service: Running, reference: str):
    service.charts.answers = {"Medication/m1": json.dumps(MEDICATION).encode()}
    draft = DRAFT | {"medicationReference": {"reference": reference}}
    order = ordered(service, signing(draft=draft, fhirServer=FHIR_SERVER, fhirAuthorization=access()))
    assert (order.text, order.unresolved) == ("paclitaxel", ())
    assert service.charts.paths == ["Medication/m1"]


@pytest.mark.parametrize("scope", ["user/MedicationRequest.rs", "user/Patient.read"])
def test_ch_f3_a_token_that_does_not_cover_it_is_not_used(service: Running, scope: str):
    order = ordered(service, signing(fhirServer=FHIR_SERVER, fhirAuthorization=access(scope=scope)))
    assert not service.charts.calls
    assert order.unresolved == ("Medication/m1",)


def test_else_the_card_says_that_the_drug_is_unknown(service: Running):
    answer = service.call(signing()).get_json()
    assert "Seen while ordering unknown drug (Medication/m1)" in answer["cards"][0]["detail"]
    assert service.intake.calls[0].draft_orders[0].treatment  # what cannot be told may be treatment


def test_a_drug_at_hand_is_not_asked_for(service: Running):
    draft = DRAFT | {"contained": [MEDICATION], "medicationReference": {"reference": "#m1"}}
    order = ordered(service, signing(draft=draft, fhirServer=FHIR_SERVER, fhirAuthorization=access()))
    assert (order.text, order.unresolved) == ("paclitaxel", ())
    assert not service.charts.calls


@pytest.mark.parametrize(("dialect", "asked"), [("2.0", False), ("3.0", True)])
@pytest.mark.parametrize(
    ("hook", "key", "part"),
    [
        ("order-sign", DRUGS, "resolve().ofType(Medication).id}}"),
        ("order-select", DRUGS, "context.draftOrders.entry.resource.ofType(MedicationRequest)"),
        ("order-dispatch", "dispatched", "context.dispatchedOrders.resolve()"),
    ],
)
def test_ch_p1_only_a_client_of_3_0_is_asked_to_follow_references(
    service: Running, dialect: str, asked: bool, hook: str, key: str, part: str
):
    service.clients.clients[ISSUER] = a_client(prefetch=dialect)
    listed = service.http.get("/cds-services", headers=bearer(aud=f"{BASE}/cds-services")).get_json()["services"]
    prefetch = next(one["prefetch"] for one in listed if one["hook"] == hook)
    assert (part in prefetch.get(key, "")) is asked
    others = next(one["prefetch"] for one in listed if one["hook"] == "patient-view")
    assert not {DRUGS, "dispatched"} & others.keys()


def test_every_reading_of_a_call_has_the_same_deadline(service: Running):
    request = signing(fhirServer=FHIR_SERVER, fhirAuthorization=access())
    del request["prefetch"]["labs"]
    service.call(request)
    assert len(service.charts.deadlines) == 2
    assert len(set(service.charts.deadlines)) == 1
    assert builders.TOKEN in {token for _, token, _ in service.charts.calls}
