"""What people do in a record system comes back, on three FHIR servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fhirapp.closed_loop.memory import EhrChange, open_questions
from fhirapp.demo.settings import TENANT
from fhirapp.ehr.errors import EhrUnavailable
from mappings.canonical import OPT_OUT_REASONS, SAFETY_QUESTIONS
from mappings.to_fhir.codes import STATUS_REASON
from tests.ehr.between import Fault
from tests.ehr.house import House
from tests.world import NAVIGATOR, PATIENT, PATIENT_WINDOW

PROGRAMME = "Organization/riverside-community-class"
REVOKED = {
    "ServiceRequest": ["revoked"],
    "CarePlan": ["revoked"],
    "Goal": ["cancelled"] * 2,
    "Task": ["cancelled"],
}


def listen(house: House) -> None:
    house.stride.closed_loop.look(TENANT)
    house.worker.run_due()


def questions(house: House) -> list[str]:
    with house.stride.sessions() as session:
        return [change.question for change in open_questions(session, TENANT)]


def offered(house: House, patient: str) -> None:
    """A referral that a programme has been asked to take."""
    house.released(patient)
    house.pass_time(PATIENT_WINDOW)
    act, referral, now = house.stride.actions, house.referral(patient), house.stride.clock()
    act.claim(referral.id, actor=NAVIGATOR, now=now)
    words = ("chest-pain", "syncope", "new-dyspnoea", "back-red-flags", "bleeding", "fever")
    answers = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": SAFETY_QUESTIONS,
        "subject": {"reference": f"Patient/{patient}"},
        "authored": now.isoformat(timespec="seconds"),
        "item": [{"linkId": word, "answer": [{"valueBoolean": False}]} for word in words],
    }
    act.keep_answers(referral.id, answers, actor=NAVIGATOR, now=now)
    house.stride.windows.reassess(TENANT, referral.id, occasion="answers")
    act.offer(referral.id, "community-class", actor=NAVIGATOR, now=house.stride.clock())
    house.worker.run_due()


def programme_says(house: House, patient: str, status: str, **more: Any) -> None:
    (task,) = [one for one in house.server.ours(patient, "Task") if one["owner"]["reference"] == PROGRAMME]
    house.server.put({**task, "status": status, **more})
    listen(house)


def test_a_no_in_the_record_system_ends_the_referral_with_its_reason(plain: House) -> None:
    patient = plain.patient()
    plain.released(patient)
    listen(plain)
    why = {"coding": [{"system": OPT_OUT_REASONS, "code": "CL-PALL"}]}
    extension = [{"url": STATUS_REASON, "valueCodeableConcept": why}]
    plain.server.edit("ServiceRequest", patient, status="revoked", extension=extension)
    listen(plain)
    assert (plain.referral(patient).state, plain.referral(patient).reason_code) == ("declined", "CL-PALL")
    assert plain.written(patient) == REVOKED


def test_our_own_writes_do_not_come_back(plain: House) -> None:
    patient = plain.patient()
    plain.released(patient)
    for _ in range(3):
        listen(plain)
    with plain.stride.sessions() as session:
        assert session.query(EhrChange).count() == 0


def test_a_programme_accepts_begins_and_completes(plain: House) -> None:
    patient = plain.patient()
    offered(plain, patient)
    for status, state in (("accepted", "booked"), ("in-progress", "enrolled"), ("completed", "completed")):
        programme_says(plain, patient, status)
        assert plain.referral(patient).state == state
    assert plain.written(patient)["ServiceRequest"] == ["completed"]
    assert questions(plain) == []


def test_a_death_stops_everything(plain: House) -> None:
    patient = plain.patient()
    plain.released(patient)
    plain.server.put({**plain.server.get(f"Patient/{patient}"), "deceasedBoolean": True})
    listen(plain)
    assert plain.referral(patient).state == "departed"
    assert plain.written(patient) == REVOKED


def test_a_new_result_is_found_and_holds(plain: House) -> None:
    patient = plain.patient()
    plain.released(patient)
    listen(plain)
    plain.server.post(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": plain.stride.clock().isoformat(timespec="seconds"),
            "valueQuantity": {"value": 8, "system": "http://unitsofmeasure.org", "code": "10*9/L"},
        }
    )
    listen(plain)
    assert plain.referral(patient).state == "held"
    assert plain.written(patient)["ServiceRequest"] == ["on-hold"]


def test_an_ended_referral_that_somebody_revives_is_shown(plain: House) -> None:
    patient = plain.patient()
    referral = plain.released(patient)
    plain.stride.actions.opt_out(referral.id, actor=PATIENT, now=plain.stride.clock())
    plain.worker.run_due()
    plain.server.edit("ServiceRequest", patient, status="active")
    for _ in range(2):
        listen(plain)
    assert plain.referral(patient).state == "opted_out"
    assert questions(plain) == ["reactivated"]


def test_a_refused_search_or_an_outage_loses_nothing(plain: House) -> None:
    patient = plain.patient()
    plain.released(patient)
    listen(plain)
    plain.server.edit("ServiceRequest", patient, status="revoked")
    plain.proxy.faults[:] = [Fault(method="GET", path="_id=", times=99, status=400)]
    listen(plain)
    assert plain.referral(patient).state == "declined"
    plain.proxy.faults.clear()
    plain.pass_time(timedelta(minutes=10))
    assert plain.written(patient) == REVOKED


def test_what_a_gateway_says_in_place_of_the_ehr_is_no_answer(plain: House) -> None:
    patient = plain.patient()
    plain.released(patient)
    listen(plain)
    plain.server.edit("ServiceRequest", patient, status="revoked")
    for said in ("<html>Please sign in</html>", '{"resourceType": "Bundle", "entry": [', '{"resourceType": "Basic"}'):
        plain.proxy.faults[:] = [Fault(method="GET", path="_id=", page=said)]
        with pytest.raises(EhrUnavailable):
            plain.stride.closed_loop.look(TENANT)
    listen(plain)
    assert plain.referral(patient).state == "declined"
