"""The call route: good requests, bad input, failures."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import pytest

from tests.cds_hooks import builders
from tests.cds_hooks.builders import FHIR_SERVER, a_client, a_condition, a_patient, a_prefetch, a_request, access
from tests.cds_hooks.conftest import Running


def outcome_of(response: Any) -> dict[str, Any]:
    """The OperationOutcome of an error response, with what CH-S4 asks for."""
    outcome: dict[str, Any] = response.get_json()
    assert response.mimetype == "application/json"
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["severity"] == "error"
    assert outcome["issue"][0]["code"]
    assert outcome["issue"][0]["details"]["text"]
    assert "Traceback" not in response.text
    assert "cards" not in outcome
    return outcome


def with_context(**changes: Any) -> dict[str, Any]:
    context = {"userId": "Practitioner/dr1", "patientId": "p1"} | changes
    return a_request(context={name: value for name, value in context.items() if value is not ...})


def test_ch_s1_a_good_call_gets_200_and_the_intake_everything_it_needs(service: Running):
    request = with_context(encounterId="e1")
    response = service.call(request)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert len(response.get_json()["cards"]) == 1
    (call,), (chart,) = service.intake.calls, service.intake.charts
    assert (call.tenant_id, call.service_id, call.hook) == ("north", "exercise-referral", "patient-view")
    assert (call.patient_id, call.user, call.encounter_id) == ("p1", "Practitioner/dr1", "e1")
    assert call.hook_instance == request["hookInstance"]
    assert chart.patient is not None
    assert not chart.unread


def test_ch_s2_nothing_to_say_is_an_empty_list_of_cards(service: Running):
    service.intake.offer = builders.an_offer(show=False, quiet_reason="overridden")
    response = service.call()
    assert (response.status_code, response.get_json()) == (200, {"cards": []})


BAD_REQUESTS = {
    "CH-S5 empty body": b"",
    "CH-S5 not JSON": b"{hook:",
    "CH-S5 not UTF-8": b'{"hook": "\xff\xfe"}',
    "CH-S5 a list": b"[]",
    "CH-S5 nested beyond reason": b'{"hook":' + b"[" * 200_000,
    "CH-S5 prefetch nested beyond reason": builders.body(a_request()).replace(
        b'"hook"', b'"prefetch": {"patient": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b'}, "hook"', 1
    ),
    "CH-R2 no hook": builders.body(a_request(hook=...)),
    "CH-R2 empty hook": builders.body(a_request(hook="")),
    "CH-R2 hook is a number": builders.body(a_request(hook=5)),
    "CH-R2 no hookInstance": builders.body(a_request(hookInstance=...)),
    "CH-R2 hookInstance is no UUID": builders.body(a_request(hookInstance="42")),
    "CH-R2 no context": builders.body(a_request(context=...)),
    "CH-R2 context is a list": builders.body(a_request(context=[])),
    "CH-R2 no patientId": builders.body(with_context(patientId=...)),
    "CH-R2 no userId": builders.body(with_context(userId=...)),
    "CH-R2 fhirAuthorization without fhirServer": builders.body(a_request(fhirAuthorization=access())),
    "CH-R4 fhirServer over http": builders.body(a_request(fhirServer="http://ehr.example/fhir")),
    "CH-R4 fhirServer is no address": builders.body(a_request(fhirServer="ehr")),
    "CH-R4 fhirServer that is not agreed": builders.body(a_request(fhirServer="https://evil.example/fhir")),
    "CH-R4 fhirServer on a neighbouring path": builders.body(a_request(fhirServer=f"{FHIR_SERVER}2")),
    "CH-R6 patientId with a type": builders.body(with_context(patientId="Patient/p1")),
    "CH-R6 patientId that climbs": builders.body(with_context(patientId="../p1")),
    "CH-R6 patientId with a query": builders.body(with_context(patientId="p1&_count=1")),
    "CH-R6 empty patientId": builders.body(with_context(patientId="")),
    "CH-R6 userId without a type": builders.body(with_context(userId="dr1")),
    "CH-R6 encounterId with a type": builders.body(with_context(encounterId="Encounter/e1")),
    "CH-R7 extension is a list": builders.body(a_request(extension=[{"url": "x"}])),
    "CH-D7 a hook that the service is not for": builders.body(a_request(hook="order-dispatch")),
    **{
        f"CH-F2 token without {name}": builders.body(
            a_request(fhirServer=FHIR_SERVER, fhirAuthorization=access(**{name: ...}))
        )
        for name in ("access_token", "token_type", "expires_in", "scope", "subject")
    },
    "CH-F2 token for another application": builders.body(
        a_request(fhirServer=FHIR_SERVER, fhirAuthorization=access(subject="other-app"))
    ),
    "CH-F2 token of another kind": builders.body(
        a_request(fhirServer=FHIR_SERVER, fhirAuthorization=access(token_type="DPoP"))
    ),
    "CH-F2 token for another patient": builders.body(
        a_request(fhirServer=FHIR_SERVER, fhirAuthorization=access(patient="p2"))
    ),
    "prefetch is a list": builders.body(a_request(prefetch=[])),
    "a prefetch value is text": builders.body(a_request(prefetch=a_prefetch(labs="none"))),
    "a prefetch value is no FHIR": builders.body(a_request(prefetch=a_prefetch(labs={"hello": 1}))),
    "the chart of another patient": builders.body(a_request(prefetch=a_prefetch(patient=a_patient("p2")))),
    "a condition of another patient": builders.body(
        a_request(prefetch=a_prefetch(conditions=builders.a_bundle(a_condition(patient="p2"))))
    ),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_a_bad_request_gets_400_and_an_operation_outcome(service: Running, case: str):
    response = service.post(BAD_REQUESTS[case])
    assert response.status_code == 400
    outcome_of(response)
    assert service.nothing_written
    assert not service.charts.calls


def test_a_bad_request_is_told_which_field_and_never_its_value(service: Running):
    outcome = outcome_of(service.call(with_context(patientId="canary/secret")))
    assert outcome["issue"][0]["expression"] == ["context.patientId"]
    assert "canary" not in str(outcome)


def test_ch_r1_an_unknown_service_is_404(service: Running):
    response = service.post(b"{}", path="unknown")
    assert response.status_code == 404
    outcome_of(response)
    assert service.post(b"{}", path="unknown/feedback").status_code == 404


def test_ch_d7_the_same_service_answers_both_hooks_and_order_sign_needs_its_drafts(service: Running):
    request = with_context(draftOrders=builders.a_bundle()) | {"hook": "order-sign"}
    assert service.call(request).status_code == 200
    assert service.call(with_context() | {"hook": "order-sign"}).status_code == 400
    assert service.call(with_context(draftOrders=None) | {"hook": "order-sign"}).status_code == 400


def test_ch_r3_two_calls_with_one_hook_instance_are_two_calls(service: Running):
    request = a_request()
    assert [service.call(request).status_code for _ in range(2)] == [200, 200]
    assert len(service.intake.calls) == 2


def test_ch_r4_http_is_for_development_clients_only(service: Running):
    server = "http://localhost:8090/fhir"
    service.clients.clients[builders.ISSUER] = a_client(insecure_http=True, fhir_servers=frozenset((server,)))
    assert service.call(a_request(fhirServer=server)).status_code == 200


def test_ch_r4_a_trailing_slash_makes_no_other_server(service: Running):
    assert service.call(a_request(fhirServer=f"{FHIR_SERVER}/")).status_code == 200


def test_ch_g4_unknown_elements_are_ignored_at_every_level(service: Running):
    request = a_request(
        extra={"a": [1]},
        extension={"com.example.x": {"y": 1}},
        fhirServer=FHIR_SERVER,
        fhirAuthorization=access(extra=1),
        prefetch=a_prefetch(theirs={"resourceType": "Basic"}, patient=a_patient() | {"x_unknown": {"deep": []}}),
    )
    request["context"] |= {"unknown": {"deep": [None]}}
    assert service.call(request).status_code == 200


def test_optional_fields_may_be_null(service: Running):
    request = with_context(encounterId=None) | {"fhirServer": None, "fhirAuthorization": None, "extension": None}
    assert service.call(request).status_code == 200


@pytest.mark.parametrize("form", ["application/json; charset=utf-8", "application/fhir+json", ""])
def test_json_media_types_are_read(service: Running, form: str):
    headers = builders.bearer() | {"Content-Type": form}
    assert service.post(builders.body(a_request()), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "form", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_another_media_type_is_415(service: Running, form: str):
    response = service.post(builders.body(a_request()), headers=builders.bearer() | {"Content-Type": form})
    assert response.status_code == 415
    outcome_of(response)
    assert service.nothing_written


def test_a_body_that_is_too_large_is_413(service: Running):
    service.settings["max_body_bytes"] = 10_000
    response = service.post(b" " * 10_001)
    assert response.status_code == 413
    outcome_of(response)
    assert service.call(a_request(prefetch=a_prefetch())).status_code == 200


def test_a_body_of_unknown_length_is_read_up_to_the_limit_only(service: Running):
    service.settings["max_body_bytes"] = 10_000
    headers = builders.bearer() | {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    response = service.http.post(
        "/cds-services/exercise-referral",
        input_stream=io.BytesIO(b" " * 1_000_000),
        headers=headers,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 413
    outcome_of(response)


def test_the_size_of_a_body_does_not_matter_before_the_caller_is_known(service: Running):
    service.settings["max_body_bytes"] = 10_000
    assert service.post(b" " * 10_001, headers={"Authorization": "Bearer x"}).status_code == 401


def test_ch_s6_a_failure_is_500_and_never_an_empty_list_of_cards(service: Running, caplog: pytest.LogCaptureFixture):
    service.intake.offer = ValueError("canary: Mrs Example has platelets of 8")
    response = service.call()
    assert response.status_code == 500
    assert "canary" not in str(outcome_of(response))
    assert "canary" not in caplog.text
    assert "ValueError" in caplog.text


def test_ch_f4_neither_tokens_nor_the_chart_reach_the_log(service: Running, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    patient = a_patient() | {"name": [{"family": "Canaryname"}]}
    request = a_request(fhirServer=FHIR_SERVER, fhirAuthorization=access(), prefetch=a_prefetch(patient=patient))
    service.call(request)
    service.intake.offer = RuntimeError("boom")
    service.call(request | {"hookInstance": str(uuid4())})
    assert request["hookInstance"] in caplog.text  # what ties our line to theirs is there
    for secret in (builders.TOKEN, "Canaryname", "eyJ"):
        assert secret not in caplog.text


def test_ch_g1_whatever_is_answered_with_a_body_is_json(service: Running):
    card, *others = service.call(), service.call(a_request(hook="nope")), service.post(b"{")
    others += [service.http.get("/cds-services"), service.http.get("/cds-services/openapi.json")]
    for answer in (card, *others):
        assert answer.mimetype == "application/json"
        json.loads(answer.data)
    for action in card.get_json()["cards"][0]["suggestions"][0]["actions"]:
        assert action["resource"]["resourceType"]  # plain FHIR JSON, not text that holds it


def test_answers_are_not_to_be_kept_by_anybody_on_the_way(service: Running):
    assert service.call().headers["Cache-Control"] == "no-store"


def test_ch_x3_choosing_orders_only_warms_up_under_an_id_of_its_own(service: Running):
    context = with_context(draftOrders=builders.a_bundle(), selections=["MedicationRequest/d1"])
    aud = f"{builders.BASE}/cds-services/exercise-referral-warm-up"
    warm = builders.body(context | {"hook": "order-select"})
    assert service.post(warm, path="exercise-referral-warm-up", aud=aud).status_code == 200
    assert service.intake.calls[-1].client.dry_run, "nothing may be opened or shown"
    assert service.post(warm).status_code == 400, "not under the id whose cards it would take away"
