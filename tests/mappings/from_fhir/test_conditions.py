"""mappings/from_fhir/conditions.py and value_sets/conditions.yaml"""

from __future__ import annotations

import pytest

from mappings.codes import diagnoses, expanded
from tests.mappings.charts import (
    ICD,
    SNOMED,
    concept,
    condition,
    facts,
    snapshot_with,
)


def sets_of(code: str, system: str = ICD) -> set[str]:
    return set(snapshot_with(condition(code, system=system)).facts)


class TestCodes:
    @pytest.mark.parametrize(
        ("code", "sets"),
        [
            ("C50.911", {"vs.cancer"}),
            ("C50911", {"vs.cancer"}),
            ("c50.911", {"vs.cancer"}),
            ("C7A.00", {"vs.cancer"}),
            ("D45", {"vs.cancer", "vs.haem_cancer"}),
            ("D46.9", {"vs.cancer", "vs.haem_cancer"}),
            ("D47.3", {"vs.cancer", "vs.haem_cancer"}),
            ("D47.2", set()),
            ("D05.1", set()),
            ("C97", set()),
            ("C79.51", {"vs.cancer", "vs.cancer_secondary", "vs.bone_mets"}),
            ("C79.31", {"vs.cancer", "vs.cancer_secondary", "vs.brain_tumour"}),
            ("C78.00", {"vs.cancer", "vs.cancer_secondary"}),
            ("C90.01", {"vs.cancer", "vs.bone_mets", "vs.haem_cancer"}),
            ("Z85.3", {"vs.cancer_history"}),
            ("M84.58XA", {"vs.bone_mets", "vs.path_fracture"}),
            ("O9A.1", {"vs.pregnant"}),
            ("O00.1", {"vs.pregnant"}),
            ("I26.99", {"vs.pe"}),
            ("I82.A11", {"vs.dvt"}),
            ("E10.649", {"vs.diabetes", "vs.hypo"}),
            ("E11.10", {"vs.diabetes", "vs.dka"}),
            ("I50.21", {"vs.hf", "vs.hf_acute"}),
            ("G62.0", {"vs.neuropathy"}),
            ("J10.1", {"vs.acute_infection"}),
            ("H60.9", set()),
            ("Z51.5", {"vs.hospice"}),
        ],
    )
    def test_icd_codes_by_prefix_with_and_without_dot(self, code, sets):
        assert sets_of(code) == sets

    @pytest.mark.parametrize(
        ("code", "sets"),
        [
            ("109838007", {"vs.cancer"}),
            ("363406005", {"vs.cancer"}),
            ("94260004", {"vs.cancer", "vs.cancer_secondary"}),
            ("126906006", {"vs.cancer"}),
            ("92691004", {"vs.cancer"}),
            ("424132000", {"vs.cancer"}),
            ("353431000119107", {"vs.cancer"}),
            ("92814006", {"vs.cancer", "vs.haem_cancer"}),
            ("94222008", {"vs.cancer", "vs.cancer_secondary", "vs.bone_mets"}),
            ("94225005", {"vs.cancer", "vs.cancer_secondary", "vs.brain_tumour"}),
            ("109989006", {"vs.cancer", "vs.bone_mets", "vs.haem_cancer"}),
            ("162573006", set()),  # suspected lung cancer is a suspicion
            ("68496003", set()),  # polyp
            ("713197008", set()),
            ("88805009", {"vs.hf"}),
            ("443165006", {"vs.path_fracture", "vs.osteoporosis"}),
            ("197927001", set()),
        ],
    )
    def test_snomed_codes_are_listed_one_by_one(self, code, sets):
        assert sets_of(code, SNOMED) == sets

    def test_a_code_of_another_system_is_another_thing(self):
        assert sets_of("C50", "urn:site:codes") == set()

    @pytest.mark.parametrize("system", ["http://hl7.org/fhir/sid/icd-10", "urn:oid:2.16.840.1.113883.6.90"])
    def test_other_names_of_icd_10_are_known(self, system):
        assert sets_of("C50.9", system) == {"vs.cancer"}

    def test_two_codings_of_one_condition_are_one_fact(self):
        code = {"coding": [*concept(SNOMED, "254837009")["coding"], *concept(ICD, "C50.9")["coding"]]}
        assert len(facts("vs.cancer", condition("x", code=code))) == 1

    def test_icd_codes_reach_the_rules_in_one_spelling(self):
        assert {facts("vs.pe", condition(code))[0].code for code in ("I2699", "i26.99", "I26.99")} == {"I26.99"}

    def test_a_snomed_code_tells_its_icd_code_where_rules_look_at_a_part_of_a_set(self):
        assert facts("vs.diabetes", condition("46635009", system=SNOMED))[0].details["icd10"] == "E10"
        assert "icd10" not in facts("vs.diabetes", condition("E10.9"))[0].details

    def test_what_two_codes_say_alike_lies_in_the_same_sets(self):
        table = diagnoses()
        for code, same in table.same_as.items():
            assert set(table.sets_of(SNOMED, code)) & set(table.sets_of(ICD, same)), (code, same)

    def test_ranges_are_written_out(self):
        assert list(expanded("C00-C03")) == ["C00", "C01", "C02", "C03"]
        assert list(expanded("C79.51")) == ["C7951"]

    def test_every_set_of_the_rules_has_codes(self):
        named = set(diagnoses().prefixes.values()) | set(diagnoses().snomed.values())
        names = {name for names in named for name in names}
        for name in ("vs.cancer", "vs.bone_mets", "vs.pe", "vs.dvt", "vs.stoma", "vs.falls", "vs.low_pa", "vs.gvhd"):
            assert name in names


class TestStatus:
    @pytest.mark.parametrize("status", ["refuted", "entered-in-error", "differential"])
    def test_what_is_not_so_is_ignored(self, status):
        assert facts("vs.cancer", condition("C50.9", verificationStatus=status)) == []

    @pytest.mark.parametrize("status", ["provisional", "unconfirmed"])
    def test_what_is_doubtful_is_marked(self, status):
        assert not facts("vs.cancer", condition("C50.9", verificationStatus=status))[0].confirmed

    def test_without_any_status_it_is_active_and_confirmed(self):
        found = facts("vs.cancer", condition("C50.9", verificationStatus=None, clinicalStatus=None))[0]
        assert (found.state, found.confirmed) == ("active", True)

    @pytest.mark.parametrize("status", ["active", "recurrence", "relapse"])
    def test_active(self, status):
        assert facts("vs.cancer", condition("C50.9", clinicalStatus=status))[0].state == "active"

    @pytest.mark.parametrize("status", ["inactive", "remission", "resolved"])
    def test_history(self, status):
        assert facts("vs.cancer", condition("C50.9", clinicalStatus=status))[0].state == "history"

    @pytest.mark.parametrize(
        "fields", [{"abatementBoolean": True}, {"abatementString": "long ago"}, {"abatementAge": {"value": 50}}]
    )
    def test_an_abatement_without_a_status_is_history(self, fields):
        assert facts("vs.pe", condition("I26.9", clinicalStatus=None, **fields))[0].state == "history"

    def test_a_history_code_is_history_whatever_its_status(self):
        assert facts("vs.cancer_history", condition("Z85.3"))[0].state == "history"
        assert facts("vs.mi", condition("399211009", system=SNOMED))[0].state == "history"
        assert facts("vs.radiotherapy", condition("Z92.3"))[0].state == "history"
        assert facts("vs.radiotherapy", condition("Z51.0"))[0].state == "active"


class TestTime:
    def test_onset_and_source_are_carried(self):
        found = facts("vs.cancer", condition("C50.9", id_="c9", onsetDateTime="2026-10"))[0]
        assert (found.source, found.start.day, found.start.earliest.day) == ("Condition/c9", "2026-10-31", 1)

    @pytest.mark.parametrize("onset", [None, "around Easter"])
    def test_the_day_of_recording_stands_in_and_is_uncertain(self, onset):
        found = facts("vs.cancer", condition("C50.9", onsetDateTime=onset, recordedDate="2026-05-06"))[0]
        assert (found.start.day, found.start.certain) == ("2026-05-06", False)

    def test_without_any_date_the_start_is_unknown(self):
        assert facts("vs.cancer", condition("C50.9", onsetDateTime=None))[0].start is None

    def test_an_onset_period_counts_from_its_start(self):
        period = {"start": "2026-03-01", "end": "2026-04-01"}
        found = facts("vs.cancer", condition("C50.9", onsetDateTime=None, onsetPeriod=period))[0]
        assert found.start.day == "2026-03-01"

    def test_what_was_recorded_later_is_not_there_yet(self):
        assert facts("vs.cancer", condition("C50.9", recordedDate="2026-11-27")) == []

    def test_what_began_later_is_not_there_yet(self):
        later = condition("C50.9", onsetDateTime="2027-05-01", recordedDate="2027-05-01")
        assert facts("vs.cancer", later) == []
        assert snapshot_with(later).faults == ()

    def test_what_is_on_file_and_dated_ahead_is_kept_and_named(self):
        odd = condition("C79.51", onsetDateTime="2027-05-01", recordedDate="2026-05-01")
        assert facts("vs.bone_mets", odd)[0].start.day == "2027-05-01"
        assert snapshot_with(odd).faults[0].why == "conflict"

    def test_an_end_after_the_day_has_not_come_yet(self):
        resolved = condition("I26.9", clinicalStatus="resolved", abatementDateTime="2027-01-01")
        found = facts("vs.pe", resolved)[0]
        assert (found.state, found.end) == ("active", None)

    def test_an_end_before_the_day_is_history(self):
        resolved = condition("I26.9", clinicalStatus="active", abatementDateTime="2026-10-01")
        found = facts("vs.pe", resolved)[0]
        assert (found.state, found.end.day) == ("history", "2026-10-01")

    def test_the_newest_comes_first_and_the_undated_last(self):
        made = [
            condition("I26.9", id_="old", onsetDateTime="2020"),
            condition("I26.9", id_="none", onsetDateTime=None),
            condition("I26.9", id_="new", onsetDateTime="2026-11-20"),
        ]
        assert [one.source for one in facts("vs.pe", *made)] == ["Condition/new", "Condition/old", "Condition/none"]


class TestTogether:
    def test_neutropenia_with_fever_is_febrile_neutropenia(self):
        both = [condition("D70.1", id_="a"), condition("R50.81", id_="b")]
        assert len(facts("vs.febrile_neutropenia", *both)) == 1
        assert facts("vs.febrile_neutropenia", both[0]) == []
        assert facts("vs.febrile_neutropenia", both[1]) == []

    def test_not_when_one_of_them_is_over(self):
        over = condition("D70.1", id_="a", clinicalStatus="resolved")
        assert facts("vs.febrile_neutropenia", over, condition("R50.81", id_="b")) == []

    def test_the_parts_are_no_value_sets(self):
        assert not [name for name in snapshot_with(condition("D70.1")).facts if name.startswith("part.")]

    def test_cirrhosis_with_ascites_is_decompensated(self):
        assert facts("vs.cirrhosis_decomp", condition("K74.60"), condition("R18.8", id_="b"))


class TestSites:
    def test_a_metastasis_with_a_bone_site_is_a_bone_metastasis(self):
        found = facts(
            "vs.bone_mets", condition("128462008", system=SNOMED, bodySite=[concept(SNOMED, "71341001", "Femur")])
        )
        assert found[0].details["body_site"] == "femur"

    def test_a_metastasis_in_the_brain(self):
        assert facts("vs.brain_tumour", condition("C79.9", bodySite=[concept(SNOMED, "12738006")]))

    def test_a_primary_with_a_bone_site_is_no_metastasis(self):
        assert facts("vs.bone_mets", condition("C40.2", bodySite=[concept(SNOMED, "71341001")])) == []

    def test_a_site_that_we_do_not_know_is_shown_as_the_chart_calls_it(self):
        found = facts("vs.cancer", condition("C50.9", bodySite=[concept(SNOMED, "1", "Left elbow")]))[0]
        assert found.details["body_site"] == "Left elbow"

    def test_severity(self):
        found = facts("vs.neuropathy", condition("G62.0", severity=concept(SNOMED, "24484000")))[0]
        assert found.details["severity"] == "severe"


def test_invisible_characters_are_not_shown():
    code = concept(SNOMED, "363406005", "Malignant tumor of\u200b colon")
    assert facts("vs.cancer", condition("x", code=code))[0].display == "Malignant tumor of colon"
