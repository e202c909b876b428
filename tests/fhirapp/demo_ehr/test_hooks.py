from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import KeySet

from fhirapp.demo_ehr.app import DemoEhr
from fhirapp.demo_ehr.errors import CardUnknown, FhirError, HookFailed
from fhirapp.demo_ehr.hooks import as_transaction
from fhirapp.demo_ehr.server import serving
from tests.fhirapp.demo_ehr.conftest import served, settings_for

PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "labs": "Observation?patient={{context.patientId}}&code=http://loinc.org|777-3,http://loinc.org|718-7",
    "goals": "Goal?patient={{context.patientId}}",
    "encounter": "Encounter/{{context.encounterId}}",
    "missing": "Practitioner/nobody",
    "odd": "Observation?no-such=1",
    "user": "Practitioner/{{userPractitionerId}}",
}


def a_suggestion() -> dict[str, Any]:
    request = {
        "resourceType": "ServiceRequest",
        "id": "tmp-request",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/ada"},
    }
    goal = {
        "resourceType": "Goal",
        "id": "tmp-goal",
        "lifecycleStatus": "proposed",
        "subject": {"reference": "Patient/ada"},
    }
    plan = {
        "resourceType": "CarePlan",
        "id": "tmp-plan",
        "status": "draft",
        "intent": "plan",
        "goal": [{"reference": "Goal/tmp-goal"}],
        "activity": [{"reference": {"reference": "ServiceRequest/tmp-request"}}],
        "subject": {"reference": "Patient/ada"},
    }
    actions = [{"type": "create", "description": "x", "resource": one} for one in (plan, request, goal)]
    return {"label": "Refer", "uuid": str(uuid.uuid4()), "isRecommended": True, "actions": actions}


@dataclass
class CdsService:
    """A CDS service that keeps what it was sent."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    answer: Any = None
    jwks_url: str = ""
    seen_with_token: list[int] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask("cds")

        def authenticate() -> None:
            keys = KeySet.import_key_set(requests.get(self.jwks_url, timeout=5).json())
            token = request.headers["Authorization"].removeprefix("Bearer ")
            decoded = jwt.decode(token, keys, algorithms=["ES384"])
            assert decoded.claims["aud"] == request.base_url
            self.claims.append({**decoded.claims, "header": decoded.header})

        @app.get("/cds-services")
        def discovery() -> Any:
            authenticate()
            services = [
                {"id": "exercise", "hook": hook, "description": "x", "prefetch": PREFETCH}
                for hook in ("patient-view", "order-sign")
            ]
            return jsonify({"services": services})

        @app.post("/cds-services/exercise")
        def call() -> Any:
            authenticate()
            body = request.get_json()
            self.calls.append(body)
            headers = {"Authorization": f"Bearer {body['fhirAuthorization']['access_token']}"}
            place = f"{body['fhirServer']}/Patient/{body['context']['patientId']}"
            self.seen_with_token.append(requests.get(place, headers=headers, timeout=5).status_code)
            return jsonify(self.answer), self.status

        @app.post("/cds-services/exercise/feedback")
        def take_feedback() -> Any:
            authenticate()
            self.feedback.append(request.get_json())
            return "", 200

        return app


def a_card(**more: Any) -> dict[str, Any]:
    return {
        "uuid": str(uuid.uuid4()),
        "summary": "Refer to exercise",
        "indicator": "info",
        "source": {"label": "Stride"},
        "suggestions": [a_suggestion()],
        "selectionBehavior": "at-most-one",
        **more,
    }


@pytest.fixture
def cds() -> Iterator[CdsService]:
    service = CdsService(answer={"cards": [a_card()]})
    with served(service.app()) as base:
        service.base = base  # type: ignore[attr-defined]
        yield service


@pytest.fixture
def ehr(cds: CdsService) -> Iterator[DemoEhr]:
    with serving(lambda base: settings_for(base, cds_base_url=cds.base, hook_seconds=5.0)) as running:  # type: ignore[attr-defined]
        cds.jwks_url = f"{running.settings.base_url}/cds/jwks.json"
        yield running


def test_a_chart_opened_is_a_patient_view_call_with_a_signed_jwt_ch_j4(ehr: DemoEhr, cds: CdsService):
    shown = ehr.hooks.patient_view("ada")
    (call,) = cds.calls
    assert [card.body["summary"] for card in shown.cards] == ["Refer to exercise"]
    assert shown.failures == ()
    assert call["hook"] == "patient-view"
    assert uuid.UUID(call["hookInstance"])
    assert call["context"] == {"userId": "Practitioner/demo-clinician", "patientId": "ada"}
    claims = cds.claims[-1]
    assert claims["iss"] == ehr.settings.base_url
    assert claims["header"]["typ"] == "JWT"
    assert claims["header"]["jku"] == cds.jwks_url
    assert len({one["jti"] for one in cds.claims}) == len(cds.claims)


def test_the_token_that_travels_with_a_hook_reads_this_patient_only_ch_f2(ehr: DemoEhr, cds: CdsService):
    ehr.hooks.patient_view("ada")
    authorization = cds.calls[0]["fhirAuthorization"]
    assert cds.seen_with_token == [200]
    assert authorization["token_type"] == "Bearer"
    assert authorization["subject"] == "app"
    assert authorization["patient"] == "ada"
    headers = {"Authorization": f"Bearer {authorization['access_token']}"}
    other = requests.get(f"{ehr.settings.fhir_base}/Patient/ben", headers=headers, timeout=5)
    assert other.status_code == 403


def test_prefetch_tells_found_from_none_from_refused_from_not_asked_ch_p5(ehr: DemoEhr, cds: CdsService):
    ehr.hooks.patient_view("ada")
    prefetch = cds.calls[0]["prefetch"]
    assert prefetch["patient"]["id"] == "ada"
    assert prefetch["labs"]["total"] == 1
    assert prefetch["goals"]["total"] == 0
    assert prefetch["missing"] is None
    assert prefetch["odd"]["resourceType"] == "OperationOutcome"
    assert prefetch["user"]["id"] == "demo-clinician"
    assert "encounter" not in prefetch


def test_orders_about_to_be_signed_travel_in_the_context_and_are_not_stored(ehr: DemoEhr, cds: CdsService):
    order = {"resourceType": "MedicationRequest", "id": "draft-1", "status": "draft", "intent": "order"}
    ehr.hooks.order_sign("ada", [order])
    drafts = cds.calls[0]["context"]["draftOrders"]
    assert (drafts["type"], drafts["entry"][0]["resource"]["id"]) == ("collection", "draft-1")
    assert ehr.api.store.every("MedicationRequest") == []


def test_an_accepted_suggestion_is_one_transaction_and_one_feedback_ch_a2(ehr: DemoEhr, cds: CdsService):
    (card,) = ehr.hooks.patient_view("ada").cards
    ehr.hooks.accept(card, card.suggestions[0])
    (request,), (plan,), (goal,) = (ehr.api.store.every(kind) for kind in ("ServiceRequest", "CarePlan", "Goal"))
    assert plan["goal"] == [{"reference": f"Goal/{goal['id']}"}]
    assert plan["activity"][0]["reference"]["reference"] == f"ServiceRequest/{request['id']}"
    assert not request["id"].startswith("tmp")
    (told,) = cds.feedback[0]["feedback"]
    assert told["card"] == card.uuid
    assert told["outcome"] == "accepted"
    assert told["acceptedSuggestions"] == [{"id": card.suggestions[0]["uuid"]}]
    assert told["outcomeTimestamp"].endswith("Z")


def test_a_card_is_answered_once(ehr: DemoEhr, cds: CdsService):
    (card,) = ehr.hooks.patient_view("ada").cards
    ehr.hooks.accept(card, card.suggestions[0])
    for answer in (lambda: ehr.hooks.accept(card, card.suggestions[0]), lambda: ehr.hooks.override(card)):
        with pytest.raises(CardUnknown):
            answer()
    assert len(ehr.api.store.every("ServiceRequest")) == 1
    assert len(cds.feedback) == 1


def test_a_suggestion_that_cannot_be_carried_out_leaves_nothing_and_the_card_open(ehr: DemoEhr, cds: CdsService):
    suggestion = a_suggestion()
    suggestion["actions"].append({"type": "delete", "resourceId": "Task/nothing"})
    cds.answer = {"cards": [a_card(suggestions=[suggestion])]}
    (card,) = ehr.hooks.patient_view("ada").cards
    with pytest.raises(FhirError):
        ehr.hooks.accept(card, suggestion)
    assert ehr.api.store.every("ServiceRequest") == []
    assert cds.feedback == []
    assert ehr.hooks.card(card.uuid) is card


@pytest.mark.parametrize(
    ("reason", "comment", "expected"),
    [
        pytest.param(
            {"code": "OO-ACTIVE", "system": "urn:x"}, "", {"reason": {"code": "OO-ACTIVE", "system": "urn:x"}}
        ),
        pytest.param(None, "later", {"userComment": "later"}),
        pytest.param(None, "", None),
    ],
)
def test_an_override_tells_the_reason_there_is(
    ehr: DemoEhr, cds: CdsService, reason: dict[str, Any] | None, comment: str, expected: dict[str, Any] | None
):
    (card,) = ehr.hooks.patient_view("ada").cards
    ehr.hooks.override(card, reason, comment)
    (told,) = cds.feedback[0]["feedback"]
    assert told["outcome"] == "overridden"
    assert told.get("overrideReason") == expected
    assert ehr.api.store.every("ServiceRequest") == []


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        pytest.param(500, {"resourceType": "OperationOutcome"}, id="the service fails"),
        pytest.param(412, {"resourceType": "OperationOutcome"}, id="data missing"),
        pytest.param(200, {"systemActions": []}, id="no cards"),
        pytest.param(200, [], id="no object"),
    ],
)
def test_a_service_that_fails_is_said_and_no_card_is_made_up(ehr: DemoEhr, cds: CdsService, status: int, answer: Any):
    cds.status, cds.answer = status, answer
    shown = ehr.hooks.patient_view("ada")
    assert shown.cards == ()
    assert len(shown.failures) == 1


def test_a_service_that_is_not_there_is_said(open_ehr: DemoEhr):
    assert open_ehr.hooks.patient_view("ada").failures == ("The CDS service did not answer.",)


def test_no_cards_for_a_patient_that_does_not_exist(open_ehr: DemoEhr):
    with pytest.raises(FhirError):
        open_ehr.hooks.patient_view("nobody")


def test_feedback_that_cannot_be_sent_is_said_after_the_work_is_done(ehr: DemoEhr, cds: CdsService):
    (card,) = ehr.hooks.patient_view("ada").cards
    cds.jwks_url = "http://127.0.0.1:9/none"  # the service now fails on every call
    with pytest.raises(HookFailed):
        ehr.hooks.accept(card, card.suggestions[0])
    assert len(ehr.api.store.every("ServiceRequest")) == 1


def test_updates_and_deletes_of_a_suggestion_keep_their_ids():
    bundle = as_transaction(
        [
            {"type": "update", "resource": {"resourceType": "Task", "id": "t", "status": "completed"}},
            {"type": "delete", "resourceId": "ServiceRequest/s"},
        ]
    )
    assert [entry["request"] for entry in bundle["entry"]] == [
        {"method": "PUT", "url": "Task/t"},
        {"method": "DELETE", "url": "ServiceRequest/s"},
    ]


def test_the_controls_play_the_clinician_for_another_process(ehr: DemoEhr, cds: CdsService):
    controls = f"{ehr.settings.base_url}/_admin"
    shown = requests.post(f"{controls}/hooks/patient-view", json={"patient": "ada"}, timeout=10).json()
    (card,) = shown["cards"]
    done = requests.post(f"{controls}/hooks/accept", json={"card": card["uuid"]}, timeout=10)
    assert done.status_code == 200, done.text
    again = requests.post(f"{controls}/hooks/accept", json={"card": card["uuid"]}, timeout=10)
    assert again.status_code == 404
    counts = requests.get(f"{controls}/counts", timeout=5).json()
    assert counts["ada"] == {"Patient": 1, "Observation": 1, "ServiceRequest": 1, "CarePlan": 1, "Goal": 1}
