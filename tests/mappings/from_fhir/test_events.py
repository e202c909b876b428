"""mappings/from_fhir/events.py"""

from __future__ import annotations

import pytest

from mappings.canonical import RESOURCE_IDENTIFIER
from tests.mappings.charts import ICD, PATIENT, SNOMED, concept, facts, procedure, resource, snapshot_with


def visit(**fields):
    made = {
        "status": "finished",
        "class": {"code": "AMB"},
        "period": {"start": "2026-11-24T09:00:00+11:00", "end": "2026-11-24T11:00:00+11:00"},
    }
    return resource("Encounter", "enc-1", **(made | fields))


def request(code: str, **fields):
    made = {
        "status": "active",
        "intent": "order",
        "code": concept(SNOMED, code),
        "authoredOn": "2026-11-01",
        "occurrenceDateTime": "2026-12-10",
    }
    return resource("ServiceRequest", "sr-1", **(made | fields))


class TestProcedures:
    @pytest.mark.parametrize(
        ("code", "sets"),
        [
            ("90470006", {"vs.surgery_major"}),
            ("43075005", {"vs.surgery_major"}),
            ("64368001", {"vs.surgery_major"}),
            ("387713003", {"vs.surgery_major"}),
            ("703423002", {"vs.chemo_encounter", "vs.radiotherapy"}),
            ("367336001", {"vs.chemo_encounter"}),
            ("1217123003", {"vs.radiotherapy"}),
            ("232717009", {"vs.surgery_major", "vs.revasc"}),
            ("73761001", set()),  # colonoscopy
            ("65575008", set()),  # biopsy
        ],
    )
    def test_value_sets(self, code, sets):
        assert set(snapshot_with(procedure(code)).facts) == sets

    def test_the_region_of_an_operation_comes_from_its_code_or_its_body_site(self):
        assert facts("vs.surgery_major", procedure("90470006"))[0].details["body_site"] == "pelvis"
        sited = procedure("387713003", bodySite=[concept(SNOMED, "80248007")])
        assert facts("vs.surgery_major", sited)[0].details["body_site"] == "breast"

    @pytest.mark.parametrize("status", ["not-done", "entered-in-error"])
    def test_what_was_not_done_is_ignored(self, status):
        assert facts("vs.surgery_major", procedure("90470006", status=status)) == []

    def test_a_day_and_a_period(self):
        assert facts("vs.surgery_major", procedure("90470006"))[0].start.day == "2026-11-10"
        period = {"start": "2026-10-01", "end": "2026-11-15"}
        found = facts("vs.radiotherapy", procedure("1217123003", performedDateTime=None, performedPeriod=period))[0]
        assert (found.start.day, found.end.day, found.state) == ("2026-10-01", "2026-11-15", "history")

    def test_a_course_that_ends_later_is_running(self):
        period = {"start": "2026-11-01", "end": "2026-12-15"}
        found = facts("vs.radiotherapy", procedure("1217123003", performedDateTime=None, performedPeriod=period))[0]
        assert (found.end, found.state) == (None, "active")

    def test_a_procedure_of_a_later_day_is_not_there_yet(self):
        later = procedure("90470006", performedDateTime="2026-11-27")
        assert facts("vs.surgery_major", later) == []
        assert snapshot_with(later).faults == ()

    def test_one_that_was_on_file_before_its_day_is_named(self):
        odd = procedure("90470006", performedDateTime="2026-11-27", meta={"lastUpdated": "2026-11-20T00:00:00Z"})
        assert snapshot_with(odd).faults[0].why == "conflict"


class TestEncounters:
    @pytest.mark.parametrize("code", ["Z51.11", "Z51.12"])
    def test_an_infusion_by_reason_or_type(self, code):
        for field in ("reasonCode", "type"):
            found = facts("vs.chemo_encounter", visit(**{field: [concept(ICD, code)]}))[0]
            assert (found.kind, found.start.day, found.state) == ("encounter", "2026-11-24", "history")

    def test_a_diagnosis_as_reason_is_no_diagnosis(self):
        assert snapshot_with(visit(reasonCode=[concept(ICD, "C50.9")])).facts == {}

    def test_a_stay_in_hospital(self):
        found = facts("vs.inpatient", visit(**{"class": {"code": "IMP"}}))[0]
        assert found.end.day == "2026-11-24"

    def test_a_stay_that_ends_later_is_running(self):
        stay = visit(**{"class": {"code": "IMP"}, "period": {"start": "2026-11-24", "end": "2026-11-28"}})
        assert (facts("vs.inpatient", stay)[0].state, facts("vs.inpatient", stay)[0].end) == ("active", None)

    def test_hospice_by_type_and_by_discharge(self):
        assert facts("vs.hospice", visit(type=[concept(SNOMED, "385763009")]))
        leaving = {
            "dischargeDisposition": concept("http://terminology.hl7.org/CodeSystem/discharge-disposition", "hosp")
        }
        found = facts("vs.hospice", visit(hospitalization=leaving))[0]
        assert (found.code, found.state, found.start.day) == ("385763009", "active", "2026-11-24")

    @pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
    def test_a_visit_that_never_was(self, status):
        assert facts("vs.chemo_encounter", visit(status=status, reasonCode=[concept(ICD, "Z51.11")])) == []

    def test_a_visit_of_a_later_day_counts_only_as_a_plan(self):
        later = {"period": {"start": "2026-12-01"}, "reasonCode": [concept(ICD, "Z51.11")]}
        assert facts("vs.chemo_encounter", visit(**later)) == []
        assert facts("vs.chemo_encounter", visit(status="planned", **later))[0].state == "planned"


class TestPlans:
    def test_planned_surgery_is_read_from_a_request(self):
        found = facts("vs.planned_surgery", request("90470006"))[0]
        assert (found.state, found.start.day, found.details["body_site"]) == ("planned", "2026-12-10", "pelvis")

    def test_and_from_an_appointment(self):
        booked = {
            "resourceType": "Appointment",
            "id": "ap-1",
            "status": "booked",
            "start": "2026-12-10T08:00:00+11:00",
            "serviceType": [concept(SNOMED, "90470006")],
            "participant": [{"actor": {"reference": f"Patient/{PATIENT}"}}, {"actor": {"reference": "Practitioner/1"}}],
        }
        assert facts("vs.planned_surgery", booked)[0].start.day == "2026-12-10"

    def test_surgery_whose_day_has_passed_is_no_plan(self):
        assert facts("vs.planned_surgery", request("90470006", occurrenceDateTime="2026-10-10")) == []

    @pytest.mark.parametrize("code", ["367336001", "1217123003"])
    def test_planned_therapy(self, code):
        assert facts("vs.planned_therapy", request(code))

    @pytest.mark.parametrize("status", ["revoked", "completed", "entered-in-error"])
    def test_a_request_that_is_over(self, status):
        assert facts("vs.planned_surgery", request("90470006", status=status)) == []

    def test_a_request_of_a_later_day_is_not_there_yet(self):
        assert facts("vs.planned_surgery", request("90470006", authoredOn="2026-11-27")) == []

    def test_an_exercise_referral_of_others(self):
        assert facts("vs.in_programme", request("390893007", occurrenceDateTime=None))[0].state == "active"

    def test_our_own_referral_does_not_count(self):
        ours = request("390893007", identifier=[{"system": RESOURCE_IDENTIFIER, "value": "x"}])
        assert facts("vs.in_programme", ours) == []

    def test_terminal_care_is_palliative_until_the_rules_say_more(self):
        plan = resource("CarePlan", "cp-1", status="active", category=[concept(SNOMED, "182964004")])
        assert set(snapshot_with(plan).facts) == {"vs.hospice"}

    def test_a_plan_for_the_last_days(self):
        def plan(**fields):
            made = {"status": "active", "category": [concept(SNOMED, "385736008")], "period": {"start": "2026-11-01"}}
            return resource("CarePlan", "cp-1", **(made | fields))

        assert facts("vs.death_plan", plan())[0].state == "active"
        assert facts("vs.death_plan", plan(period={"start": "2026-11-27"})) == []
        over = plan(status="completed", period={"start": "2026-01-01", "end": "2026-02-01"})
        assert facts("vs.death_plan", over)[0].state == "history"
        ends_later = plan(status="completed", period={"start": "2026-01-01", "end": "2027-02-01"})
        assert facts("vs.death_plan", ends_later)[0].state == "active"

    def test_exercise_among_the_activities_of_a_diabetes_plan_is_no_programme(self):
        plan = resource(
            "CarePlan",
            "cp-1",
            status="active",
            category=[concept(SNOMED, "698360004")],
            activity=[{"detail": {"code": concept(SNOMED, "229065009")}}],
        )
        assert facts("vs.in_programme", plan) == []

    def test_a_physical_activity_referral_or_plan_of_others(self):
        system = "http://hl7.org/fhir/us/physical-activity/CodeSystem/pa-temporary-codes"
        category = [concept(system, "PhysicalActivity")]
        assert facts("vs.in_programme", request("1", category=category, occurrenceDateTime=None))
        assert facts("vs.in_programme", resource("CarePlan", "cp", status="active", category=category))
        ours = resource(
            "CarePlan", "cp", status="active", category=category, identifier=[{"system": RESOURCE_IDENTIFIER}]
        )
        assert facts("vs.in_programme", ours) == []
        assert facts("vs.in_programme", request("1", category=category, status="draft")) == []
