"""Whatever is sent by a trusted client: the documented statuses, and an OperationOutcome with each refusal."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_hooks.ports import HookCall, Offer
from mappings.bundle import Chart
from models.placement import placement_of
from tests.cds_hooks import builders
from tests.cds_hooks.builders import a_prefetch, a_request, access
from tests.cds_hooks.conftest import Running
from tests.cds_hooks.hygiene import check_response

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "code", "entry", "x"]), inner),
    max_leaves=6,
)
PLAIN = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, ...]] = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in pairs:
        inner += places(child, (*path, name))
    return inner


def replaced(value: dict[str, Any], path: tuple[Any, ...], junk: Any) -> dict[str, Any]:
    changed: Any = copy.deepcopy(value)
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = junk
    result: dict[str, Any] = changed
    return result


FULL = a_request(
    hook="order-sign",
    fhirServer=builders.FHIR_SERVER,
    fhirAuthorization=access(),
    context={
        "userId": "Practitioner/dr1",
        "patientId": "p1",
        "encounterId": "e1",
        "draftOrders": builders.a_bundle(builders.a_draft("MedicationRequest", "d1")),
    },
    prefetch={key: value for key, value in a_prefetch().items() if key in ("patient", "conditions", "labs")},
)
ORDER = {
    "resourceType": "ServiceRequest",
    "id": "o1",
    "identifier": [{"system": "https://ehr.example/orders", "value": "7"}],
    "status": "active",
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "91251008"}]}],
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "229065009"}]},
    "subject": {"reference": "Patient/p1"},
    "performer": [{"reference": "Organization/class", "display": "The class"}],
}
DISPATCH = a_request(
    hook="order-dispatch",
    fhirServer=builders.FHIR_SERVER,
    fhirAuthorization=access(),
    context={
        "patientId": "p1",
        "dispatchedOrders": ["ServiceRequest/o1", "ServiceRequest/o2"],
        "performer": "Organization/class",
        "fulfillmentTasks": [
            {
                "resourceType": "Task",
                "id": "t1",
                "focus": {"reference": "ServiceRequest/o1"},
                "for": {"reference": "Patient/p1"},
            }
        ],
    },
    prefetch={
        "patient": builders.a_patient(),
        "conditions": builders.a_bundle(builders.a_condition()),
        "referrals": builders.a_bundle(ORDER),
        "performer": {"resourceType": "Organization", "id": "class", "name": "Riverside"},
    },
)
DRUGS = FULL | {
    "context": FULL["context"]
    | {
        "draftOrders": builders.a_bundle(
            builders.a_draft("MedicationRequest", "d1") | {"medicationReference": {"reference": "Medication/m1"}}
        )
    },
    "prefetch": FULL["prefetch"]
    | {"drugs": builders.a_bundle({"resourceType": "Medication", "id": "m1", "code": {"text": "x", "coding": []}})},
}
ENTRY = {
    "card": str(builders.CARD),
    "outcome": "overridden",
    "acceptedSuggestions": [{"id": str(builders.SUGGESTION)}],
    "overrideReason": {"reason": {"code": "CL-OTHER", "system": "x", "display": "y"}, "userComment": "z"},
    "outcomeTimestamp": "2026-11-24T20:41:05Z",
}


@PLAIN
@given(path=st.sampled_from(places(FULL)), junk=JUNK)
def test_ch_g4_ch_s5_one_wrong_node_anywhere_in_a_request_is_an_answer_or_a_plain_refusal(
    service: Running, path: tuple[Any, ...], junk: Any
):
    check_answer(service.post(json.dumps(replaced(FULL, path, junk)).encode()))


def judged(call: HookCall, chart: Chart) -> Offer:
    """An intake that judges the choice of programme, where one is being made."""
    proposal = builders.a_proposal()
    dispatch = call.dispatch
    placement = placement_of(dispatch.performer, builders.PLACES, proposal) if dispatch else None
    return builders.an_offer(decision=proposal, placement=placement)


@PLAIN
@given(path=st.sampled_from(places(DISPATCH)), junk=JUNK)
def test_ch_g4_one_wrong_node_anywhere_in_a_dispatch_is_an_answer_or_a_plain_refusal(
    service: Running, path: tuple[Any, ...], junk: Any
):
    service.intake.offer = judged
    where = "exercise-programme-choice"
    body = json.dumps(replaced(DISPATCH, path, junk)).encode()
    check_answer(service.post(body, path=where, aud=f"{builders.BASE}/cds-services/{where}"))


@PLAIN
@given(path=st.sampled_from(places(DRUGS)), junk=JUNK)
def test_one_wrong_node_anywhere_around_a_drug_is_an_answer_or_a_plain_refusal(
    service: Running, path: tuple[Any, ...], junk: Any
):
    check_answer(service.post(json.dumps(replaced(DRUGS, path, junk)).encode()))


def check_answer(response: Any) -> None:
    assert response.status_code in (200, 400, 412), response.text
    if response.status_code == 200:
        check_response(response.get_json())
    else:
        assert response.get_json()["resourceType"] == "OperationOutcome"


@PLAIN
@given(path=st.sampled_from(places({"feedback": [ENTRY]})), junk=JUNK)
def test_ch_b2_one_wrong_node_anywhere_in_feedback_is_taken_or_a_plain_refusal(
    service: Running, path: tuple[Any, ...], junk: Any
):
    body = replaced({"feedback": [ENTRY]}, path, junk)
    response = service.post(
        json.dumps(body).encode(), path="exercise-referral/feedback", aud=f"{builders.SERVICE}/feedback"
    )
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert response.get_json()["resourceType"] == "OperationOutcome"


@PLAIN
@given(body=st.binary(max_size=200))
def test_bytes_that_are_no_request_are_refused(service: Running, body: bytes):
    assert service.post(body).status_code == 400


@PLAIN
@given(token=st.text(max_size=80) | st.builds(lambda *p: ".".join(p), *[st.text("ABCabc019-_=", max_size=30)] * 3))
def test_ch_j1_nothing_that_looks_like_a_token_gets_in(service: Running, token: str):
    header = f"Bearer {token}".encode("utf-8", "replace").decode("latin-1").replace("\n", "").replace("\r", "")
    assert service.post(builders.body(a_request()), headers={"Authorization": header}).status_code == 401
