"""The road from a hook to the queue, over real HTTP, with a clock that we move."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests

from cds_hooks.ports import FeedbackEntry
from fhirapp.demo.settings import TENANT
from fhirapp.referrals.notices import Notice, open_notice
from mappings.canonical import OPT_OUT_REASONS
from tests.world import CLINICIAN_WINDOW, PATIENT, PATIENT_WINDOW, World

NOTHING = {"ServiceRequest": [], "CarePlan": [], "Goal": [], "Task": []}
RELEASED = {
    "ServiceRequest": ["active"],
    "CarePlan": ["draft"],
    "Goal": ["proposed", "proposed"],
    "Task": ["requested"],
}


def link_of(world: World, patient_id: str) -> str:
    with world.stride.sessions() as session:
        row = session.query(Notice).filter(Notice.referral_id == world.referral(patient_id).id).one()
        return open_notice(row, world.stride.sealer)["link"]


def test_when_nobody_acts_the_referral_goes_out_and_reaches_the_queue(world: World) -> None:
    referral = world.opened("ada-refer")
    assert (referral.state, world.written("ada-refer")) == ("proposed", NOTHING)
    world.pass_time(CLINICIAN_WINDOW)
    assert world.referral("ada-refer").state == "opt_out_open"
    assert world.written("ada-refer") == RELEASED
    request = world.ours("ada-refer", "ServiceRequest")[0]
    assert request["requester"]["reference"] == "Practitioner/dr-okafor", "the standing order's authoriser signs"
    world.pass_time(PATIENT_WINDOW)
    assert world.referral("ada-refer").state == "queued"
    assert world.written("ada-refer") == RELEASED


def test_an_override_closes_the_referral_with_its_reason_and_writes_nothing(world: World) -> None:
    card = world.ehr.hooks.patient_view("bea-override").cards[0]
    world.ehr.hooks.override(card, {"code": "CL-CHOICE", "system": OPT_OUT_REASONS, "display": "Other plan"})
    world.pass_time(CLINICIAN_WINDOW)
    referral = world.referral("bea-override")
    assert (referral.state, referral.reason_code) == ("declined", "CL-CHOICE")
    assert world.written("bea-override") == NOTHING
    assert world.cards("bea-override") == [], "no card again before the re-offer day"


def test_a_patient_opts_out_with_one_post_and_looking_at_the_link_changes_nothing(world: World) -> None:
    world.released("cleo-optout")
    link = link_of(world, "cleo-optout")
    assert requests.get(link, timeout=10).status_code == 200
    assert world.referral("cleo-optout").state == "opt_out_open"
    assert requests.post(link, timeout=10).status_code == 200
    world.pass_time(PATIENT_WINDOW)
    assert world.referral("cleo-optout").state == "opted_out"
    assert world.written("cleo-optout") == {
        "ServiceRequest": ["revoked"],
        "CarePlan": ["revoked"],
        "Goal": ["cancelled", "cancelled"],
        "Task": ["cancelled"],
    }


def test_a_held_patient_gets_a_card_that_says_why_and_suggests_nothing(world: World) -> None:
    (card,) = world.cards("dan-platelets")
    assert "suggestions" not in card
    assert card["indicator"] != "info"
    assert "8" in card["detail"]
    world.pass_time(CLINICIAN_WINDOW)
    assert world.referral("dan-platelets").state == "held"
    assert world.written("dan-platelets") == NOTHING


@pytest.mark.parametrize("window", ["clinician", "patient"])
def test_a_new_hold_at_the_end_of_either_window_stops_the_referral(world: World, window: str) -> None:
    if window == "patient":
        world.released("eva-falls")
    else:
        world.opened("eva-falls")
    world.add_platelets("eva-falls", 8)
    world.pass_time(PATIENT_WINDOW if window == "patient" else CLINICIAN_WINDOW)
    assert world.referral("eva-falls").state == "held"
    requests_there = world.written("eva-falls")["ServiceRequest"]
    assert requests_there == (["on-hold"] if window == "patient" else [])


def test_a_patient_who_is_not_eligible_gets_no_card_and_no_referral(world: World) -> None:
    assert world.cards("fred-ineligible") == []
    assert world.newest("fred-ineligible") is None


def test_twenty_hooks_at_once_open_one_referral(world: World) -> None:
    with ThreadPoolExecutor(20) as pool:
        shown = list(pool.map(world.cards, ["hana-parallel"] * 20))
    assert {len(cards) for cards in shown} == {1}
    assert world.referral("hana-parallel").ordinal == 1
    world.pass_time(CLINICIAN_WINDOW)
    assert world.written("hana-parallel") == RELEASED


def test_unanswered_safety_questions_let_the_referral_go_without_a_prescription(world: World) -> None:
    (card,) = world.cards("ivo-unanswered")
    created = [action["resource"]["resourceType"] for action in card["suggestions"][0]["actions"]]
    assert created == ["ServiceRequest"]
    world.pass_time(CLINICIAN_WINDOW)
    world.pass_time(PATIENT_WINDOW)
    referral = world.referral("ivo-unanswered")
    assert (referral.state, referral.waiting_for) == ("queued", ("answers",))
    assert world.written("ivo-unanswered") == NOTHING | {"ServiceRequest": ["active"], "Task": ["requested"]}


def test_an_accepted_suggestion_is_carried_on_and_never_written_twice(world: World) -> None:
    card = world.ehr.hooks.patient_view("jo-accepts").cards[0]
    world.ehr.hooks.accept(card, card.suggestions[0])
    assert world.written("jo-accepts")["ServiceRequest"] == ["draft"], "the EHR made it"
    world.worker.run_due()
    assert world.written("jo-accepts") == RELEASED
    referral = world.referral("jo-accepts")
    assert (referral.state, referral.signed_by) == ("opt_out_open", "accepted suggestion")


def test_an_accepted_draft_that_is_not_searchable_yet_is_waited_for(world: World) -> None:
    card = world.ehr.hooks.patient_view("jo-accepts").cards[0]
    entry = FeedbackEntry(card.uuid, "accepted", world.stride.clock(), suggestions=(card.suggestions[0]["uuid"],))
    client = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert client is not None
    world.stride.feedbacks.record(client, "exercise-referral", [entry], now=world.stride.clock())
    world.pass_time(timedelta(minutes=20))
    assert world.referral("jo-accepts").state == "opt_out_open"
    assert world.written("jo-accepts") == NOTHING, "the EHR's own draft may still come"
    for _ in range(4):
        world.pass_time(timedelta(minutes=31))
    assert world.written("jo-accepts") == RELEASED, "it never came, and nothing is lost"


def test_nobody_is_referred_after_saying_no_in_the_middle_of_a_write(one_by_one: World) -> None:
    world, referral = one_by_one, one_by_one.opened("gus-killed")
    world.ehr.faults.replace([{"path": "^CarePlan", "method": "POST", "status": 503, "times": 1}])
    world.pass_time(CLINICIAN_WINDOW)
    assert world.written("gus-killed")["ServiceRequest"] == ["active"], "stopped half way"
    assert world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
    world.pass_time(PATIENT_WINDOW)
    seen = world.written("gus-killed")
    assert seen["ServiceRequest"] == ["revoked"]
    assert seen["CarePlan"] == []
    assert seen["Task"] == []


def test_a_no_after_a_transaction_of_which_no_answer_came_revokes_all_of_it(world: World) -> None:
    referral = world.opened("gus-killed")
    world.ehr.faults.replace([{"path": "^$", "method": "POST", "drop_after": True, "times": 1}])
    world.pass_time(CLINICIAN_WINDOW)
    assert world.written("gus-killed") == RELEASED, "done, but we do not know"
    assert world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
    world.pass_time(PATIENT_WINDOW)
    assert world.written("gus-killed") == {
        "ServiceRequest": ["revoked"], "CarePlan": ["revoked"], "Goal": ["cancelled"] * 2, "Task": ["cancelled"]
    }  # fmt: skip


def test_a_chart_that_cannot_be_read_whole_stops_at_the_patients_window(world: World) -> None:
    world.released("ada-refer")
    world.ehr.faults.replace([{"path": "^Observation", "method": "GET", "status": 403}])
    world.pass_time(PATIENT_WINDOW)
    assert world.referral("ada-refer").state == "opt_out_open"
    world.ehr.faults.replace([])
    world.pass_time(CLINICIAN_WINDOW)
    assert world.referral("ada-refer").state == "queued"


def test_a_referral_that_goes_on_is_looked_at_again_tomorrow_when_its_chart_was_read_in_part(world: World) -> None:
    referral = world.queued("ada-refer")
    assert referral.prescription_released
    world.ehr.faults.replace([{"path": "^MedicationAdministration", "method": "GET", "status": 403}])
    seen = world.stride.windows.reassess(TENANT, referral.id, occasion="new results")
    assert (seen.state, seen.read_in_part, seen.prescription_released) == ("queued", True, False)
    world.pass_time(timedelta(hours=25))
    assert world.referral("ada-refer").read_in_part, "the look of the first day has not seen more"
    world.ehr.faults.replace([])
    world.pass_time(timedelta(hours=25))
    assert world.referral("ada-refer").prescription_released


def test_whoever_opens_the_chart_each_day_puts_the_whole_look_at_it_off_for_nobody(world: World) -> None:
    referral = world.queued("ada-refer")
    world.ehr.faults.replace([{"path": "^MedicationAdministration", "method": "GET", "status": 403}])
    world.stride.windows.reassess(TENANT, referral.id, occasion="opened")
    due = [job.run_at for job in world.jobs("ready") if job.key == f"reassess/{referral.id}"]
    world.stride.clock.move(timedelta(hours=20))
    world.stride.windows.reassess(TENANT, referral.id, occasion="opened")
    assert [job.run_at for job in world.jobs("ready") if job.key == f"reassess/{referral.id}"] == due
    world.ehr.faults.replace([])
    world.pass_time(timedelta(hours=5))
    assert not world.referral("ada-refer").read_in_part


def test_the_notice_tells_the_day_and_nothing_clinical(world: World) -> None:
    world.released("ada-refer")
    with world.stride.sessions() as session:
        notice = open_notice(session.query(Notice).one(), world.stride.sealer)
    deadline = world.referral("ada-refer").patient_deadline
    assert deadline is not None
    assert f"{deadline.astimezone(world.tenant.zone):%-d %B %Y}" in notice["body"]
    for word in ("cancer", "breast", "chemo", "platelet", "paclitaxel"):
        assert word not in (notice["subject"] + notice["body"]).lower()


def test_a_silent_ehr_at_the_end_of_a_window_releases_nothing_and_loses_nothing(world: World) -> None:
    world.opened("ada-refer")
    world.ehr.faults.replace([{"path": "", "status": 503}])
    world.pass_time(CLINICIAN_WINDOW)
    assert world.referral("ada-refer").state == "proposed"
    assert world.jobs("dead") == []
    world.ehr.faults.replace([])
    world.pass_time(CLINICIAN_WINDOW)
    assert world.referral("ada-refer").state == "opt_out_open"
