"""The public CDS Hooks sandbox, played: what an integrator tries first, with its habits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cds_hooks import builders
from tests.cds_hooks.builders import BASE, SERVICE, a_bundle, a_client, a_key, a_prefetch, a_request
from tests.cds_hooks.conftest import Running

SANDBOX_ISSUER = "https://sandbox.cds-hooks.org"
FHIR = "http://localhost:8445/v/r4/fhir"
PAGE = "http://localhost:8080"
KEY = a_key("ES384", "sandbox-1")


@pytest.fixture
def trusted(service: Running) -> Running:
    """A development client: keys from a local JWKS, plain http on loopback, the page's origin."""
    client = a_client(
        issuer=SANDBOX_ISSUER,
        keys=lambda refetch: builders.a_jwks(KEY),
        fhir_servers=frozenset((FHIR,)),
        cors_origins=frozenset((PAGE,)),
        subject=None,
        insecure_http=True,
    )
    service.clients.clients[SANDBOX_ISSUER] = client
    return service


def from_sandbox(aud: str) -> dict[str, str]:
    token = builders.a_token(
        key=KEY, iss=SANDBOX_ISSUER, aud=aud, header={"jku": f"{SANDBOX_ISSUER}/.well-known/jwks.json"}
    )
    return {"Authorization": f"Bearer {token}", "Origin": PAGE}


def opened(**changes: Any) -> dict[str, Any]:
    """Open mode: no encounter, no token, always the same user."""
    context = {"patientId": "p1", "userId": "Practitioner/COREPRACTITIONER1"}
    return a_request(fhirServer=FHIR, context=context) | changes


def test_the_sandbox_reads_discovery_with_a_token_of_its_own(trusted: Running):
    response = trusted.http.get("/cds-services", headers=from_sandbox(f"{BASE}/cds-services"))
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == PAGE


def test_the_sandbox_in_open_mode_gets_a_card_on_patient_view(trusted: Running):
    response = trusted.post(builders.body(opened()), headers=from_sandbox(SERVICE))
    assert response.status_code == 200
    assert len(response.get_json()["cards"]) == 1
    assert response.headers["Access-Control-Allow-Origin"] == PAGE


def test_the_sandbox_signs_orders_that_are_only_half_filled_in(trusted: Running):
    draft = {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "status": "draft",
        "category": {"coding": [{"code": "community"}]},
        "subject": {"reference": "Patient/p1"},
        "dosageInstruction": [{"timing": {"repeat": {}}}],
    }
    drafts = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
    context = {"patientId": "p1", "userId": "Practitioner/COREPRACTITIONER1", "draftOrders": drafts}
    response = trusted.post(builders.body(opened(hook="order-sign", context=context)), headers=from_sandbox(SERVICE))
    assert response.status_code == 200
    assert [order.reference for order in trusted.intake.calls[0].draft_orders] == ["MedicationRequest/request-123"]


def test_the_sandbox_leaves_out_keys_that_it_could_not_fill_and_we_cannot_fetch(trusted: Running):
    some = {key: value for key, value in a_prefetch().items() if key in ("patient", "conditions", "labs")}
    response = trusted.post(builders.body(opened(prefetch=some)), headers=from_sandbox(SERVICE))
    assert response.status_code == 200
    assert {"vitals", "medications", "answers"} <= trusted.intake.charts[0].unread


def test_the_sandbox_sends_bundles_of_its_fhir_server_with_links_and_total(trusted: Running):
    link = [{"relation": "self", "url": f"{FHIR}/Condition?patient=p1"}]
    conditions = a_bundle(builders.a_condition(), link=link)
    request = opened(prefetch=a_prefetch(conditions=conditions))
    assert trusted.post(builders.body(request), headers=from_sandbox(SERVICE)).status_code == 200
    assert not trusted.intake.charts[0].unread


@pytest.mark.parametrize("outcome", ["accepted", "overridden"])
def test_the_sandbox_sends_feedback_signed_for_the_feedback_address(trusted: Running, outcome: str):
    entry: dict[str, Any] = {"card": str(builders.CARD), "outcome": outcome}
    entry["outcomeTimestamp"] = "2026-11-24T20:41:05.123Z"
    if outcome == "accepted":
        entry["acceptedSuggestions"] = [{"id": str(builders.SUGGESTION)}]
    else:
        entry["overrideReason"] = {"reason": {"code": "CL-CHOICE", "system": "x", "display": "y"}}
    response = trusted.post(
        builders.body({"feedback": [entry]}),
        path="exercise-referral/feedback",
        headers=from_sandbox(f"{SERVICE}/feedback"),
    )
    assert response.status_code == 200
    assert len(trusted.feedbacks.entries) == 1


def test_the_sandbox_fires_again_at_every_change_and_each_call_is_answered(trusted: Running):
    statuses = [trusted.post(builders.body(opened()), headers=from_sandbox(SERVICE)).status_code for _ in range(5)]
    assert statuses == [200] * 5
