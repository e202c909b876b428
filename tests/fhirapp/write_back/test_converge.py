"""Write-back converges: whatever goes wrong in between, each resource is there once and in the right status."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fhirapp.jobs.table import LEASE
from fhirapp.referrals.fhir_status import FHIR
from fhirapp.referrals.status import Action, State
from fhirapp.referrals.store import Referrals
from fhirapp.write_back.work import PROVENANCE
from tests.world import CLINICIAN, CLINICIAN_WINDOW, NAVIGATOR, PATIENT, World

WHOLE = {"ServiceRequest": ["active"], "CarePlan": ["draft"], "Goal": ["proposed"] * 2, "Task": ["requested"]}
KINDS = ("ServiceRequest", "Goal", "CarePlan", "Task")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [{"status": 503}, {"drop_before": True}, {"drop_after": True}, {"status": 500}])
def test_a_fault_at_any_write_is_mended_without_a_duplicate(
    one_by_one: World, kind: str, fault: dict[str, object]
) -> None:
    world = one_by_one
    world.opened("ada-refer")
    world.ehr.faults.replace([{"path": f"^{kind}", "method": "POST", "times": 1, **fault}])
    world.pass_time(CLINICIAN_WINDOW)
    for _ in range(4):
        world.pass_time(LEASE)
    assert world.written("ada-refer") == WHOLE


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop_before": True}, {"drop_after": True}, {"status": 422}])
def test_wb_9_a_fault_at_the_transaction_is_mended_without_a_duplicate(world: World, fault: dict[str, object]) -> None:
    world.opened("ada-refer")
    world.ehr.faults.replace([{"path": "^$", "method": "POST", "times": 1, **fault}])
    world.pass_time(CLINICIAN_WINDOW)
    for _ in range(4):
        world.pass_time(LEASE)
    assert world.written("ada-refer") == WHOLE
    assert len(world.ehr.api.store.every("Provenance")) == 1


def test_a_provenance_that_may_be_there_is_not_forgotten_because_a_search_was_refused(world: World) -> None:
    world.opened("ada-refer")
    lost = {"path": "^$", "method": "POST", "times": 1, "drop_after": True}
    world.ehr.faults.replace([lost, {"path": "^Provenance", "method": "GET", "status": 403}])
    world.pass_time(CLINICIAN_WINDOW)
    for _ in range(4):
        world.pass_time(LEASE)
    world.ehr.faults.replace([])
    referral = world.referral("ada-refer")
    world.stride.write_back.converge("city", referral.id, world.stride.ehrs.as_system(world.tenant))
    with world.stride.sessions() as session:
        known = Referrals(session, "city").resources(referral.id)
    told = [row.reference for kind, row in known.items() if kind.startswith(PROVENANCE)]
    assert told == [f"Provenance/{one['id']}" for one in world.ehr.api.store.every("Provenance")]
    assert len(told) == 1


def test_running_it_again_writes_nothing(world: World) -> None:
    referral = world.released("ada-refer")
    before = len(world.ehr.journal.since(0))
    world.stride.write_back.converge("city", referral.id, world.stride.ehrs.as_system(world.tenant))
    assert len(world.ehr.journal.since(0)) == before, "all is known to be in place"


def test_what_people_put_into_a_resource_stays_when_we_change_its_status(world: World) -> None:
    referral = world.released("ada-refer")
    request = world.ours("ada-refer", "ServiceRequest")[0]
    world.ehr.api.store.update(
        "ServiceRequest", request["id"], {**request, "note": [{"text": "prefers mornings"}], "vendorThing": {"a": 1}}
    )
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
    world.worker.run_due()
    changed = world.ours("ada-refer", "ServiceRequest")[0]
    assert changed["status"] == "revoked"
    assert changed["note"] == [{"text": "prefers mornings"}]
    assert changed["vendorThing"] == {"a": 1}


def test_an_edit_between_our_read_and_our_write_is_not_lost(world: World) -> None:
    referral = world.released("ada-refer")
    request = world.ours("ada-refer", "ServiceRequest")[0]
    ehr = world.stride.ehrs.as_system(world.tenant)
    stale = ehr.read(f"ServiceRequest/{request['id']}")
    world.ehr.api.store.update("ServiceRequest", request["id"], {**request, "patientInstruction": "bring water"})
    assert stale.version_id != world.ours("ada-refer", "ServiceRequest")[0]["meta"]["versionId"]
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
    world.worker.run_due()
    assert world.ours("ada-refer", "ServiceRequest")[0]["patientInstruction"] == "bring water"


def test_a_programme_is_asked_with_a_task_of_its_own_each_time(world: World) -> None:
    referral = world.queued("hana-parallel")
    act, now = world.stride.actions, world.stride.clock()
    act.claim(referral.id, actor=NAVIGATOR, now=now)
    answer_questions(world, referral.id)
    act.offer(referral.id, "community-class", actor=NAVIGATOR, now=now)
    world.worker.run_due()
    act.answer_of_programme(referral.id, Action.REJECT, actor=NAVIGATOR, now=now)
    world.worker.run_due()
    act.offer(referral.id, "physiotherapy", actor=NAVIGATOR, now=now)
    world.worker.run_due()
    tasks = world.ours("hana-parallel", "Task")
    owners = sorted((task["owner"]["reference"], task["status"]) for task in tasks)
    assert owners == [
        ("Organization/northgate-physiotherapy", "requested"),
        ("Organization/riverside-community-class", "rejected"),
        ("Organization/stride-exercise-service", "in-progress"),
    ]


def test_asking_elsewhere_takes_the_question_back_from_a_programme_with_a_waiting_list(world: World) -> None:
    referral = world.queued("hana-parallel")
    act, now = world.stride.actions, world.stride.clock()
    act.claim(referral.id, actor=NAVIGATOR, now=now)
    answer_questions(world, referral.id)
    act.offer(referral.id, "community-class", actor=NAVIGATOR, now=now)
    act.answer_of_programme(referral.id, Action.WAITLIST, actor=NAVIGATOR, now=now)
    world.worker.run_due()
    act.offer(referral.id, "physiotherapy", actor=NAVIGATOR, now=now)
    world.worker.run_due()
    by_owner = {task["owner"]["reference"]: task["status"] for task in world.ours("hana-parallel", "Task")}
    assert by_owner["Organization/northgate-physiotherapy"] == "requested"
    assert by_owner["Organization/riverside-community-class"] == "cancelled"


def test_a_clinicians_no_after_release_revokes_everything(world: World) -> None:
    referral = world.released("ada-refer")
    world.stride.actions.decline(referral.id, "CL-PALL", actor=CLINICIAN, now=world.stride.clock())
    world.worker.run_due()
    assert world.written("ada-refer") == {
        "ServiceRequest": ["revoked"],
        "CarePlan": ["revoked"],
        "Goal": ["cancelled"] * 2,
        "Task": ["cancelled"],
    }


def test_a_hold_in_the_queue_puts_everything_on_hold(world: World) -> None:
    referral = world.queued("ada-refer")
    world.add_platelets("ada-refer", 8)
    world.stride.windows.reassess("city", referral.id, occasion="new result")
    world.worker.run_due()
    assert world.referral("ada-refer").state == "held"
    assert world.written("ada-refer")["ServiceRequest"] == ["on-hold"]
    assert world.written("ada-refer")["Task"] == ["on-hold"]


def test_the_state_and_the_ehr_agree_for_every_patient_after_a_day_of_work(world: World) -> None:
    for patient in ("ada-refer", "cleo-optout", "gus-killed", "ivo-unanswered"):
        world.opened(patient)
    world.pass_time(CLINICIAN_WINDOW)
    world.pass_time(timedelta(days=1))
    for patient in ("ada-refer", "cleo-optout", "gus-killed", "ivo-unanswered"):
        referral = world.referral(patient)
        wanted = FHIR[State(referral.state)]
        assert world.written(patient)["ServiceRequest"] == [wanted["service-request"].status]


def answer_questions(world: World, referral_id: object) -> None:
    """The navigator asks the safety questions afresh; all answers are no."""
    from uuid import UUID

    from mappings.canonical import SAFETY_QUESTIONS

    assert isinstance(referral_id, UUID)
    words = ("chest-pain", "syncope", "new-dyspnoea", "back-red-flags", "bleeding", "fever")
    now = world.stride.clock()
    resource = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": SAFETY_QUESTIONS,
        "subject": {"reference": f"Patient/{world.by_id(referral_id).patient_id}"},
        "authored": now.isoformat(timespec="seconds"),
        "item": [{"linkId": word, "answer": [{"valueBoolean": False}]} for word in words],
    }
    world.stride.actions.keep_answers(referral_id, resource, actor=NAVIGATOR, now=now)
    world.stride.windows.reassess("city", referral_id, occasion="answers")
