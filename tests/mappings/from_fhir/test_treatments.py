"""mappings/from_fhir/treatments.py and value_sets/drugs.yaml"""

from __future__ import annotations

import pytest

from mappings.codes import drugs
from tests.mappings.charts import ATC, RXNORM, SNOMED, concept, facts, order, resource, snapshot_with


def given(code: str, /, **fields):
    made = {
        "status": "completed",
        "medicationCodeableConcept": concept(RXNORM, code),
        "effectiveDateTime": "2026-11-20T10:00:00+11:00",
    }
    return resource("MedicationAdministration", "adm-1", **(made | fields))


class TestDrugs:
    @pytest.mark.parametrize(
        ("system", "code", "name", "sets"),
        [
            (RXNORM, "3639", "doxorubicin", {"vs.anthracycline", "vs.cytotoxic"}),
            (RXNORM, "1790099", "doxorubicin", {"vs.anthracycline", "vs.cytotoxic"}),
            (RXNORM, "56946", "paclitaxel", {"vs.neurotoxic", "vs.cytotoxic"}),
            (RXNORM, "583214", "paclitaxel", {"vs.neurotoxic", "vs.cytotoxic"}),
            (RXNORM, "1736854", "cisplatin", {"vs.neurotoxic", "vs.cytotoxic"}),
            (RXNORM, "309311", "cisplatin", {"vs.neurotoxic", "vs.cytotoxic"}),
            (RXNORM, "1736776", "oxaliplatin", {"vs.neurotoxic", "vs.cytotoxic"}),
            (RXNORM, "1860480", "docetaxel", {"vs.neurotoxic", "vs.cytotoxic"}),
            (RXNORM, "226719", "etoposide", {"vs.cytotoxic"}),
            (RXNORM, "224905", "trastuzumab", {"vs.her2"}),
            (RXNORM, "1547545", "pembrolizumab", {"vs.ici"}),
            (RXNORM, "84857", "anastrozole", {"vs.hormonal"}),
            (RXNORM, "752899", "leuprolide", {"vs.hormonal"}),
            (RXNORM, "866414", "metoprolol", {"vs.rate_limiting_drug"}),
            (RXNORM, "11289", "warfarin", {"vs.anticoag"}),
            (RXNORM, "1803932", None, set()),  # leucovorin: supportive, looks like chemotherapy
            (ATC, "L01CD01", "paclitaxel", {"vs.neurotoxic", "vs.cytotoxic"}),
            (ATC, "L01BC59", "", {"vs.cytotoxic"}),
            (ATC, "L01DB99", "", {"vs.cytotoxic", "vs.anthracycline"}),
            (ATC, "L01FF99", "", {"vs.ici"}),
            (ATC, "L01XC17", "nivolumab", {"vs.ici"}),
            (ATC, "B01AC06", "", set()),  # aspirin is no anticoagulant
            (ATC, "B01AA99", "", {"vs.anticoag"}),
            (ATC, "A10AE04", "insulin", {"vs.insulin"}),
            (ATC, "L02BG99", "", {"vs.hormonal"}),
            (ATC, "N02BE01", None, set()),
        ],
    )
    def test_by_ingredient_product_and_group(self, system, code, name, sets):
        found = drugs().of(system, code)
        assert (found.name if found else None) == name
        assert set(found.value_sets if found else ()) == sets

    def test_a_drug_code_of_another_system_is_another_thing(self):
        assert drugs().of(SNOMED, "3639") is None

    def test_no_code_means_two_drugs(self):
        named: dict[str, str] = {}
        for code, drug in [*drugs().rxnorm.items(), *drugs().atc.items()]:
            assert named.setdefault(code, drug.name) == drug.name

    def test_a_fact_appears_once_in_each_of_its_sets(self):
        found = snapshot_with(given("56946"))
        assert set(found.facts) == {"vs.neurotoxic", "vs.cytotoxic"}
        assert found.facts["vs.cytotoxic"][0].details["drug"] == "paclitaxel"


class TestAdministrations:
    def test_a_dose_carries_its_day(self):
        found = facts("vs.cytotoxic", given("56946"))[0]
        assert (found.kind, found.start.day, found.source) == (
            "administration",
            "2026-11-20",
            "MedicationAdministration/adm-1",
        )

    @pytest.mark.parametrize("status", ["not-done", "entered-in-error"])
    def test_what_was_not_given_is_ignored(self, status):
        assert facts("vs.cytotoxic", given("56946", status=status)) == []

    def test_an_infusion_that_was_stopped_was_given_in_part(self):
        assert facts("vs.cytotoxic", given("56946", status="stopped"))[0].confirmed

    def test_a_period_is_read(self):
        period = {"start": "2026-11-20", "end": "2026-11-21"}
        found = facts("vs.cytotoxic", given("56946", effectiveDateTime=None, effectivePeriod=period))[0]
        assert (found.start.day, found.end.day) == ("2026-11-20", "2026-11-21")

    def test_a_dose_of_a_later_day_is_not_there_yet(self):
        assert facts("vs.cytotoxic", given("56946", effectiveDateTime="2027-06-01")) == []


class TestOrders:
    def test_an_active_order(self):
        found = facts("vs.cytotoxic", order("56946"))[0]
        assert (found.kind, found.state, found.start.day) == ("order", "active", "2026-11-20")

    @pytest.mark.parametrize("status", ["stopped", "completed", "ended"])
    def test_a_stopped_order_is_history_with_its_day(self, status):
        found = facts("vs.cytotoxic", order("1736854", status=status))[0]
        assert (found.state, found.start.day, found.details["status"]) == ("history", "2026-11-20", status)

    @pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
    def test_an_order_that_never_was_is_ignored(self, status):
        assert facts("vs.cytotoxic", order("56946", status=status)) == []

    def test_do_not_perform_is_no_order(self):
        assert facts("vs.cytotoxic", order("56946", doNotPerform=True)) == []

    @pytest.mark.parametrize("fields", [{"status": "draft"}, {"intent": "plan"}, {"intent": "proposal"}])
    def test_a_draft_is_planned(self, fields):
        assert facts("vs.cytotoxic", order("56946", **fields))[0].state == "planned"

    def test_a_first_cycle_ahead_is_planned_for_its_day(self):
        dosage = [{"timing": {"event": ["2026-12-03", "2026-12-24"]}}]
        found = facts("vs.cytotoxic", order("56946", dosageInstruction=dosage))[0]
        assert (found.state, found.start.day) == ("planned", "2026-12-03")

    def test_a_timing_that_has_begun_leaves_the_order_active(self):
        dosage = [{"timing": {"repeat": {"boundsPeriod": {"start": "2026-11-01"}}}}]
        assert facts("vs.cytotoxic", order("56946", dosageInstruction=dosage))[0].state == "active"

    def test_an_order_of_a_later_day_is_not_there_yet(self):
        assert facts("vs.cytotoxic", order("56946", authoredOn="2026-12-20")) == []

    def test_the_intent_of_the_treatment(self):
        url = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-procedure-intent"
        intent = [{"url": url, "valueCodeableConcept": concept(SNOMED, "373808002", "Curative")}]
        assert facts("vs.cytotoxic", order("56946", extension=intent))[0].details["intent"] == "curative"

    def test_an_intent_is_known_by_its_code_alone(self):
        url = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-treatment-intent"
        intent = [{"url": url, "valueCodeableConcept": concept(SNOMED, "363676003")}]
        assert facts("vs.cytotoxic", order("56946", extension=intent))[0].details["intent"] == "palliative"


class TestReferences:
    MEDICATION = {"resourceType": "Medication", "id": "m1", "code": concept(RXNORM, "56946")}  # noqa: RUF012

    def referring(self, reference: str, **fields):
        return order("x", medicationCodeableConcept=None, medicationReference={"reference": reference}, **fields)

    def test_a_contained_medication(self):
        assert facts("vs.cytotoxic", self.referring("#m1", contained=[self.MEDICATION]))

    @pytest.mark.parametrize("reference", ["Medication/m1", "https://ehr.example/fhir/Medication/m1", "urn:uuid:m1"])
    def test_a_medication_of_the_chart(self, reference):
        assert facts("vs.cytotoxic", self.referring(reference), self.MEDICATION)

    def test_its_ingredients_count(self):
        mixed = {
            "resourceType": "Medication",
            "id": "m1",
            "ingredient": [{"itemCodeableConcept": concept(RXNORM, "2555")}],
        }
        assert facts("vs.cytotoxic", self.referring("Medication/m1"), mixed)

    @pytest.mark.parametrize(
        "fields", [{}, {"contained": [7]}, {"contained": [{"resourceType": "Medication", "id": 7}]}]
    )
    def test_a_medication_that_is_nowhere_is_a_fault(self, fields):
        found = snapshot_with(self.referring("#m1", **fields))
        assert [(one.input, one.why) for one in found.faults] == [("medications", "missing")]

    def test_a_known_drug_stands_before_a_mere_group(self):
        both = {"coding": [*concept(ATC, "L01CD")["coding"], *concept(RXNORM, "56946")["coding"]]}
        found = facts("vs.cytotoxic", order("x", medicationCodeableConcept=both))[0]
        assert found.details["drug"] == "paclitaxel"


def test_a_statement_counts_as_an_order():
    made = resource(
        "MedicationStatement",
        "ms1",
        status="active",
        medicationCodeableConcept=concept(RXNORM, "1364430"),
        effectivePeriod={"start": "2026-10-01"},
    )
    found = facts("vs.anticoag", made)[0]
    assert (found.kind, found.state, found.start.day) == ("order", "active", "2026-10-01")
