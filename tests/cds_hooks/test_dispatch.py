"""order-dispatch: which orders are being sent to whom, and the card about the choice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cds_hooks.dispatch import DISPATCHED
from cds_hooks.ports import HookCall, Offer
from mappings.bundle import Chart
from models.decision import Verdict
from models.findings import Effect
from models.placement import Fit, placement_of
from models.text import N_
from tests.cds_hooks import builders
from tests.cds_hooks.builders import (
    BASE,
    FHIR_SERVER,
    PLACES,
    a_bundle,
    a_client,
    a_finding,
    a_prefetch,
    a_proposal,
    a_request,
    access,
    an_assessment,
    an_offer,
)
from tests.cds_hooks.conftest import Running
from tests.cds_hooks.hygiene import check_response

PATH = "exercise-programme-choice"
SNOMED = "http://snomed.info/sct"


def an_order(identity: str = "o1", code: str = "229065009", patient: str = "p1", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": identity,
        "status": "active",
        "code": {"coding": [{"system": SNOMED, "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "performer": [{"reference": "Organization/class", "display": "The class"}],
        "extension": [{"url": "https://ehr.example/ward", "valueString": "3"}],
    } | changes


def a_task(identity: str = "t1", focus: str = "ServiceRequest/o1", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": identity,
        "status": "requested",
        "focus": {"reference": focus},
        "for": {"reference": "Patient/p1"},
        "owner": {"reference": "Organization/class"},
    } | changes


MRI = an_order("mri", code="113091000")


def a_dispatch(context: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    good = {"patientId": "p1", "dispatchedOrders": ["ServiceRequest/o1"], "performer": "Organization/class"}
    asked = {name: value for name, value in (good | (context or {})).items() if value is not ...}
    changes.setdefault("prefetch", a_prefetch(referrals=a_bundle(an_order(), MRI)))
    return a_request(hook="order-dispatch", context=asked, **changes)


def deciding(verdict: Verdict = Verdict.REFER, needed: int = 2, *, waits: bool = False, **changes: Any) -> Any:
    """An intake that judges the choice, on a patient who needs so much supervision."""

    def offer(call: HookCall, chart: Chart) -> Offer:
        assert call.dispatch is not None
        proposal = a_proposal(verdict, assessment=an_assessment(verdict, min_supervision=needed, **changes))
        placement = placement_of(call.dispatch.performer, PLACES, proposal, waits=waits)
        return an_offer(decision=proposal, placement=placement)

    return offer


def send(service: Running, request: dict[str, Any]) -> Any:
    return service.post(builders.body(request), path=PATH, aud=f"{BASE}/cds-services/{PATH}")


def card_for(service: Running, performer: str, **changes: Any) -> dict[str, Any]:
    service.intake.offer = deciding(**changes)
    body = send(service, a_dispatch({"performer": performer})).get_json()
    check_response(body)
    (card,) = body["cards"]
    assert isinstance(card, dict)
    return card


class TestWhatIsSent:
    """Only exercise orders concern us, and those are known whole."""

    def dispatch(self, service: Running, request: dict[str, Any]) -> Any:
        service.intake.offer = deciding()
        answer = send(service, request)
        assert answer.status_code == 200, answer.text
        (call,) = service.intake.calls
        return call.dispatch

    def test_an_order_of_the_chart_is_known_with_its_tasks_and_whom_it_goes_to(self, service: Running):
        context = {"fulfillmentTasks": [a_task(), a_task("t2", "ServiceRequest/mri"), a_task(id=...) | {"id": None}]}
        dispatch = self.dispatch(service, a_dispatch(context))
        assert dispatch.orders == (an_order(),)
        assert dispatch.tasks == (a_task(),)
        assert (dispatch.performer, dispatch.performer_name) == ("Organization/class", "The class")

    @pytest.mark.parametrize(
        "context",
        [
            {"dispatchedOrders": ..., "order": "ServiceRequest/o1", "task": a_task()},
            {"dispatchedOrders": ..., "dispatched-orders": ["ServiceRequest/o1"], "task": [a_task()]},
            {"dispatchedOrders": None, "order": "ServiceRequest/o1", "fulfillmentTasks": [a_task()]},
            {"dispatchedOrders": [f"{FHIR_SERVER}/ServiceRequest/o1/_history/3"], "fulfillmentTasks": [a_task()]},
            {"dispatchedOrders": ["ServiceRequest/mri", "ServiceRequest/o1"], "fulfillmentTasks": [a_task()]},
            {"performer": f"{FHIR_SERVER}/Organization/class", "fulfillmentTasks": [a_task()]},
        ],
    )
    def test_clients_of_older_versions_and_absolute_references_are_understood(
        self, service: Running, context: dict[str, Any]
    ):
        dispatch = self.dispatch(service, a_dispatch(context))
        assert dispatch.orders == (an_order(),)
        assert dispatch.tasks == (a_task(),)
        assert dispatch.performer == "Organization/class"

    def test_its_own_name_counts_before_what_an_order_calls_it(self, service: Running):
        organization = {"resourceType": "Organization", "id": "class", "name": "Riverside"}
        prefetch = a_prefetch(referrals=a_bundle(an_order())) | {"performer": organization}
        assert self.dispatch(service, a_dispatch(prefetch=prefetch)).performer_name == "Riverside"

    @pytest.mark.parametrize("value", [an_order(), a_bundle(an_order())])
    def test_a_client_of_3_0_sends_it_under_its_own_key(self, service: Running, value: dict[str, Any]):
        assert self.dispatch(service, a_dispatch(prefetch=a_prefetch() | {DISPATCHED: value})).orders == (an_order(),)

    def test_ch_p4_what_was_not_sent_is_read_with_the_token(self, service: Running):
        service.charts.answers = {"ServiceRequest/o1": json.dumps(an_order()).encode()}
        given = {"fhirServer": FHIR_SERVER, "fhirAuthorization": access(), "prefetch": a_prefetch()}
        assert self.dispatch(service, a_dispatch(**given)).orders == (an_order(),)
        assert service.charts.paths == ["ServiceRequest/o1"]
        assert len(set(service.charts.deadlines)) == 1

    def test_another_resource_than_was_asked_for_is_not_taken_for_it(self, service: Running):
        service.charts.answers = {"ServiceRequest/o1": json.dumps(an_order("o2")).encode()}
        given = {"fhirServer": FHIR_SERVER, "fhirAuthorization": access(), "prefetch": a_prefetch()}
        assert send(service, a_dispatch(**given)).status_code == 412

    @pytest.mark.parametrize(("dialect", "key"), [("2.0", "referrals"), ("3.0", "dispatched")])
    def test_ch_p6_an_order_that_cannot_be_had_is_412_and_named(self, service: Running, dialect: str, key: str):
        service.clients.clients[builders.ISSUER] = a_client(prefetch=dialect)
        answer = send(service, a_dispatch(prefetch=a_prefetch()))
        assert answer.status_code == 412
        assert answer.get_json()["issue"][0]["expression"] == [f"prefetch.{key}"]
        assert service.nothing_written

    @pytest.mark.parametrize("orders", [["ServiceRequest/mri"], ["MedicationRequest/m"], []])
    def test_ch_s2_of_other_orders_nothing_is_said_and_nothing_of_the_chart_read(
        self, service: Running, orders: list[str]
    ):
        given = {"fhirServer": FHIR_SERVER, "fhirAuthorization": access()}
        prefetch = {"referrals": a_bundle(MRI)}
        answer = send(service, a_dispatch({"dispatchedOrders": orders}, prefetch=prefetch, **given))
        assert answer.get_json() == {"cards": []}
        assert not service.charts.calls
        assert service.nothing_written


@pytest.mark.parametrize(
    ("context", "place"),
    [
        ({"dispatchedOrders": ...}, "context.dispatchedOrders"),
        ({"dispatchedOrders": "nothing like it"}, "context.dispatchedOrders"),
        ({"dispatchedOrders": [3]}, "context.dispatchedOrders"),
        ({"dispatchedOrders": [{"reference": "ServiceRequest/o1"}]}, "context.dispatchedOrders"),
        ({"performer": ...}, "context.performer"),
        ({"performer": ["Organization/class"]}, "context.performer"),
        ({"performer": "somebody"}, "context.performer"),
    ],
)
def test_ch_r2_what_the_hook_requires_is_required(service: Running, context: dict[str, Any], place: str):
    answer = send(service, a_dispatch(context))
    assert answer.status_code == 400
    assert answer.get_json()["issue"][0]["expression"] == [place]
    assert service.nothing_written


@pytest.mark.parametrize(
    "change",
    [
        {"prefetch": a_prefetch() | {DISPATCHED: an_order(patient="p2")}},
        {"context": {"fulfillmentTasks": [a_task() | {"for": {"reference": "Patient/p2"}}]}},
    ],
)
def test_an_order_of_another_patient_is_refused(service: Running, change: dict[str, Any]):
    answer = send(service, a_dispatch(**change))
    assert answer.status_code == 400
    assert "p2" not in answer.text
    assert service.nothing_written


class TestTheCard:
    """It warns of too little supervision, and offers what gives enough."""

    def test_too_little_supervision_is_a_warning_with_those_that_give_enough(self, service: Running):
        card = card_for(service, "Organization/class", needed=3)
        assert card["indicator"] == "warning"
        assert card["summary"] == "Community class gives too little supervision: level 2, needed 3"
        assert [one["label"] for one in card["suggestions"]] == [
            "Send to Physiotherapy (supervision level 3)",
            "Send to Medical clinic (supervision level 4)",
        ]
        assert [one.get("isRecommended", False) for one in card["suggestions"]] == [True, False]
        assert {reason["code"] for reason in card["overrideReasons"]} >= {"service-not-available", "CL-OTHER"}
        assert "Community class: supervision level 2" in card["detail"]
        assert "ServiceRequest/o1" in card["detail"]

    def test_ch_a4_an_update_changes_the_performer_and_keeps_all_the_rest(self, service: Running):
        service.intake.offer = deciding(needed=4)
        answer = send(service, a_dispatch({"fulfillmentTasks": [a_task(statusReason={"text": "kept"})]})).get_json()
        (suggestion,) = answer["cards"][0]["suggestions"]
        order, task = (action["resource"] for action in suggestion["actions"])
        whom = {"reference": "Organization/clinic", "display": "Medical clinic"}
        assert order == an_order() | {"performer": [whom]}
        assert task == a_task(statusReason={"text": "kept"}) | {"owner": whom}
        assert {action["type"] for action in suggestion["actions"]} == {"update"}

    def test_a_programme_that_suits_is_said_to_suit_and_nothing_else_is_offered(self, service: Running):
        card = card_for(service, "Organization/class", needed=2)
        assert card["indicator"] == "info"
        assert card["summary"] == "Community class suits: supervision level 2, needed 2"
        assert "suggestions" not in card
        assert "overrideReasons" not in card
        assert "**Pass on**" in card["detail"]

    def test_more_than_needed_is_safe_and_the_right_kind_is_offered(self, service: Running):
        card = card_for(service, "Organization/clinic", needed=2)
        assert card["indicator"] == "info"
        assert card["suggestions"][0]["label"].startswith("Send to Community class")

    @pytest.mark.parametrize(("needed", "indicator"), [(1, "info"), (2, "info"), (3, "warning"), (4, "warning")])
    def test_of_a_stranger_the_doubt_is_said(self, service: Running, needed: int, indicator: str):
        card = card_for(service, "Organization/elsewhere", needed=needed)
        assert card["indicator"] == indicator
        assert (
            card["summary"] == f"Nobody has told Stride how Organization/elsewhere supervises; needed is level {needed}"
        )
        assert card["suggestions"]

    @pytest.mark.parametrize(
        ("verdict", "indicator"), [(Verdict.HOLD, "warning"), (Verdict.HOLD_EMERGENCY, "critical")]
    )
    @pytest.mark.parametrize("performer", ["Organization/clinic", "Organization/elsewhere", "Organization/class"])
    def test_ch_c2_while_a_hold_stands_it_warns_and_offers_nothing_whoever_is_chosen(
        self, service: Running, verdict: Verdict, indicator: str, performer: str
    ):
        finding = a_finding(Effect.HOLD, text=N_("Platelets are critically low"))
        card = card_for(service, performer, verdict=verdict, findings=(finding,))
        assert card["indicator"] == indicator
        assert "Platelets are critically low" in card["summary"]
        assert not {"suggestions", "overrideReasons"} & card.keys()

    @pytest.mark.parametrize("verdict", [Verdict.CLEARANCE, Verdict.INCOMPLETE, Verdict.REFER])
    def test_what_waits_is_not_sent_anywhere(self, service: Running, verdict: Verdict):
        card = card_for(service, "Organization/class", verdict=verdict, waits=True)
        assert card["indicator"] == "warning"
        assert card["summary"].startswith("Do not send yet")
        assert not {"suggestions", "overrideReasons"} & card.keys()

    def test_where_no_programme_gives_enough_it_says_whom_to_ask(self, service: Running):
        def offer(call: HookCall, chart: Chart) -> Offer:
            proposal = a_proposal(assessment=an_assessment(min_supervision=4))
            return an_offer(decision=proposal, placement=placement_of("Organization/class", PLACES[:2], proposal))

        service.intake.offer = offer
        (card,) = send(service, a_dispatch()).get_json()["cards"]
        assert "suggestions" not in card
        assert "ask the exercise service" in card["detail"]

    def test_its_suggestions_have_ids_of_their_own_that_are_no_signature(self, service: Running):
        card = card_for(service, "Organization/class", needed=3)
        ids = [one["uuid"] for one in card["suggestions"]]
        assert len({*ids, str(builders.SUGGESTION), card["uuid"]}) == len(ids) + 2
        assert ids == [one["uuid"] for one in card_for(service, "Organization/class", needed=3)["suggestions"]]

    def test_what_the_chart_calls_things_is_never_markup(self, service: Running):
        order = an_order(performer=[{"reference": "Organization/x", "display": "<b>*Evil*</b> [a](http://b)"}])
        service.intake.offer = deciding()
        request = a_dispatch({"performer": "Organization/x"}, prefetch=a_prefetch(referrals=a_bundle(order)))
        (card,) = send(service, request).get_json()["cards"]
        assert "\\<b>\\*Evil\\*\\</b>" in card["detail"]
        assert "\\[a\\](http" in card["detail"]


def test_of_the_fits_each_is_tried_here():
    assert {fit.value for fit in Fit} == {"suits", "other-kind", "too-little", "unknown"}
