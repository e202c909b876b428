"""The three policies of release: who signs, and what is never released by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhirapp.demo.settings import TENANT
from fhirapp.referrals.status import State
from fhirapp.tenants import StandingOrder
from tests.world import CLINICIAN, CLINICIAN_WINDOW, World

ORDER = StandingOrder("Practitioner/dr-okafor", "Dr Chidi Okafor", frozenset({"D3"}), date(2027, 1, 31))
KATHMANDU = ZoneInfo("Asia/Kathmandu")


def policy(world: World, **changes: Any) -> None:
    tenants = world.stride.tenants.by_id
    tenants[TENANT] = replace(tenants[TENANT], **changes)  # type: ignore[index]


@pytest.mark.parametrize("release", ["clinician-signs", "system-action"])
def test_without_a_standing_order_nothing_goes_out_until_a_clinician_signs(world: World, release: str) -> None:
    policy(world, release=release, standing_order=None)
    referral = world.opened("ada-refer")
    for _ in range(4):
        world.pass_time(CLINICIAN_WINDOW)
    assert world.referral("ada-refer").status is State.PROPOSED
    assert "signature_needed" in world.history("ada-refer")
    assert world.written("ada-refer")["ServiceRequest"] == []
    world.stride.actions.sign(referral.id, actor=CLINICIAN, now=world.stride.clock())
    assert world.referral("ada-refer").status is State.OPT_OUT_OPEN


def test_a_standing_order_releases_in_the_name_of_its_authoriser(world: World) -> None:
    world.released("ada-refer")
    referral = world.referral("ada-refer")
    assert (referral.requester, referral.signed_by) == ("Practitioner/dr-okafor", "standing order")


def test_outside_its_scope_the_standing_order_releases_nothing(world: World) -> None:
    order = world.tenant.standing_order
    assert order is not None
    referral = world.opened("ada-refer")
    policy(world, standing_order=replace(order, destinations=order.destinations - {referral.destination}))
    world.pass_time(CLINICIAN_WINDOW)
    assert world.referral("ada-refer").status is State.PROPOSED
    assert "standing_order_lapsed" in world.history("ada-refer")


def test_a_lapsed_standing_order_releases_nothing_and_a_renewed_one_the_next_day(world: World) -> None:
    order = world.tenant.standing_order
    assert order is not None
    world.opened("ada-refer")
    policy(world, standing_order=replace(order, expires=date.today() - timedelta(days=1)))
    world.pass_time(CLINICIAN_WINDOW)
    assert world.referral("ada-refer").status is State.PROPOSED
    policy(world, standing_order=order)
    world.pass_time(timedelta(days=1, minutes=1))
    assert world.referral("ada-refer").status is State.OPT_OUT_OPEN


@pytest.mark.parametrize(
    ("destination", "now", "covered"),
    [
        ("D3", "2027-01-31T23:59", True),
        ("D3", "2027-02-01T00:00", False),
        ("D2", "2027-01-01T10:00", False),
    ],
    ids=["its last minute", "the day after", "another kind of programme"],
)
def test_a_standing_order_holds_to_the_end_of_its_last_day_in_the_hospitals_zone(
    destination: str, now: str, covered: bool
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=KATHMANDU)
    assert ORDER.covers(destination, moment, KATHMANDU) is covered


def test_an_order_that_a_clinician_signs_in_the_record_system_is_the_signature(world: World) -> None:
    policy(world, release="system-action", standing_order=None)
    referral = world.opened("ada-refer")
    draft = drafted(world, referral)
    world.ehr.api.store.update("ServiceRequest", draft["id"], {**draft, "status": "active"})
    world.stride.closed_loop.look(TENANT)
    world.worker.run_due()
    found = world.referral("ada-refer")
    assert found.status is State.OPT_OUT_OPEN
    assert world.written("ada-refer")["ServiceRequest"] == ["active"], "the one that the record system made"


def drafted(world: World, referral: Any) -> dict[str, Any]:
    """The record system has added our draft to the orders being signed."""
    from fhirapp.referrals.facts import facts_of
    from mappings.to_fhir.service_request import service_request

    facts = facts_of(world.tenant, referral, world.stride.sealer, now=world.stride.clock())
    made = service_request(facts, "draft")
    world.add(made)
    return world.ours("ada-refer", "ServiceRequest")[0]
