"""What people and programmes do in the record system comes back to the referral, over real HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fhirapp.closed_loop.memory import EhrChange, open_questions
from fhirapp.demo.settings import TENANT
from fhirapp.referrals.notices import Notice
from mappings.canonical import OPT_OUT_REASONS, SAFETY_QUESTIONS
from mappings.to_fhir.codes import STATUS_REASON
from tests.world import CLINICIAN, CLINICIAN_WINDOW, NAVIGATOR, PATIENT, PATIENT_WINDOW, World

REVOKED = {
    "ServiceRequest": ["revoked"],
    "CarePlan": ["revoked"],
    "Goal": ["cancelled", "cancelled"],
    "Task": ["cancelled"],
}
PATIENT_ID = "ada-refer"


def listen(world: World) -> None:
    """Look at the EHR, and let the worker do all that follows."""
    world.stride.closed_loop.look(TENANT)
    world.worker.run_due()


def change(world: World, resource: Mapping[str, Any], **members: Any) -> None:
    """Somebody changes a resource in the EHR; `None` removes a member."""
    new = {name: value for name, value in {**resource, **members}.items() if value is not None}
    world.ehr.api.store.update(new["resourceType"], new["id"], new)


def the(world: World, kind: str, patient_id: str = PATIENT_ID) -> dict[str, Any]:
    (found,) = world.ours(patient_id, kind)
    return found


def task_of(world: World, owner: str, patient_id: str = PATIENT_ID) -> dict[str, Any]:
    (found,) = [one for one in world.ours(patient_id, "Task") if one["owner"]["reference"] == f"Organization/{owner}"]
    return found


def patient(world: World, patient_id: str = PATIENT_ID) -> dict[str, Any]:
    return dict(world.ehr.api.store.read("Patient", patient_id))


def questions(world: World) -> list[str]:
    with world.stride.sessions() as session:
        return [change.question for change in open_questions(session, TENANT)]


def notices(world: World, patient_id: str = PATIENT_ID) -> list[str]:
    with world.stride.sessions() as session:
        rows = session.query(Notice).filter(Notice.referral_id == world.referral(patient_id).id)
        return sorted(row.kind for row in rows)


def offered(world: World, programme: str = "community-class") -> None:
    """A referral that a programme has been asked to take."""
    referral, act = world.queued(PATIENT_ID), world.stride.actions
    act.claim(referral.id, actor=NAVIGATOR, now=world.stride.clock())
    answer_questions(world, referral.id)
    act.offer(referral.id, programme, actor=NAVIGATOR, now=world.stride.clock())
    world.worker.run_due()
    assert task_of(world, "riverside-community-class")["status"] == "requested"


def answer_questions(world: World, referral_id: UUID) -> None:
    """The navigator asks the safety questions afresh; all answers are no."""
    now = world.stride.clock()
    words = ("chest-pain", "syncope", "new-dyspnoea", "back-red-flags", "bleeding", "fever")
    resource = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": SAFETY_QUESTIONS,
        "subject": {"reference": f"Patient/{world.by_id(referral_id).patient_id}"},
        "authored": now.isoformat(timespec="seconds"),
        "item": [{"linkId": word, "answer": [{"valueBoolean": False}]} for word in words],
    }
    world.stride.actions.keep_answers(referral_id, resource, actor=NAVIGATOR, now=now)
    world.stride.windows.reassess(TENANT, referral_id, occasion="answers")


# ---------------------------------------------------------------- clinicians


def test_a_referral_that_a_clinician_revokes_in_the_ehr_ends_with_the_reason_given_there(world: World) -> None:
    world.released(PATIENT_ID)
    why = {"coding": [{"system": OPT_OUT_REASONS, "code": "CL-PALL"}]}
    change(
        world,
        the(world, "ServiceRequest"),
        status="revoked",
        extension=[{"url": STATUS_REASON, "valueCodeableConcept": why}],
    )
    listen(world)
    referral = world.referral(PATIENT_ID)
    assert (referral.state, referral.reason_code) == ("declined", "CL-PALL")
    assert world.written(PATIENT_ID) == REVOKED
    assert notices(world) == ["opted-out", "referral"], "the patient is told"
    world.pass_time(PATIENT_WINDOW)
    assert world.written(PATIENT_ID) == REVOKED


def test_a_no_without_a_reason_is_a_no(world: World) -> None:
    world.released(PATIENT_ID)
    change(world, the(world, "ServiceRequest"), status="revoked")
    listen(world)
    assert (world.referral(PATIENT_ID).state, world.referral(PATIENT_ID).reason_code) == ("declined", "CL-OTHER")


def test_a_reason_of_the_patients_is_an_opt_out(world: World) -> None:
    world.released(PATIENT_ID)
    why = {"coding": [{"system": OPT_OUT_REASONS, "code": "OO-NOTINT"}]}
    extension = [{"url": STATUS_REASON, "valueCodeableConcept": why}]
    change(world, the(world, "ServiceRequest"), status="revoked", extension=extension)
    listen(world)
    assert (world.referral(PATIENT_ID).state, world.referral(PATIENT_ID).reason_code) == ("opted_out", "OO-NOTINT")


def test_a_no_in_the_ehr_wins_over_what_we_were_about_to_write(world: World) -> None:
    world.released(PATIENT_ID)
    world.add_platelets(PATIENT_ID, 8)
    change(world, the(world, "ServiceRequest"), status="revoked")
    world.stride.windows.reassess(TENANT, world.referral(PATIENT_ID).id, occasion="new result")
    assert world.referral(PATIENT_ID).state == "held", "which asks for on-hold"
    world.worker.run_due()
    assert world.referral(PATIENT_ID).state == "declined"
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["revoked"]


def test_an_ended_referral_that_somebody_revives_in_the_ehr_is_shown_and_goes_nowhere(world: World) -> None:
    referral = world.released(PATIENT_ID)
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
    world.worker.run_due()
    listen(world)
    change(world, the(world, "ServiceRequest"), status="active")
    for _ in range(3):
        listen(world)
    assert world.referral(PATIENT_ID).state == "opted_out"
    assert questions(world) == ["reactivated"]
    assert the(world, "Task")["status"] == "cancelled"


def test_a_hold_put_in_the_ehr_holds_and_ends_there(world: World) -> None:
    world.queued(PATIENT_ID)
    change(world, the(world, "ServiceRequest"), status="on-hold")
    listen(world)
    assert world.referral(PATIENT_ID).state == "held"
    assert the(world, "Task")["status"] == "on-hold"
    world.pass_time(timedelta(days=3))
    assert world.referral(PATIENT_ID).state == "held", "no look of ours lifts what a clinician has put on hold"
    change(world, the(world, "ServiceRequest"), status="active")
    listen(world)
    assert world.referral(PATIENT_ID).state == "queued", "it goes on where the hold found it"
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["active"]


def test_a_safety_hold_is_not_lifted_by_a_status_in_the_ehr(world: World) -> None:
    world.queued(PATIENT_ID)
    world.add_platelets(PATIENT_ID, 8)
    world.stride.windows.reassess(TENANT, world.referral(PATIENT_ID).id, occasion="new result")
    world.worker.run_due()
    listen(world)
    change(world, the(world, "ServiceRequest"), status="active")
    listen(world)
    assert world.referral(PATIENT_ID).state == "held"
    assert questions(world) == ["held-active"]
    assert the(world, "ServiceRequest")["status"] == "on-hold", "safety's word is written again"


def test_a_draft_that_the_clinician_signs_in_the_ehr_is_signed(world: World) -> None:
    world.stride.tenants.by_id[TENANT]  # the EHR makes the draft; its signing there is the signature
    card = world.ehr.hooks.patient_view(PATIENT_ID).cards[0]
    request = next(
        action["resource"]
        for action in card.suggestions[0]["actions"]
        if action["resource"]["resourceType"] == "ServiceRequest"
    )
    world.ehr.api.store.create({**request, "status": "draft"})
    listen(world)
    assert world.referral(PATIENT_ID).state == "proposed"
    change(world, the(world, "ServiceRequest"), status="active")
    listen(world)
    referral = world.referral(PATIENT_ID)
    assert (referral.state, referral.signed_by) == ("opt_out_open", "record system")
    assert len(world.ours(PATIENT_ID, "ServiceRequest")) == 1
    assert notices(world) == ["referral"]


def test_what_we_wrote_ourselves_does_not_come_back_as_somebodys_word(world: World) -> None:
    world.queued(PATIENT_ID)
    for _ in range(2):  # at first what was filed in the last minutes is taken for new
        listen(world)
    before = world.history(PATIENT_ID)
    for _ in range(3):
        listen(world)
    assert world.history(PATIENT_ID) == before
    with world.stride.sessions() as session:
        assert session.query(EhrChange).count() == 0


# ---------------------------------------------------------------- programmes


def test_a_programme_that_accepts_delivers_and_completes(world: World) -> None:
    offered(world)
    for status, state in (("accepted", "booked"), ("in-progress", "enrolled"), ("completed", "completed")):
        change(world, task_of(world, "riverside-community-class"), status=status)
        listen(world)
        assert world.referral(PATIENT_ID).state == state
    assert world.written(PATIENT_ID) == {
        "ServiceRequest": ["completed"],
        "CarePlan": ["completed"],
        "Goal": ["completed", "completed"],
        "Task": ["completed", "completed"],
    }
    assert questions(world) == []


def test_a_programme_that_rejects_sends_the_referral_to_the_next_choice(world: World) -> None:
    offered(world)
    task = task_of(world, "riverside-community-class")
    change(world, task, status="rejected", statusReason={"text": "No places until March"})
    listen(world)
    assert world.referral(PATIENT_ID).state == "rejected"
    now = world.stride.clock()
    world.stride.actions.offer(world.referral(PATIENT_ID).id, "physiotherapy", actor=NAVIGATOR, now=now)
    world.worker.run_due()
    assert task_of(world, "northgate-physiotherapy")["status"] == "requested"
    assert task_of(world, "riverside-community-class")["statusReason"]["text"] == "No places until March"


def test_a_pause_and_its_end_follow_the_programme(world: World) -> None:
    offered(world)
    change(world, task_of(world, "riverside-community-class"), status="in-progress")
    listen(world)
    assert world.referral(PATIENT_ID).state == "enrolled"
    assert world.written(PATIENT_ID)["CarePlan"] == ["active"]
    task = task_of(world, "riverside-community-class")
    change(world, task, status="on-hold", statusReason={"text": "travelling"})
    listen(world)
    assert world.referral(PATIENT_ID).state == "paused"
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["on-hold"]
    change(world, task_of(world, "riverside-community-class"), status="in-progress", statusReason=None)
    listen(world)
    assert world.referral(PATIENT_ID).state == "enrolled"
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["active"]


@pytest.mark.parametrize(("status", "state"), [("failed", "discontinued"), ("cancelled", "discontinued")])
def test_a_programme_that_gives_up_ends_the_referral(world: World, status: str, state: str) -> None:
    offered(world)
    change(world, task_of(world, "riverside-community-class"), status="in-progress")
    listen(world)
    task = task_of(world, "riverside-community-class")
    change(world, task, status=status, statusReason={"text": "stopped coming"})
    listen(world)
    assert world.referral(PATIENT_ID).state == state
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["revoked"]


def test_a_no_show_goes_back_to_the_navigators(world: World) -> None:
    offered(world)
    change(world, task_of(world, "riverside-community-class"), status="accepted")
    listen(world)
    change(world, task_of(world, "riverside-community-class"), status="failed", statusReason={"text": "no-show"})
    listen(world)
    assert world.referral(PATIENT_ID).state == "contacting"
    now = world.stride.clock()
    world.stride.actions.offer(world.referral(PATIENT_ID).id, "physiotherapy", actor=NAVIGATOR, now=now)
    world.worker.run_due()
    assert task_of(world, "northgate-physiotherapy")["status"] == "requested"
    assert task_of(world, "riverside-community-class")["status"] == "failed", "what ended stays ended"
    assert world.jobs("dead") == []


def test_a_programme_that_accepts_after_a_no_is_shown_to_a_person(world: World) -> None:
    offered(world)
    referral = world.referral(PATIENT_ID)
    task = task_of(world, "riverside-community-class")
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
    change(world, task, status="accepted")
    world.worker.run_due()
    listen(world)
    assert world.referral(PATIENT_ID).state == "opted_out"
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["revoked"]
    assert task_of(world, "riverside-community-class")["status"] == "cancelled"


def test_a_no_after_a_programme_has_said_no_leaves_its_task_as_it_ended(world: World) -> None:
    offered(world)
    task = task_of(world, "riverside-community-class")
    change(world, task, status="rejected", statusReason={"text": "No places"})
    listen(world)
    world.stride.actions.opt_out(world.referral(PATIENT_ID).id, actor=PATIENT, now=world.stride.clock())
    world.worker.run_due()
    assert task_of(world, "riverside-community-class")["status"] == "rejected"
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["revoked"]
    world.pass_time(timedelta(hours=1))
    assert [job for job in world.jobs("ready") if job.kind == "write_back"] == []
    assert world.jobs("dead") == []


def test_a_hold_takes_back_what_nobody_has_accepted_and_asks_again_with_a_new_task(world: World) -> None:
    offered(world)
    world.add_platelets(PATIENT_ID, 8)
    world.stride.windows.reassess(TENANT, world.referral(PATIENT_ID).id, occasion="new result")
    world.worker.run_due()
    assert task_of(world, "riverside-community-class")["status"] == "cancelled"
    world.pass_time(timedelta(days=2))
    world.add_platelets(PATIENT_ID, 180)
    world.stride.windows.reassess(TENANT, world.referral(PATIENT_ID).id, occasion="new result")
    world.stride.actions.sign(world.referral(PATIENT_ID).id, actor=CLINICIAN, now=world.stride.clock())
    world.worker.run_due()
    assert world.referral(PATIENT_ID).state == "offered"
    asked = [one["status"] for one in world.ours(PATIENT_ID, "Task") if "riverside" in one["owner"]["reference"]]
    assert sorted(asked) == ["cancelled", "requested"]
    assert world.jobs("dead") == []


def test_who_cannot_be_reached_may_answer_for_thirty_days_and_is_then_let_go(world: World) -> None:
    referral, act = world.queued(PATIENT_ID), world.stride.actions
    act.claim(referral.id, actor=NAVIGATOR, now=world.stride.clock())
    act.give_up(referral.id, actor=NAVIGATOR, now=world.stride.clock())
    world.pass_time(timedelta(days=29))
    assert world.referral(PATIENT_ID).state == "unreachable"
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["active"]
    world.pass_time(timedelta(days=1, minutes=1))
    assert (world.referral(PATIENT_ID).state, world.referral(PATIENT_ID).reason_code) == ("discontinued", "OO-LOST")
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["revoked"]
    assert world.jobs("dead") == []


# ---------------------------------------------------------------- patients


@pytest.mark.parametrize("said", [{"deceasedBoolean": True}, {"deceasedDateTime": "2026-11-01"}])
def test_when_the_patient_has_died_everything_stops_at_once(world: World, said: dict[str, Any]) -> None:
    world.queued(PATIENT_ID)
    change(world, patient(world), **said)
    listen(world)
    referral = world.referral(PATIENT_ID)
    assert (referral.state, referral.reason_code, referral.reoffer_at) == ("departed", "OO-DIED", None)
    assert world.written(PATIENT_ID) == REVOKED
    assert notices(world) == ["referral"], "nobody is written to any more"


def test_a_referral_follows_its_patient_into_the_record_that_stays(world: World) -> None:
    referral = world.released(PATIENT_ID)
    world.add({**patient(world), "id": "ignored", "identifier": []})
    stays = next(
        one["id"]
        for one in world.ehr.api.store.every("Patient")
        if one["id"] not in {PATIENT_ID} and not one["identifier"]
    )
    for kind in ("Condition", "Observation", "MedicationRequest", "QuestionnaireResponse", "Encounter", "Procedure"):
        for one in world.ehr.api.store.every(kind, PATIENT_ID):
            change(world, one, subject={"reference": f"Patient/{stays}"})
    link = [{"type": "replaced-by", "other": {"reference": f"Patient/{stays}"}}]
    change(world, patient(world), active=False, link=link)
    listen(world)
    moved = world.by_id(referral.id)
    assert (moved.patient_id, moved.first_patient_id, moved.state) == (stays, PATIENT_ID, "opt_out_open")
    world.pass_time(PATIENT_WINDOW)
    assert world.by_id(referral.id).state == "queued"
    assert questions(world) == []
    assert len(world.ours(PATIENT_ID, "ServiceRequest")) == 1, (
        "its resources keep their identifiers and are not made twice"
    )


def test_a_closed_record_holds_the_referral_and_asks_a_person(world: World) -> None:
    referral = world.released(PATIENT_ID)
    change(world, patient(world), active=False)
    world.stride.windows.reassess(TENANT, referral.id, occasion="any look at the chart")
    assert world.by_id(referral.id).state == "held", "never ended because a record was closed"
    world.worker.run_due()
    assert questions(world) == ["inactive"]
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["on-hold"]
    change(world, patient(world), active=True)
    listen(world)
    assert world.by_id(referral.id).held_by is None


def test_a_record_merged_into_one_with_a_referral_of_its_own_is_for_a_person(world: World) -> None:
    referral = world.released(PATIENT_ID)
    world.opened("eva-falls")
    link = [{"type": "replaced-by", "other": {"reference": "Patient/eva-falls"}}]
    change(world, patient(world), active=False, link=link)
    listen(world)
    assert (world.by_id(referral.id).state, world.by_id(referral.id).patient_id) == ("held", PATIENT_ID)
    assert questions(world) == ["merged"]


def test_new_low_platelets_are_found_without_anybody_in_front(world: World) -> None:
    world.queued(PATIENT_ID)
    listen(world)
    world.add_platelets(PATIENT_ID, 8)
    listen(world)
    assert world.referral(PATIENT_ID).state == "held"
    assert world.written(PATIENT_ID)["ServiceRequest"] == ["on-hold"]
    judged = world.history(PATIENT_ID).count("assessed")
    listen(world)
    assert world.history(PATIENT_ID).count("assessed") == judged, "one result, one look"


# ---------------------------------------------------------------- faults


def test_an_hour_of_outage_loses_nothing(world: World) -> None:
    world.queued(PATIENT_ID)
    listen(world)
    world.stride.closed_loop.schedule([world.tenant])
    world.ehr.faults.replace([{"path": "", "status": 503}])
    change(world, the(world, "ServiceRequest"), status="revoked")
    for _ in range(12):
        world.pass_time(timedelta(minutes=5))
    assert world.referral(PATIENT_ID).state == "queued"
    world.ehr.faults.replace([])
    world.pass_time(timedelta(minutes=31))
    assert world.referral(PATIENT_ID).state == "declined"
    assert world.written(PATIENT_ID) == REVOKED
    assert [job for job in world.jobs("dead") if job.kind == "poll"] == []


def test_an_ehr_that_refuses_to_be_searched_is_read_resource_by_resource(world: World) -> None:
    world.queued(PATIENT_ID)
    world.ehr.faults.replace([{"path": r"\?_id=", "method": "GET", "status": 400}])
    change(world, the(world, "ServiceRequest"), status="revoked")
    listen(world)
    assert world.referral(PATIENT_ID).state == "declined"


def test_a_window_cannot_pass_over_a_no_that_was_not_heard_yet(world: World) -> None:
    world.opened(PATIENT_ID)
    world.pass_time(CLINICIAN_WINDOW)
    change(world, the(world, "ServiceRequest"), status="revoked")
    world.pass_time(PATIENT_WINDOW)
    assert world.referral(PATIENT_ID).state == "declined", "nobody has looked: the window asks first"
    assert "enter_queue" not in world.history(PATIENT_ID)
    assert world.written(PATIENT_ID) == REVOKED
