"""mappings/from_fhir/observations.py and quantities.py. Source: observations.md sections 1 and 9."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mappings.bundle import Part, read_chart
from mappings.canonical import STRIDE_OBSERVATIONS
from mappings.from_fhir import observations
from mappings.from_fhir.snapshot import snapshot_from
from mappings.measures import observed
from tests.mappings.charts import (
    AS_OF,
    LOINC,
    PATIENT,
    SNOMED,
    bundle,
    concept,
    fault,
    local_observation,
    observation,
    patient,
    quantity,
    reading,
    snapshot_with,
)

PLATELETS = quantity(150, "10*9/L")


class TestCodes:
    def test_any_coding_of_a_concept_is_looked_at(self):
        code = {"coding": [{"system": "urn:site", "code": "PLT"}, {"system": LOINC, "code": "777-3"}]}
        assert reading("platelets", observation("x", PLATELETS, code=code)).value == 150

    def test_a_code_of_another_system_is_another_thing(self):
        # 2157-6 is creatine kinase in LOINC and Guatemalan in the CDC's codes of ethnicity.
        found = snapshot_with(observation("2157-6", quantity(900, "U/L"), system="urn:oid:2.16.840.1.113883.6.238"))
        assert found.values == {}
        assert reading("ck", observation("2157-6", quantity(900, "U/L"))).value == 900

    def test_display_texts_are_never_matched(self):
        assert snapshot_with(observation("x", PLATELETS, code={"text": "Platelets"})).values == {}

    @pytest.mark.parametrize("code", [None, {}, {"coding": []}, {"coding": None}, {"coding": [{}]}, "777-3", 7])
    def test_an_odd_code_is_none_of_ours(self, code):
        assert snapshot_with(observation("x", PLATELETS, code=code)).values == {}

    def test_a_local_code_has_the_alias_with_underscores(self):
        found = local_observation("fatigue-nrs", valueInteger=8)
        assert reading("fatigue_nrs", found).value == 8


class TestStatus:
    @pytest.mark.parametrize("status", ["final", "amended", "corrected"])
    def test_valid_results_are_final(self, status):
        assert reading("platelets", observation("777-3", PLATELETS, status=status)).status == "final"

    def test_preliminary_stays_preliminary(self):
        assert reading("platelets", observation("777-3", PLATELETS, status="preliminary")).status == "preliminary"

    def test_without_a_status_a_result_cannot_clear(self):
        assert reading("platelets", observation("777-3", PLATELETS, status=None)).status == "preliminary"

    @pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered", "unknown", "nonsense"])
    def test_all_others_are_as_if_not_there(self, status):
        found = snapshot_with(observation("777-3", PLATELETS, status=status))
        assert found.values == {}
        assert found.faults == ()


class TestTime:
    def test_the_reading_carries_its_time_and_source(self):
        found = reading("platelets", observation("777-3", PLATELETS, id_="obs-9"))
        assert found.when.day == "2026-11-25"
        assert found.when.exact
        assert found.when.certain
        assert found.source == "Observation/obs-9"

    def test_a_period_counts_from_its_end(self):
        period = {"start": "2026-11-01", "end": "2026-11-20"}
        found = observation("777-3", PLATELETS, effectiveDateTime=None, effectivePeriod=period)
        assert reading("platelets", found).when.day == "2026-11-20"

    def test_an_instant_is_read(self):
        found = observation("777-3", PLATELETS, effectiveDateTime=None, effectiveInstant="2026-11-20T01:00:00Z")
        assert reading("platelets", found).when.day == "2026-11-20"

    def test_the_time_of_issue_stands_in_and_is_uncertain(self):
        found = observation("777-3", PLATELETS, effectiveDateTime=None, issued="2026-11-20T01:00:00Z")
        assert not reading("platelets", found).when.certain

    @pytest.mark.parametrize("date", [None, "last week", "2026-02-31"])
    def test_a_result_without_a_date_is_a_fault(self, date):
        assert fault(observation("777-3", PLATELETS, effectiveDateTime=date)) == ("platelets", "missing")

    def test_a_result_of_a_later_day_is_not_there_yet(self):
        later = "2026-11-27T09:00:00+11:00"
        found = snapshot_with(observation("777-3", PLATELETS, effectiveDateTime=later, issued=later))
        assert found.values == {}
        assert found.faults == ()

    def test_a_result_taken_before_but_issued_after_is_not_there_yet(self):
        found = observation("777-3", PLATELETS, issued="2026-11-26T09:00:00+11:00")
        assert snapshot_with(found).values == {}

    def test_a_result_dated_ahead_of_its_own_issue_is_a_fault_and_never_used(self):
        found = observation("777-3", PLATELETS, effectiveDateTime="2027-11-25", issued="2026-11-25T09:00:00+11:00")
        assert fault(found) == ("platelets", "conflict")
        assert reading("platelets", found) is None

    def test_readings_come_newest_first_whatever_their_order_and_offset(self):
        dates = ["2026-11-24T23:30:00Z", "2026-11-25T09:00:00+11:00", "2026-11-25T08:00:00+11:00", "2026-11-24"]
        made = [
            observation("777-3", quantity(100 + n, "10*9/L"), id_=f"o{n}", effectiveDateTime=date)
            for n, date in enumerate(dates)
        ]
        assert [one.value for one in snapshot_with(*made).series("platelets")] == [100, 101, 102, 103]


class TestUnits:
    def test_platelets_per_microlitre_and_in_thousands_are_the_same(self):
        plain = reading("platelets", observation("777-3", quantity(150000, "/uL")))
        thousands = reading("platelets", observation("777-3", quantity(150, "10*3/uL")))
        assert plain.value == thousands.value == 150
        assert plain.unit == "10*9/L"

    def test_haemoglobin_of_12_in_grams_per_litre_is_implausible_and_not_repaired(self):
        found = observation("718-7", quantity(12, "g/L"))
        assert fault(found) == ("hb", "implausible")
        assert reading("hb", found) is None
        assert "12 g/L is outside 20-250 g/L" in snapshot_with(found).faults[0].text

    @pytest.mark.parametrize(
        "value",
        [
            {"value": 12.1},
            {"value": 12.1, "unit": ""},
            {"value": 12.1, "unit": "gallons"},
            quantity(12.1, "mg/dL"),
        ],
    )
    def test_a_unit_that_is_absent_or_unknown_makes_the_value_unusable(self, value):
        found = observation("718-7", value)
        assert fault(found) == ("hb", "unit")
        assert reading("hb", found) is None

    def test_the_ucum_code_stands_before_the_text(self):
        found = observation("718-7", quantity(12.1, "g/dL", unit="g/L"))
        assert reading("hb", found).value == 121

    def test_a_code_without_its_system_is_only_a_text(self):
        found = observation("718-7", {"value": 121, "unit": "g/L", "code": "g/dL"})
        assert reading("hb", found).value == 121

    @pytest.mark.parametrize("value", [29, 50])
    def test_values_below_and_above_the_plausible_are_rejected(self, value):
        found = observation("8310-5", quantity(value, "Cel"))
        assert fault(found) == ("temp", "implausible")
        assert reading("temp", found) is None

    def test_temperature_in_fahrenheit(self):
        assert reading("temp", observation("8310-5", quantity(101, "[degF]"))).value == pytest.approx(38.333, abs=1e-3)

    def test_conversion_leaves_no_binary_dust_on_a_boundary(self):
        assert reading("hb", observation("718-7", quantity(7.0, "g/dL"))).value == 70.0
        assert reading("hb", observation("718-7", quantity(8.2, "g/dL"))).value == 82.0

    def test_d_dimer_units_are_half_of_fibrinogen_equivalents(self):
        assert reading("ddimer", observation("48065-7", quantity(500, "ng/mL"))).value == 0.5
        assert reading("ddimer", observation("48066-5", quantity(500, "ng/mL"))).value == 1.0

    @pytest.mark.parametrize(("mg", "score"), [(0, 0), (5, 0), (15, 1), (40, 2), (80, 3), (160, 4)])
    def test_urine_ketones_are_read_as_pluses(self, mg, score):
        assert reading("ketone_urine", observation("5797-6", quantity(mg, "mg/dL"))).value == score

    def test_the_upper_limit_of_the_laboratory_is_converted_too(self):
        ranges = [{"high": quantity(0.04, "ng/mL"), "type": concept("x", "normal")}]
        found = observation("6598-7", quantity(0.05, "ng/mL"), referenceRange=ranges)
        assert reading("troponin", found).value == 50
        assert reading("troponin", found).upper_reference == 40
        assert reading("troponin", found).note == "LOINC 6598-7"

    def test_a_limit_without_a_unit_has_that_of_the_value(self):
        found = observation("2157-6", quantity(100, "U/L"), referenceRange=[{"high": {"value": 200}}])
        assert reading("ck", found).upper_reference == 200

    def test_ranges_that_were_met_before_mean_the_same_and_do_not_fill_the_memory(self):
        known = observed().by_alias["ck"].conversion.looked_into
        for high in (*range(100, 1300), 150):
            ranges = [{"high": quantity(high, "U/L")}]
            found = observation("2157-6", quantity(100, "U/L"), referenceRange=ranges)
            assert reading("ck", found).upper_reference == high
        assert len(known) <= 200

    def test_a_therapeutic_range_is_no_upper_limit(self):
        ranges = [{"high": {"value": 3}, "type": concept("x", "therapeutic")}]
        assert (
            reading("inr", observation("6301-6", quantity(2.5, "{INR}"), referenceRange=ranges)).upper_reference is None
        )

    def test_steps_without_a_day_in_the_unit_need_a_day_in_the_period(self):
        walk = {"start": "2026-11-24T10:00:00+11:00", "end": "2026-11-24T11:00:00+11:00"}
        day = {"start": "2026-11-24T00:00:00+11:00", "end": "2026-11-25T00:00:00+11:00"}
        made = [
            observation("41950-7", quantity(5000, "{steps}"), effectiveDateTime=None, effectivePeriod=period)
            for period in (walk, day)
        ]
        assert fault(made[0]) == ("steps", "unit")
        assert reading("steps", made[1]).value == 5000
        assert reading("steps", observation("41950-7", quantity(5000, "{steps}/d"))).value == 5000


class TestValues:
    def test_a_comparator_is_kept(self):
        found = reading("troponin", observation("67151-1", quantity(10, "ng/L", comparator="<")))
        assert (found.value, found.comparator) == (10, "<")

    def test_an_unknown_comparator_is_a_fault(self):
        assert fault(observation("777-3", quantity(10, "10*9/L", comparator="ad"))) == ("platelets", "unit")

    def test_data_absent_is_a_fault_not_a_value(self):
        absent = observation("777-3", dataAbsentReason=concept("x", "unknown"))
        assert fault(absent) == ("platelets", "missing")

    def test_a_text_is_refused(self):
        assert fault(observation("89247-1", valueString="1")) == ("ecog", "unit")

    @pytest.mark.parametrize(
        "value",
        [
            {"valueInteger": 2},
            {"valueQuantity": quantity(2, "{score}")},
            {"valueQuantity": {"value": 2}},
            {"valueCodeableConcept": concept(LOINC, "LA9624-3")},
        ],
    )
    def test_ecog_comes_in_three_shapes(self, value):
        assert reading("ecog", observation("89247-1", **value)).value == 2

    @pytest.mark.parametrize("value", [{"valueInteger": 7}, {"valueQuantity": quantity(1.5, "{score}")}])
    def test_an_ecog_that_does_not_exist_is_implausible(self, value):
        assert fault(observation("89247-1", **value)) == ("ecog", "implausible")

    def test_a_coded_answer_that_is_not_in_the_table_is_refused(self):
        assert fault(observation("89247-1", valueCodeableConcept=concept(LOINC, "LA1-1"))) == ("ecog", "unit")

    def test_an_integer_cannot_stand_for_a_value_with_a_unit(self):
        assert fault(observation("777-3", valueInteger=150)) == ("platelets", "unit")

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ({"valueBoolean": True}, True),
            ({"valueBoolean": False}, False),
            ({"valueCodeableConcept": concept(LOINC, "LA33-6")}, True),
            ({"valueCodeableConcept": concept(SNOMED, "373067005")}, False),
            ({"valueInteger": 0}, False),
            ({"valueInteger": 2}, True),
        ],
    )
    def test_a_safety_answer_comes_as_observation_too(self, value, expected):
        assert reading("chest-pain", local_observation("chest-pain", **value)).value is expected

    def test_an_answer_that_is_neither_yes_nor_no_is_unanswered(self):
        found = local_observation("fever", valueCodeableConcept=concept(SNOMED, "261665006"))
        assert fault(found) == ("fever", "unanswered")

    def test_numbness_as_a_grade_is_its_own_input(self):
        assert reading("ctcae_neuropathy", local_observation("numbness", valueInteger=2)).value == 2
        assert reading("numbness", local_observation("numbness", valueBoolean=True)).value is True

    def test_self_rated_health_is_turned_round(self):
        assert reading("self_rated_health", observation("61577-3", valueInteger=5)).value == 1

    def test_pregnancy_unknown_is_no_answer(self):
        code = "82810-3"
        assert reading("pregnancy", observation(code, valueCodeableConcept=concept(SNOMED, "77386006"))).value is True
        assert snapshot_with(observation(code, valueCodeableConcept=concept(SNOMED, "261665006"))).values == {}

    @pytest.mark.parametrize(
        "broken",
        [
            {"valueQuantity": "150"},
            {"valueQuantity": {"value": "150"}},
            {"valueInteger": 2**80},
            {"valueBoolean": "yes"},
            {"referenceRange": 7, "valueQuantity": PLATELETS},
            {"effectiveDateTime": None, "effectivePeriod": 7, "valueQuantity": PLATELETS},
        ],
    )
    def test_a_value_of_a_wrong_type_is_a_fault_of_its_input(self, broken):
        found = snapshot_with(observation("777-3", **broken), observation("718-7", quantity(12, "g/dL"), id_="o2"))
        assert found.latest("platelets") is None
        assert len(found.faults) == 1
        assert found.latest("hb").value == 120


class TestPanels:
    PARTS = (
        {"code": concept(LOINC, "8480-6"), "valueQuantity": quantity(120, "mm[Hg]")},
        {"code": concept(LOINC, "8462-4"), "valueQuantity": quantity(80, "mm[Hg]")},
    )

    @pytest.mark.parametrize("panel", ["85354-9", "55284-4"])
    def test_blood_pressure_is_read_from_its_components(self, panel):
        found = snapshot_with(observation(panel, component=list(self.PARTS)))
        assert found.latest("sbp").value == 120
        assert found.latest("dbp").value == 80
        assert found.latest("sbp").source == "Observation/obs-1"
        assert found.faults == ()

    def test_a_pressure_whose_halves_are_swapped_is_refused(self):
        swapped = [self.PARTS[0] | {"valueQuantity": quantity(70, "mm[Hg]")}, self.PARTS[1]]
        found = snapshot_with(observation("85354-9", component=swapped))
        assert not found.series("sbp")
        assert not found.series("dbp")
        assert found.faults[0].input == "bp"

    def test_a_broken_component_costs_its_panel_only(self):
        found = snapshot_with(observation("85354-9", component=[7]), observation("777-3", PLATELETS, id_="o2"))
        assert found.latest("platelets").value == 150
        assert len(found.faults) == 1

    def test_members_inside_a_panel_have_its_time(self):
        inner = {
            "resourceType": "Observation",
            "id": "m1",
            "status": "final",
            "code": concept(LOINC, "777-3"),
            "valueQuantity": PLATELETS,
        }
        found = observation("58410-2", contained=[inner], hasMember=[{"reference": "#m1"}])
        assert reading("platelets", found).when.day == "2026-11-25"
        assert reading("platelets", found).source == "Observation/obs-1#m1"

    def test_oxygen_flow_beside_a_saturation_is_its_own_input(self):
        flow = {"code": concept(LOINC, "3151-8"), "valueQuantity": quantity(2, "L/min")}
        found = snapshot_with(observation("59408-5", quantity(94, "%"), component=[flow]))
        assert found.latest("o2_flow").value == 2
        assert found.latest("spo2").value == 94


class TestResting:
    VITAL = (
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]},
    )

    def heart_rate(self, code: str = "8867-4", /, **fields):
        return reading("hr_rest", observation(code, quantity(72, "/min"), **fields))

    def test_a_clinic_vital_sign_is_at_rest(self):
        assert self.heart_rate(category=list(self.VITAL)).value == 72

    def test_without_a_category_nobody_knows(self):
        assert self.heart_rate() is None

    def test_in_an_activity_it_is_not_at_rest(self):
        assert self.heart_rate(category=[*self.VITAL, concept("x", "activity")]) is None

    def test_a_wearable_is_not_the_clinic(self):
        assert self.heart_rate(category=list(self.VITAL), device={"reference": "Device/watch"}) is None

    @pytest.mark.parametrize("code", ["40443-4", "68999-2", "69000-8"])
    def test_codes_that_say_at_rest_need_no_category(self, code):
        assert self.heart_rate(code).value == 72

    def test_a_resting_code_beside_the_general_one_decides(self):
        code = {"coding": [{"system": LOINC, "code": "8867-4"}, {"system": LOINC, "code": "40443-4"}]}
        assert self.heart_rate(code=code).value == 72

    def test_the_resting_pulse_of_a_wearable_is_its_own_input(self):
        found = snapshot_with(observation("40443-4", quantity(58, "/min"), device={"reference": "Device/watch"}))
        assert found.latest("hr_rest") is None
        assert found.latest("hr_rest_d").value == 58

    def test_nor_is_one_in_an_activity_record_the_clinics(self):
        found = snapshot_with(observation("40443-4", quantity(58, "/min"), category=[concept("x", "activity")]))
        assert set(found.values) == {"hr_rest_d"}

    @pytest.mark.parametrize("code", ["11328-2", "89276-0"])
    def test_values_in_exercise_or_at_arrival_are_never_resting(self, code):
        found = snapshot_with(observation(code, quantity(88, "%")))
        assert not found.series("spo2")
        assert not found.series("hr_rest")


class TestWhoSaysIt:
    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({}, False),
            ({"performer": [{"reference": "Practitioner/1"}]}, False),
            ({"performer": [{"reference": f"Patient/{PATIENT}"}]}, True),
            ({"performer": [{"reference": "RelatedPerson/1"}]}, True),
            ({"performer": [{"reference": "Practitioner/1"}, {"reference": f"Patient/{PATIENT}"}]}, False),
            ({"device": {"reference": "Device/1"}}, True),
            ({"device": {"reference": "Device/1"}, "performer": [{"reference": "Practitioner/1"}]}, False),
        ],
    )
    def test_patient_and_device_are_told_from_the_clinic(self, fields, told):
        assert reading("weight", observation("29463-7", quantity(70, "kg"), **fields)).patient_reported is told


class TestSeries:
    def days(self, code: str, unit: str, count: int, step: int = 1, **fields):
        return [
            observation(
                code,
                quantity(50 + n % 30, unit),
                id_=f"{code}-{n}",
                effectiveDateTime=(AS_OF - timedelta(days=n * step, hours=1)).isoformat(),
                **fields,
            )
            for n in range(count)
        ]

    def test_weight_reaches_back_over_the_half_year_that_rules_look_at(self):
        series = snapshot_with(*self.days("29463-7", "kg", 300)).series("weight")
        assert (AS_OF - series[-1].when.latest).days >= 214

    def test_heights_and_albumins_reach_no_further_than_the_values_they_stand_beside(self):
        read = snapshot_with(
            *self.days("29463-7", "kg", 300), *self.days("8302-2", "[in_i]", 300), *self.days("1751-7", "g/L", 300)
        )
        assert (AS_OF - read.series("height")[-1].when.latest).days <= 6
        assert (AS_OF - read.series("albumin")[-1].when.latest).days > 90, "no calcium is on file to end it"

    @given(st.data())
    def test_what_is_worked_out_of_two_inputs_is_the_same_as_with_all_their_values(self, data):
        made = []
        for code, unit, low, high in (
            ("29463-7", "kg", 40, 90), ("8302-2", "cm", 150, 190),
            ("17861-6", "mg/dL", 7, 12), ("1751-7", "g/L", 20, 45),
        ):  # fmt: skip
            for n, hours in enumerate(data.draw(st.lists(st.integers(1, 24 * 130), max_size=7, unique=True))):
                fields = {"effectiveDateTime": (AS_OF - timedelta(hours=hours)).isoformat(), "id_": f"{code}-{n}"}
                fields["status"] = data.draw(st.sampled_from(("final", "final", "final", "preliminary")))
                value = quantity(data.draw(st.integers(low, high)), unit)
                made.append(observation(code, value, **fields))
        assume(all(one["status"] == "final" for one in made if one["id"].startswith("8302-2")))
        short = snapshot_with(*made)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(observations, "_BESIDE", {})
            whole = snapshot_with(*made)
        for alias in ("bmi", "ca_corr"):
            assert short.series(alias) == whole.series(alias)

    def test_other_values_end_with_the_one_before(self):
        assert len(snapshot_with(*self.days("777-3", "10*9/L", 300, step=4)).series("platelets")) == 2

    def test_a_result_that_comes_twice_is_read_once(self):
        twice = observation("777-3", PLATELETS), observation("777-3", PLATELETS)
        assert len(snapshot_with(*twice).series("platelets")) == 1

    def test_all_values_of_the_newest_day_are_kept(self):
        made = [
            observation(
                "777-3", quantity(90 + n, "10*9/L"), id_=f"o{n}", effectiveDateTime=f"2026-11-25T0{n}:00:00+11:00"
            )
            for n in range(6)
        ]
        assert len(snapshot_with(*made).series("platelets")) == 6

    def test_preliminary_values_never_hide_the_newest_final_one(self):
        newer = self.days("777-3", "10*9/L", 5, status="preliminary")
        older = observation("777-3", quantity(8, "10*9/L"), id_="old", effectiveDateTime="2026-10-01")
        series = snapshot_with(*newer, older).series("platelets")
        assert [one.value for one in series if one.status == "final"] == [8]

    def test_readings_of_the_patient_never_hide_the_newest_of_the_clinic(self):
        told = {"performer": [{"reference": f"Patient/{PATIENT}"}]}
        newer = self.days("8480-6", "mm[Hg]", 6, **told)
        older = observation("8480-6", quantity(190, "mm[Hg]"), id_="old", effectiveDateTime="2026-10-01")
        assert any(not one.patient_reported for one in snapshot_with(*newer, older).series("sbp"))

    def test_faults_of_old_values_are_not_told(self):
        fresh = observation("777-3", PLATELETS)
        old = observation("777-3", quantity(5, "%"), id_="old", effectiveDateTime="2020-01-01")
        older = observation("777-3", PLATELETS, id_="older", effectiveDateTime="2021-01-01")
        assert snapshot_with(fresh, older, old).faults == ()

    def test_the_same_fault_again_and_again_is_told_a_few_times(self):
        assert 0 < len(snapshot_with(*self.days("777-3", "%", 50)).faults) <= 5


def test_codes_of_our_own_system_are_read_from_no_other():
    assert snapshot_with(observation("fatigue-nrs", valueInteger=5)).values == {}
    assert reading("fatigue_nrs", observation("fatigue-nrs", system=STRIDE_OBSERVATIONS, valueInteger=5)).value == 5


def test_a_number_beyond_all_numbers_costs_its_observation_only():
    body = bundle(
        patient(), observation("777-3", quantity(77777, "10*9/L")), observation("718-7", quantity(12, "g/dL"), id_="o2")
    )
    chart = read_chart([Part("labs", body.replace(b"77777", b"1e400"))], patient_id=PATIENT)
    found = snapshot_from(chart, as_of=AS_OF)
    assert found.latest("hb").value == 120
    assert found.latest("platelets") is None
    assert len(found.faults) == 1


@pytest.mark.parametrize(
    ("issued", "there"),
    [
        ("2026-11-25T14:29:59+11:00", True),
        ("2026-11-25T14:29:59.500+11:00", True),
        ("2026-11-25T15:29:00+11:00", True),  # within the hour that two clocks may differ
        ("2026-11-25T15:31:00+11:00", False),
        ("2026-11-25T04:29:00Z", True),
        ("2026-11-25T04:31:00Z", False),
        ("2026-11-24T17:31:00-11:00", False),
        ("2026-11-24T12:00:00-12:00", True),
        ("2026-11-25T17:00:00+14:00", True),
        ("2026-11-25T18:31:00+14:00", False),
    ],
)
def test_a_result_counts_from_the_moment_it_was_issued_in_any_zone(issued, there):
    assert (reading("platelets", observation("777-3", PLATELETS, issued=issued)) is not None) is there


class TestPhysicalActivity:
    """HL7 Physical Activity 1.0.1, profiles of observations."""

    def test_the_exercise_vital_sign(self):
        made = [
            observation("89555-7", quantity(3, "d/wk"), id_="d", effectiveDateTime="2026-11-24"),
            observation("68516-4", quantity(30, "min/d"), id_="m", effectiveDateTime="2026-11-24"),
            observation("82291-6", quantity(1, "d/wk"), id_="s", effectiveDateTime="2026-11-24"),
        ]
        found = snapshot_with(*made)
        values = [found.latest(alias).value for alias in ("evs_days", "evs_min_day", "evs_min_week", "evs_strength")]
        assert values == [3, 30, 90, 1]

    def test_whole_numbers_without_a_unit_are_not_guessed(self):
        assert fault(observation("82290-8", valueInteger=90)) == ("evs_min_week", "unit")

    def test_how_a_session_felt_is_a_code(self):
        system = "http://hl7.org/fhir/us/physical-activity/CodeSystem/pa-temporary-codes"
        made = observation("Experience", system=system, valueCodeableConcept=concept(system, "-3"))
        assert reading("experience", made).value == "-3"
