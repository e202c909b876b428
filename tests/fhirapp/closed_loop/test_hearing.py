"""Whose word is it? Races, lost answers and repetitions, against the real record system."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from fhirapp.closed_loop.hearing import Outcome
from fhirapp.closed_loop.memory import EhrChange
from fhirapp.demo.settings import TENANT
from fhirapp.jobs.table import LEASE
from fhirapp.referrals.judging import CHECK
from tests.world import CLINICIAN, PATIENT, World

ADA = "ada-refer"


def request_of(world: World, patient_id: str = ADA) -> dict[str, Any]:
    (found,) = world.ours(patient_id, "ServiceRequest")
    return found


def rewrite(world: World, resource: dict[str, Any], **members: Any) -> None:
    world.ehr.api.store.update(resource["resourceType"], resource["id"], {**resource, **members})


def hear(world: World, patient_id: str = ADA) -> Outcome:
    ehr = world.stride.ehrs.as_system(world.tenant)
    stored = ehr.read(f"ServiceRequest/{request_of(world, patient_id)['id']}")
    hearing = world.stride.closed_loop.poll.hearing
    return hearing.hear(TENANT, world.referral(patient_id).id, "service-request", stored)


def test_one_word_heard_by_eight_at_once_is_followed_once(world: World) -> None:
    world.released(ADA)
    rewrite(world, request_of(world), status="revoked")
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(lambda _: hear(world), range(8)))
    assert Outcome.MOVED in heard
    assert world.history(ADA).count("ehr_move_service_request_revoked") == 1
    with world.stride.sessions() as session:
        assert session.query(EhrChange).count() == 1


def test_an_answer_that_was_lost_is_not_taken_for_somebodys_word(world: World) -> None:
    """Our own `active` went through unseen; then the patient says no: it must be revoked, not kept as theirs."""
    card = world.ehr.hooks.patient_view("jo-accepts").cards[0]
    world.ehr.hooks.accept(card, card.suggestions[0])
    world.ehr.faults.replace([{"path": "^ServiceRequest", "method": "PUT", "drop_after": True, "times": 1}])
    world.worker.run_due()
    assert request_of(world, "jo-accepts")["status"] == "active", "the EHR has done it; we do not know"
    world.stride.actions.opt_out(world.referral("jo-accepts").id, actor=PATIENT, now=world.stride.clock())
    world.pass_time(LEASE)
    assert request_of(world, "jo-accepts")["status"] == "revoked"
    with world.stride.sessions() as session:
        assert session.query(EhrChange).filter(EhrChange.question != "").count() == 0


def test_a_yes_waits_for_our_own_writing_and_a_no_does_not(world: World) -> None:
    referral = world.released(ADA)
    world.stride.actions.suspend(referral.id, "service-request", actor=CLINICIAN, now=world.stride.clock())
    world.worker.run_due()
    assert request_of(world)["status"] == "on-hold"
    with world.stride.sessions.begin() as session:
        from fhirapp.referrals.judging import write_back_soon

        write_back_soon(session, world.referral(ADA), world.stride.clock())
    rewrite(world, request_of(world), status="draft")
    rewrite(world, request_of(world), status="active")
    assert hear(world) is Outcome.LATER
    with world.stride.sessions() as session:
        assert [job.kind for job in world.jobs("ready") if job.kind == CHECK] == [CHECK]
    rewrite(world, request_of(world), status="revoked")
    assert hear(world) is Outcome.MOVED
    assert world.referral(ADA).state == "declined"


@pytest.mark.parametrize("status", ["completed", "entered-in-error"])
def test_what_somebody_ended_is_not_rewritten_into_another_end(world: World, status: str) -> None:
    world.released(ADA)
    rewrite(world, request_of(world), status=status)
    hear(world)
    world.worker.run_due()
    world.pass_time(timedelta(hours=1))
    assert request_of(world)["status"] == status
    assert not world.referral(ADA).is_open
    assert world.jobs("dead") == []


def test_a_change_of_the_words_alone_changes_nothing(world: World) -> None:
    world.released(ADA)
    before = world.history(ADA)
    rewrite(world, request_of(world), patientInstruction="bring water")
    assert hear(world) is Outcome.OURS
    assert world.history(ADA) == before


def test_an_ehr_without_versions_is_heard_by_the_time_of_the_change(world: World) -> None:
    world.released(ADA)
    ehr = world.stride.ehrs.as_system(world.tenant)
    stored = ehr.read(f"ServiceRequest/{request_of(world)['id']}")
    unversioned = type(stored)({**stored.resource, "status": "on-hold"}, stored.reference, None)
    hearing, referral = world.stride.closed_loop.poll.hearing, world.referral(ADA)
    assert hearing.hear(TENANT, referral.id, "service-request", unversioned) is Outcome.MOVED
    assert hearing.hear(TENANT, referral.id, "service-request", unversioned) is Outcome.OURS
    assert world.referral(ADA).state == "held"
