"""The same promises on three FHIR servers, with and without what FHIR leaves open. Source: standards.md 6.1."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from fhirapp.jobs.table import LEASE
from fhirapp.referrals.facts import facts_of
from fhirapp.referrals.referral import ACCEPTED
from fhirapp.referrals.status import State
from fhirapp.write_back.errors import WriteBackUnfinished
from mappings.to_fhir.suggestion import suggestion
from tests.ehr.between import Fault
from tests.ehr.house import House
from tests.world import CLINICIAN, CLINICIAN_WINDOW, PATIENT

WHOLE: Final = {"ServiceRequest": ["active"], "CarePlan": ["draft"], "Goal": ["proposed"] * 2, "Task": ["requested"]}
ENDED: Final = {
    "ServiceRequest": ["revoked"], "CarePlan": ["revoked"], "Goal": ["cancelled"] * 2, "Task": ["cancelled"],
}  # fmt: skip
NOTHING: Final[dict[str, list[str]]] = {"ServiceRequest": [], "CarePlan": [], "Goal": [], "Task": []}
# Every place at which a release can be cut off: the transaction where there is one, else the third single create.
CUTS: Final[dict[str, Callable[[], Fault]]] = {
    "before the work": lambda: Fault("POST", r"^(|CarePlan)$", drop_before=True),
    "after the work": lambda: Fault("POST", r"^(|CarePlan)$", drop_after=True),
    "in the answer": lambda: Fault("POST", r"^(|CarePlan)$", truncate=True),
}


def everything(house: House, patient_id: str) -> int:
    """How many resources of ours there are, those entered in error too."""
    return sum(len(house.server.ours(patient_id, kind, dead=True)) for kind in WHOLE)


def origins(house: House, patient_id: str) -> list[dict[str, Any]]:
    """The Provenances that speak of the patient's ServiceRequest."""
    (request,) = house.server.ours(patient_id, "ServiceRequest")
    found = house.server.get(f"Provenance?target=ServiceRequest/{request['id']}").get("entry", [])
    found += house.server.get(
        f"Provenance?target=ServiceRequest/{request['id']}/_history/{request['meta']['versionId']}"
    ).get("entry", [])
    return list({one["resource"]["id"]: one["resource"] for one in found}.values())


# ------------------------------------------------------------ with everything switched on and off


def test_wb_1_wb_3_wb_9_wb_10_a_released_referral_is_there_exactly_once(switched: House) -> None:
    patient = switched.patient()
    referral = switched.released(patient)
    assert switched.written(patient) == WHOLE
    posts = switched.proxy.asked("POST", "^(|ServiceRequest|Goal|CarePlan|Task)$")
    assert posts == ([""] if switched.proxy.offer.transactions else posts[:5])
    asked_before = len(switched.proxy.log)
    switched.stride.write_back.converge(referral.tenant_id, referral.id, switched.ehr)
    switched.settle()
    assert not switched.proxy.asked("PUT")
    assert [path for how, path, _ in switched.proxy.log[asked_before:] if how != "GET"] == [], "nothing is left to do"
    assert everything(switched, patient) == 5


@pytest.mark.parametrize("cut", CUTS)
def test_wb_4_wb_9_wb_10_a_release_that_is_cut_off_is_completed_without_a_double(switched: House, cut: str) -> None:
    patient = switched.patient()
    switched.opened(patient)
    switched.proxy.faults.append(CUTS[cut]())
    switched.pass_time(CLINICIAN_WINDOW)
    switched.settle()
    assert switched.written(patient) == WHOLE
    assert everything(switched, patient) == 5


def test_wb_10_an_opt_out_in_the_middle_leaves_nothing_active(switched: House) -> None:
    patient = switched.patient()
    referral = switched.opened(patient)

    def says_no() -> None:
        assert switched.stride.actions.opt_out(referral.id, actor=PATIENT, now=switched.stride.clock())

    switched.proxy.faults.append(Fault("POST", r"^(|CarePlan)$", before=says_no))
    switched.pass_time(CLINICIAN_WINDOW)
    switched.settle()
    statuses = switched.written(patient)
    assert statuses["ServiceRequest"] == ["revoked"]
    assert all(set(statuses[kind]) <= set(ENDED[kind]) for kind in ENDED), statuses


def test_wb_5_the_draft_that_the_ehr_made_from_our_suggestion_is_carried_on(switched: House) -> None:
    patient = switched.patient()
    referral = switched.opened(patient)
    facts = facts_of(switched.tenant, referral, switched.stride.sealer, now=switched.stride.clock())
    draft = next(one for one in suggestion(facts, with_prescription=False) if one["resourceType"] == "ServiceRequest")
    made = switched.server.post({name: value for name, value in draft.items() if name != "id"})
    switched.stride.actions.sign(referral.id, actor=CLINICIAN, now=switched.stride.clock(), how=ACCEPTED)
    switched.pass_time()
    assert switched.written(patient) == WHOLE
    (request,) = switched.server.ours(patient, "ServiceRequest")
    assert request["id"] == made["id"]
    (plan,) = switched.server.ours(patient, "CarePlan")
    assert plan["activity"][0]["reference"]["reference"] == f"ServiceRequest/{made['id']}"


# ------------------------------------------------------------ each server as it is


def test_wb_9_the_references_of_a_transaction_lead_to_each_other(plain: House) -> None:
    patient = plain.patient()
    plain.released(patient)
    ours = {kind: plain.server.ours(patient, kind) for kind in WHOLE}
    request = f"ServiceRequest/{ours['ServiceRequest'][0]['id']}"
    assert {one["reference"] for one in ours["CarePlan"][0]["goal"]} == {f"Goal/{one['id']}" for one in ours["Goal"]}
    assert ours["CarePlan"][0]["activity"][0]["reference"]["reference"] == request
    assert ours["Task"][0]["focus"]["reference"] == request


def test_one_provenance_tells_who_stands_behind_the_release_and_one_who_ended_it(plain: House) -> None:
    patient = plain.patient()
    referral = plain.released(patient)
    (created,) = origins(plain, patient)
    authors = {one["type"]["coding"][0]["code"]: one["who"]["reference"] for one in created["agent"]}
    assert authors["author"] == "Practitioner/dr-okafor", "the standing order's authoriser"
    assert {"text": "Signed by: standing order"} in created["reason"]
    assert any("safety rules" in entity["what"].get("display", "") for entity in created["entity"])
    assert len(created["target"]) == 5
    plain.stride.actions.opt_out(referral.id, actor=PATIENT, now=plain.stride.clock())
    plain.pass_time()
    assert plain.written(patient) == ENDED
    (ended,) = [one for one in origins(plain, patient) if one["activity"]["coding"][0]["code"] == "UPDATE"]
    assert ended["agent"][0]["who"]["reference"] == f"Patient/{patient}"


@pytest.mark.parametrize("cut", ["drop_before", "drop_after"])
def test_a_provenance_that_is_cut_off_is_told_once(plain: House, cut: str) -> None:
    patient = plain.patient()
    referral = plain.released(patient)
    plain.stride.actions.opt_out(referral.id, actor=PATIENT, now=plain.stride.clock())
    plain.proxy.faults.append(Fault("POST", "^Provenance", **{cut: True}))  # type: ignore[arg-type]
    plain.pass_time()
    plain.settle()
    assert len([one for one in origins(plain, patient) if one["activity"]["coding"][0]["code"] == "UPDATE"]) == 1


def test_a_gateway_that_answers_the_search_for_a_provenance_brings_no_second_one(plain: House) -> None:
    patient = plain.patient()
    referral = plain.released(patient)
    plain.stride.actions.opt_out(referral.id, actor=PATIENT, now=plain.stride.clock())
    plain.proxy.faults += [
        Fault("POST", "^Provenance", drop_after=True),
        Fault("GET", "^Provenance", times=6, page="<html>Please sign in</html>"),
    ]
    plain.pass_time()
    plain.settle()
    plain.settle()
    assert len([one for one in origins(plain, patient) if one["activity"]["coding"][0]["code"] == "UPDATE"]) == 1
    assert not [job for job in plain.jobs() if job.state == "dead"]


def test_a_worker_that_slept_through_its_lease_sends_no_second_provenance(plain: House) -> None:
    plain.proxy.offer = replace(plain.proxy.offer, transactions=False)
    patient = plain.patient()
    referral = plain.opened(patient)

    def somebody_else_takes_over() -> None:
        for _ in range(3):  # each time that something may still be under way, it waits for the lease
            plain.stride.clock.move(2 * LEASE)
            with suppress(WriteBackUnfinished):
                plain.stride.write_back.converge(referral.tenant_id, referral.id, plain.ehr)

    plain.proxy.faults.append(Fault("POST", "^ServiceRequest", before=somebody_else_takes_over))
    plain.pass_time(CLINICIAN_WINDOW)
    plain.settle()
    assert plain.written(patient) == WHOLE
    assert everything(plain, patient) == 5
    assert len([one for one in origins(plain, patient) if one["activity"]["coding"][0]["code"] == "CREATE"]) == 1


def test_an_ehr_that_takes_no_provenance_gets_everything_else(plain: House) -> None:
    patient = plain.patient()
    plain.opened(patient)
    plain.proxy.offer = replace(plain.proxy.offer, transactions=False)
    plain.stride.capabilities.read(plain.tenant.id, plain.ehr)
    plain.proxy.faults.append(Fault("POST", "^Provenance", times=9, status=403))
    plain.pass_time(CLINICIAN_WINDOW)
    assert plain.written(patient) == WHOLE
    assert not [job for job in plain.jobs() if job.state == "dead"]


def test_wb_6_an_edit_between_our_read_and_our_write_is_merged(plain: House) -> None:
    patient = plain.patient()
    referral = plain.released(patient)

    def edit() -> None:
        plain.server.edit("ServiceRequest", patient, patientInstruction="bring water")

    plain.proxy.faults.append(Fault("PUT", "^ServiceRequest", before=edit))
    plain.stride.actions.opt_out(referral.id, actor=PATIENT, now=plain.stride.clock())
    plain.pass_time()
    assert 412 in [status for how, path, status in plain.proxy.log if how == "PUT"] or 409 in [
        status for how, path, status in plain.proxy.log if how == "PUT"
    ]
    (request,) = plain.server.ours(patient, "ServiceRequest")
    assert (request["status"], request["patientInstruction"]) == ("revoked", "bring water")


def test_wb_6_without_versions_an_edit_is_seen_by_a_second_look(plain: House) -> None:
    plain.proxy.offer = replace(plain.proxy.offer, versions=False)
    patient = plain.patient()
    referral = plain.released(patient)
    edited = plain.server.edit("ServiceRequest", patient, patientInstruction="bring water")

    def edit() -> None:
        plain.server.put({**edited, "patientInstruction": "bring a towel"})

    plain.proxy.faults.append(Fault("GET", "^ServiceRequest/", after=edit))
    plain.stride.actions.opt_out(referral.id, actor=PATIENT, now=plain.stride.clock())
    plain.pass_time()
    (request,) = plain.server.ours(patient, "ServiceRequest")
    assert (request["status"], request["patientInstruction"]) == ("revoked", "bring a towel")


def test_what_was_deleted_there_is_shown_and_only_made_again_when_a_person_says_so(plain: House) -> None:
    patient = plain.patient()
    referral = plain.released(patient)
    (plan,) = plain.server.ours(patient, "CarePlan")
    plain.server.delete(f"CarePlan/{plan['id']}")
    plain.mark_for_rewrite(referral, "care-plan")
    plain.pass_time()
    if plain.server.name == "medplum":  # 404 and not 410: it may only have moved, so it is looked for and made again
        plain.settle()
        assert (plain.written(patient)["CarePlan"], plain.conflicts()) == (["draft"], [])
        return
    (conflict,) = plain.conflicts()
    assert (conflict.kind, conflict.reason, conflict.theirs) == ("care-plan", "gone", None)
    assert conflict.ours is not None
    assert plain.written(patient)["CarePlan"] == []
    plain.settle_conflict(conflict, "ours")
    plain.settle()
    assert plain.written(patient)["CarePlan"] == ["draft"]
    assert plain.conflicts() == []


def test_a_refused_resource_keeps_back_nothing_else_and_waits_for_a_person(plain: House) -> None:
    patient = plain.patient()
    plain.opened(patient)
    plain.proxy.offer = replace(plain.proxy.offer, transactions=False)
    plain.stride.capabilities.read(plain.tenant.id, plain.ehr)
    refusal = {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "business-rule", "expression": ["CarePlan.category"],
             "details": {"text": "not for Ada Marlow"}},
        ],
    }  # fmt: skip
    plain.proxy.faults.append(Fault("POST", "^CarePlan", status=422, body=refusal))
    plain.pass_time(CLINICIAN_WINDOW)
    assert plain.written(patient) == {**WHOLE, "CarePlan": []}
    (dead,) = [job for job in plain.jobs() if job.state == "dead"]
    assert "business-rule at CarePlan.category" in str(dead.error)
    assert "Marlow" not in str(dead.error)
    plain.retry_dead()
    plain.pass_time()
    assert plain.written(patient) == WHOLE


def test_wb_4_doubles_of_our_own_are_entered_in_error_and_never_deleted(plain: House) -> None:
    patient = plain.patient()
    plain.opened(patient)
    plain.proxy.offer = replace(plain.proxy.offer, transactions=False, conditional=False)
    plain.stride.capabilities.read(plain.tenant.id, plain.ehr)

    def twin() -> None:
        (one,) = plain.server.ours(patient, "Goal")[:1]
        plain.server.post({name: value for name, value in one.items() if name not in ("id", "meta")})

    plain.proxy.faults.append(Fault("POST", "^Goal", after=twin))
    plain.pass_time(CLINICIAN_WINDOW)
    assert plain.written(patient) == WHOLE
    assert len(plain.server.ours(patient, "Goal", dead=True)) == 3
    assert not plain.proxy.asked("DELETE")


def test_estimates_are_written_where_the_site_asks_for_them(asking: House) -> None:
    patient = asking.patient()
    asking.released(patient)
    found = asking.server.ours(patient, "RiskAssessment")
    assert {one["status"] for one in found} == {"final"}
    assert len(found) == 3
    (created,) = origins(asking, patient)
    assert created["meta"]["security"][0]["code"] == "AIAST"
    asking.settle()
    assert len(asking.server.ours(patient, "RiskAssessment", dead=True)) == 3


def test_a_patient_who_comes_back_gets_a_request_that_names_the_one_before(plain: House) -> None:
    patient = plain.patient()
    first = plain.released(patient)
    (before,) = plain.server.ours(patient, "ServiceRequest")
    assert "replaces" not in before
    plain.stride.actions.opt_out(first.id, actor=PATIENT, now=plain.stride.clock())
    plain.pass_time()
    plain.stride.actions.come_back(first.id, actor=PATIENT, now=plain.stride.clock())
    plain.pass_time()
    statuses = {one["id"]: one["status"] for one in plain.server.ours(patient, "ServiceRequest")}
    (again,) = [one for one in plain.server.ours(patient, "ServiceRequest") if one["id"] != before["id"]]
    assert statuses == {before["id"]: "revoked", again["id"]: "active"}
    assert [one["reference"] for one in again["replaces"]] == [f"ServiceRequest/{before['id']}"]


# ------------------------------------------------------------ beside the referral


def test_wb_3_what_a_patient_was_told_is_there_exactly_once(switched: House) -> None:
    patient = switched.patient()
    referral = switched.released(patient)
    (request,) = switched.server.ours(patient, "ServiceRequest")
    (told,) = switched.server.ours(patient, "Communication")
    assert told["status"] == "completed"
    assert [one["reference"] for one in told["basedOn"]] == [f"ServiceRequest/{request['id']}"]
    switched.stride.write_back.converge(referral.tenant_id, referral.id, switched.ehr)
    assert len(switched.server.ours(patient, "Communication", dead=True)) == 1


@pytest.mark.parametrize("cut", ["drop_before", "drop_after", "truncate"])
def test_wb_4_a_notice_that_is_cut_off_is_written_once(plain: House, cut: str) -> None:
    plain.proxy.offer = replace(plain.proxy.offer, transactions=False)
    patient = plain.patient()
    plain.opened(patient)
    plain.proxy.faults.append(Fault("POST", "^Communication", **{cut: True}))  # type: ignore[arg-type]
    plain.pass_time(CLINICIAN_WINDOW)
    plain.settle()
    assert plain.written(patient) == WHOLE
    assert len(plain.server.ours(patient, "Communication", dead=True)) == 1


def test_a_hold_is_there_exactly_once_and_is_brought_to_its_end(switched: House) -> None:
    patient = switched.patient("dan-platelets")
    referral = switched.opened(patient)
    switched.pass_time()
    (hold,) = switched.server.ours(patient, "DetectedIssue")
    assert (hold["status"], hold["severity"]) == ("final", "high")
    switched.stride.write_back.converge(referral.tenant_id, referral.id, switched.ehr)
    switched.stride.actions.opt_out(referral.id, actor=PATIENT, now=switched.stride.clock())
    switched.pass_time()
    (ended,) = switched.server.ours(patient, "DetectedIssue", dead=True)
    assert (ended["id"], ended["status"], len(ended["mitigation"])) == (hold["id"], "amended", 1)
    assert not switched.proxy.asked("DELETE")


@pytest.mark.parametrize("cut", ["drop_before", "drop_after"])
def test_wb_4_a_hold_that_is_cut_off_is_written_once(plain: House, cut: str) -> None:
    patient = plain.patient("dan-platelets")
    plain.opened(patient)
    plain.proxy.faults.append(Fault("POST", "^DetectedIssue", **{cut: True}))  # type: ignore[arg-type]
    plain.pass_time()
    plain.settle()
    assert len(plain.server.ours(patient, "DetectedIssue", dead=True)) == 1


def test_wb_1_where_no_detected_issue_can_be_written_a_hold_is_a_flag(plain: House) -> None:
    plain.proxy.offer = replace(plain.proxy.offer, without=frozenset({"DetectedIssue"}))
    patient = plain.patient("dan-platelets")
    referral = plain.opened(patient)
    plain.pass_time()
    (hold,) = plain.server.ours(patient, "Flag")
    assert (hold["status"], hold["category"][0]["coding"][0]["code"]) == ("active", "safety")
    plain.stride.actions.opt_out(referral.id, actor=PATIENT, now=plain.stride.clock())
    plain.pass_time()
    assert [one["status"] for one in plain.server.ours(patient, "Flag", dead=True)] == ["inactive"]
    assert not plain.proxy.asked("POST", "^DetectedIssue")


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_refused_notice_or_hold_calls_nobody_and_is_asked_for_again_after_a_day(plain: House, status: int) -> None:
    plain.proxy.offer = replace(plain.proxy.offer, transactions=False)
    refused = Fault("POST", "^(Communication|DetectedIssue)", times=99, status=status)
    plain.proxy.faults.append(refused)
    patient, held = plain.patient(), plain.patient("dan-platelets")
    referral = plain.released(patient)
    plain.opened(held)
    plain.settle()
    assert plain.written(patient) == WHOLE
    assert refused.fired == 3, "each once: the notice, the hold, and the alarm's own message to the clinician"
    assert not [job for job in plain.jobs() if job.state == "dead"]
    plain.proxy.faults.clear()
    plain.stride.write_back.converge(referral.tenant_id, referral.id, plain.ehr)
    assert plain.server.ours(patient, "Communication") == []
    plain.stride.clock.move(timedelta(days=1))
    plain.stride.write_back.converge(referral.tenant_id, referral.id, plain.ehr)
    assert len(plain.server.ours(patient, "Communication")) == 1


def test_wb_1_what_an_ehr_does_not_let_us_create_is_kept_by_us_alone(plain: House) -> None:
    plain.proxy.offer = replace(plain.proxy.offer, read_only=True)
    patient = plain.patient()
    referral = plain.released(patient)
    assert plain.written(patient) == NOTHING
    beside = "Communication|DetectedIssue|Flag"
    assert not plain.proxy.asked("POST", f"^(|ServiceRequest|Goal|CarePlan|Task|Provenance|{beside})$")
    assert referral.status is State.OPT_OUT_OPEN
    assert not [job for job in plain.jobs() if job.state == "dead"]
