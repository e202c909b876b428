"""An exercise order is sent to a programme: what the service says, and that it changes nothing by saying it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa

from cds_hooks.errors import NotAuthenticated
from cds_hooks.ports import Dispatch, FeedbackEntry, HookCall, TokenUse
from fhirapp.cds_clients import CdsClients
from fhirapp.demo_ehr.hooks import Card, _Service, as_transaction
from fhirapp.ehr.chart import chart_of
from fhirapp.referrals.cards import Card as CardRow
from fhirapp.referrals.referral import Referral
from tests.world import World

CLASS, PHYSIO, CLINIC = (
    f"Organization/{name}"
    for name in ("riverside-community-class", "northgate-physiotherapy", "harbour-cardiac-clinic")
)
SERVICE = _Service("exercise-programme-choice", "order-dispatch")
SNOMED = "http://snomed.info/sct"
AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def sent(world: World, patient_id: str, performer: str, order: str) -> list[Card]:
    """The EHR sends one order of its own to a performer."""
    context = {"patientId": patient_id, "dispatchedOrders": [f"ServiceRequest/{order}"], "performer": performer}
    return world.ehr.hooks._ask(SERVICE, context)


def our_order(world: World, patient_id: str) -> str:
    (order,) = world.ours(patient_id, "ServiceRequest")
    return str(order["id"])


def their_order(world: World, patient_id: str, code: str = "229065009", category: str = "91251008") -> str:
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": SNOMED, "code": category}]}],
        "code": {"coding": [{"system": SNOMED, "code": code}]},
        "subject": {"reference": f"Patient/{patient_id}"},
        "authoredOn": world.stride.clock().isoformat(timespec="seconds"),
    }
    return str(world.ehr.api.store.create(order).resource["id"])


def test_our_referral_goes_to_a_programme_that_suits(world: World) -> None:
    referral = world.released("ada-refer")
    (card,) = sent(world, "ada-refer", CLASS, our_order(world, "ada-refer"))
    assert card.body["indicator"] == "info"
    assert card.body["summary"] == "Riverside Community Exercise Class suits: supervision level 2, needed 2"
    assert card.body["links"][0]["appContext"]
    assert world.referral("ada-refer").state == referral.state


def test_ch_a2_our_referral_goes_to_a_stranger_and_is_sent_elsewhere(world: World) -> None:
    world.released("ada-refer")
    order = our_order(world, "ada-refer")
    (card,) = sent(world, "ada-refer", "Organization/nobody-knows", order)
    assert card.body["summary"].startswith("Nobody has told Stride how Organization/nobody-knows supervises")
    first = card.suggestions[0]
    assert first["label"].startswith("Send to Riverside Community Exercise Class")
    world.ehr.hooks._show([card])
    world.ehr.hooks.accept(card, first)
    stored = world.ehr.api.store.read("ServiceRequest", order)
    assert stored["performer"][0]["reference"] == CLASS
    assert stored["identifier"] == world.ours("ada-refer", "ServiceRequest")[0]["identifier"]


def test_a_hold_that_has_come_up_since_stops_the_referral_and_warns(world: World) -> None:
    world.released("ada-refer")
    world.add_platelets("ada-refer", 8)
    (card,) = sent(world, "ada-refer", CLASS, our_order(world, "ada-refer"))
    assert card.body["indicator"] == "warning"
    assert card.body["summary"].startswith("Do not send, no exercise for now: Platelets are critically low (8")
    assert not card.suggestions
    assert world.referral("ada-refer").state == "held"


def test_an_order_that_others_wrote_is_judged_and_opens_nothing(world: World) -> None:
    (card,) = sent(world, "ada-refer", CLINIC, their_order(world, "ada-refer"))
    assert card.body["summary"].startswith("Harbour Cardiac Exercise Clinic gives enough supervision")
    assert "links" not in card.body
    assert world.newest("ada-refer") is None
    with world.stride.sessions() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(CardRow)) == 0


def test_an_order_on_its_way_is_no_programme_that_the_patient_is_in(world: World) -> None:
    first = their_order(world, "ada-refer")
    assert sent(world, "ada-refer", CLASS, first)
    their_order(world, "ada-refer")  # a second one, which is not on its way: she is in a programme
    assert sent(world, "ada-refer", CLASS, first) == []


def test_of_other_orders_and_other_patients_nothing_is_said(world: World) -> None:
    assert sent(world, "ada-refer", CLASS, their_order(world, "ada-refer", "113091000", "363679005")) == []
    assert world.newest("ada-refer") is None


def test_what_goes_to_the_exercise_service_is_left_to_its_navigators(world: World) -> None:
    world.released("ada-refer")
    order, service = our_order(world, "ada-refer"), world.tenant.exercise_service.reference
    assert sent(world, "ada-refer", service, order) == []
    world.add_platelets("ada-refer", 8)
    (card,) = sent(world, "ada-refer", service, order)  # but a hold is said wherever it goes
    assert card.body["indicator"] == "warning"


def test_the_same_card_does_not_come_twice_but_another_choice_is_another_card(world: World) -> None:
    world.released("ada-refer")
    order = our_order(world, "ada-refer")
    assert len(sent(world, "ada-refer", CLINIC, order)) == 1
    assert len(sent(world, "ada-refer", CLINIC, order)) == 1  # within a sitting an EHR may ask again
    world.stride.clock.move(timedelta(hours=1))
    assert sent(world, "ada-refer", CLINIC, order) == []
    assert len(sent(world, "ada-refer", PHYSIO, order)) == 1
    world.add_platelets("ada-refer", 8)
    assert len(sent(world, "ada-refer", CLINIC, order)) == 1


def record(world: World, card: Card, outcome: Any, **said: Any) -> None:
    client = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert client is not None
    entry = FeedbackEntry(card.uuid, outcome, AT, **said)
    world.stride.feedbacks.record(client, SERVICE.service_id, [entry], now=world.stride.clock())


def test_to_dismiss_it_is_no_opt_out_and_to_accept_it_no_signature(world: World) -> None:
    world.opened("ada-refer")  # nobody has signed yet
    order = their_order(world, "ada-refer")
    (card,) = sent(world, "ada-refer", CLINIC, order)
    ids = tuple(str(one["uuid"]) for one in card.suggestions)
    before = world.referral("ada-refer")
    record(world, card, "accepted", suggestions=(*ids, card.uuid))
    record(world, card, "overridden")
    after = world.referral("ada-refer")
    assert (after.state, after.signed_at, after.reason_code) == (before.state, None, None)
    assert sent(world, "ada-refer", CLINIC, order) == []  # dismissed


def test_a_silent_pilot_says_nothing_and_keeps_nothing(world: World, monkeypatch: Any) -> None:
    real = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert real is not None
    monkeypatch.setattr(CdsClients, "by_issuer", lambda _self, _issuer: replace(real, dry_run=True))
    assert sent(world, "ada-refer", CLINIC, their_order(world, "ada-refer")) == []
    with world.stride.sessions() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Referral)) == 0


def test_what_is_accepted_is_one_transaction_of_updates(world: World) -> None:
    (card,) = sent(world, "ada-refer", CLINIC, their_order(world, "ada-refer"))
    bundle = as_transaction(cast("list[Mapping[str, Any]]", card.suggestions[0]["actions"]))
    assert [entry["request"]["method"] for entry in bundle["entry"]] == ["PUT"]


def test_ch_j7_a_replay_is_refused_and_keeps_nothing(world: World) -> None:
    world.opened("ada-refer")
    client = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert client is not None
    order = {"resourceType": "ServiceRequest", "id": their_order(world, "ada-refer")}
    call = HookCall("city", client, SERVICE.service_id, "order-dispatch", "i", "ada-refer")
    call = replace(call, dispatch=Dispatch(CLINIC, "", (order,)))

    def receive() -> int:
        use = TokenUse(client.issuer, "one", world.stride.clock() + timedelta(minutes=5))
        chart, _ = chart_of(world.stride.ehrs.as_system(world.tenant), "ada-refer", world.stride.pool)
        world.stride.intake.receive(replace(call, token=use), chart, now=world.stride.clock())
        assert use.spent
        return cards_kept(world)

    before = receive()
    with pytest.raises(NotAuthenticated):
        receive()
    assert cards_kept(world) == before == 2  # the one of the opened chart, and this one


def cards_kept(world: World) -> int:
    with world.stride.sessions() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(CardRow)) or 0
