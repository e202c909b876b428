"""mappings/bundle.py"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import ClassVar

import pytest

from mappings.bundle import Part, chart_of_bundle, read_chart
from mappings.errors import ForeignPatient, MappingError, UnreadableChart
from mappings.structs import Condition, Observation
from tests.mappings.charts import (
    PATIENT,
    bundle,
    chart_with,
    condition,
    observation,
    patient,
    quantity,
    resource,
    snapshot_with,
)

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}


def read(**bodies: object):
    parts = [Part(key, json.dumps(body).encode()) for key, body in bodies.items()]
    return read_chart(parts, patient_id=PATIENT)


class TestTheStatesOfAnAnswer:
    """CH-P4, CH-P5"""

    def test_null_is_looked_and_found_nothing(self):
        chart = read(conditions=None)
        assert chart.of(Condition) == []
        assert chart.unread == frozenset()

    def test_an_empty_bundle_is_nothing_found(self):
        assert read(conditions={"resourceType": "Bundle", "type": "searchset"}).unread == frozenset()

    def test_a_resource_is_read(self):
        assert read(patient=patient()).patient.gender == "female"

    def test_a_bundle_is_read(self):
        chart = read_chart([Part("conditions", bundle(condition("C50.9")))], patient_id=PATIENT)
        assert [one.id for one in chart.of(Condition)] == ["cond-1"]

    def test_an_operation_outcome_is_unread_not_no_disease(self):
        assert read(conditions=OUTCOME).unread == {"conditions"}

    def test_an_error_inside_a_searchset_makes_its_key_unread(self):
        chart = read_chart([Part("labs", bundle(observation("777-3"), OUTCOME))], patient_id=PATIENT)
        assert chart.unread == {"labs"}
        assert len(chart.of(Observation)) == 1

    def test_advice_inside_a_searchset_changes_nothing(self):
        advice = {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "warning", "code": "not-supported"}],
        }
        assert read_chart([Part("labs", bundle(advice))], patient_id=PATIENT).unread == frozenset()


class TestPages:
    """CH-P8"""

    NEXT: ClassVar = {"link": [{"relation": "self", "url": "a"}, {"relation": "next", "url": "https://ehr/page/2"}]}

    def test_the_next_page_is_named(self):
        chart = read_chart([Part("labs", bundle(**self.NEXT))], patient_id=PATIENT)
        assert chart.next_links == {"labs": "https://ehr/page/2"}

    def test_a_page_that_was_read_is_no_longer_missing(self):
        pages = [Part("labs", bundle(observation("777-3"), **self.NEXT))]
        pages.append(Part("labs", bundle(observation("718-7", id_="obs-2"))))
        chart = read_chart(pages, patient_id=PATIENT)
        assert chart.next_links == {}
        assert len(chart.of(Observation)) == 2

    def test_a_page_that_is_missing_makes_the_snapshot_partial(self):
        from mappings.from_fhir.snapshot import snapshot_from
        from tests.mappings.charts import AS_OF

        chart = read_chart([Part("labs", bundle(**self.NEXT))], patient_id=PATIENT)
        assert snapshot_from(chart, as_of=AS_OF).unread == {"labs"}

    def test_a_resource_that_two_queries_bring_is_there_once(self):
        parts = [Part(key, bundle(observation("777-3", quantity(200, "10*9/L")))) for key in ("labs", "vitals")]
        assert len(read_chart(parts, patient_id=PATIENT).of(Observation)) == 1


class TestWhoseResource:
    @pytest.mark.parametrize(
        "reference",
        ["Patient/other", "https://ehr.example/fhir/Patient/other", "urn:uuid:other", "Patient/other/_history/2"],
    )
    @pytest.mark.parametrize("make", [lambda s: condition("C50.9", subject=s), lambda s: observation("1", subject=s)])
    def test_a_resource_of_another_patient_refuses_the_chart(self, reference, make):
        with pytest.raises(ForeignPatient):
            chart_with(make({"reference": reference}))

    def test_a_broken_resource_of_another_patient_refuses_it_too(self):
        with pytest.raises(ForeignPatient):
            chart_with(condition("C50.9", subject={"reference": "Patient/other"}, code=7))

    def test_a_second_patient_refuses_the_chart(self):
        with pytest.raises(ForeignPatient):
            read_chart([Part("patient", json.dumps(patient(id="other")).encode())], patient_id=PATIENT)

    @pytest.mark.parametrize(
        "reference",
        [
            f"Patient/{PATIENT}",
            f"https://ehr.example/fhir/Patient/{PATIENT}",
            f"Patient/{PATIENT}/_history/3",
            f"urn:uuid:{PATIENT}",
        ],
    )
    def test_every_way_to_name_our_patient_is_understood(self, reference):
        found = chart_with(
            condition("C50.9", subject={"reference": reference}),
            observation("777-3", subject={"reference": reference}),
        )
        assert len(found.of(Condition)) == len(found.of(Observation)) == 1

    @pytest.mark.parametrize("subject", [{"display": "Somebody"}, {"reference": "Group/7"}, {}])
    def test_a_resource_that_does_not_say_whose_it_is_becomes_a_fault(self, subject):
        chart = chart_with(condition("C50.9", subject=subject))
        assert chart.of(Condition) == []
        assert chart.faults[0].source == "Condition/cond-1"

    def test_the_error_holds_no_patient_data(self):
        with pytest.raises(ForeignPatient) as caught:
            chart_with(condition("C50.9", subject={"reference": "Patient/1960-05-05"}))
        assert "1960" not in str(caught.value)


class TestBrokenResources:
    BROKEN = (
        {"resourceType": "Condition", "id": "bad", "subject": {"reference": f"Patient/{PATIENT}"}, "code": "C50"},
        {"resourceType": "Nonsense", "id": "bad"},
        {"resourceType": 7},
        {"id": "no type"},
        {"resourceType": "Encounter", "id": "bad", "status": ["finished"]},
    )

    @pytest.mark.parametrize("broken", BROKEN)
    def test_one_costs_itself_only(self, broken):
        snapshot = snapshot_with(broken, condition("C50.9"), observation("777-3", quantity(200, "10*9/L")))
        assert snapshot.latest("platelets").value == 200
        assert [fact.source for fact in snapshot.having("vs.cancer")] == ["Condition/cond-1"]
        assert len(snapshot.faults) == 1

    @pytest.mark.parametrize("entry", [None, 7, "x", {"resource": 7}, {"fullUrl": 7, "resource": None}])
    def test_an_odd_entry_costs_itself_only(self, entry):
        body = json.loads(bundle(patient(), condition("C50.9")))
        body["entry"].append(entry)
        chart = read_chart([Part("chart", json.dumps(body).encode())], patient_id=PATIENT)
        assert len(chart.of(Condition)) == 1

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'"x"', b"{}", b"\xff\xfe", b"[" * 100_000])
    def test_what_is_no_fhir_is_unreadable(self, body):
        with pytest.raises(UnreadableChart) as caught:
            read_chart([Part("labs", body)], patient_id=PATIENT)
        assert caught.value.key == "labs"

    def test_deep_nesting_is_a_fault_or_a_refusal_never_a_crash(self):
        deep = b'{"resourceType":"Bundle","entry":[{"resource":' + b'{"x":' * 50_000 + b"1" + b"}" * 50_000 + b"}]}"
        with suppress(MappingError):
            read_chart([Part("labs", deep)], patient_id=PATIENT)

    def test_a_type_that_is_not_needed_is_no_fault(self):
        chart = chart_with({"resourceType": "Claim", "id": "c", "status": "active", "patient": {"reference": "x"}})
        assert chart.faults == []


class TestOneWholeBundle:
    def test_the_patient_is_found_inside(self):
        assert chart_of_bundle(bundle(condition("C50.9"), patient(), kind="collection")).patient_id == PATIENT

    def test_full_urls_name_the_patient_of_a_transaction(self):
        body = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": "urn:uuid:aaaa",
                    "resource": condition("C50.9", id_=None, subject={"reference": "urn:uuid:bbbb"}),
                },
                {"fullUrl": "urn:uuid:bbbb", "resource": patient(id="p-7")},
            ],
        }
        chart = chart_of_bundle(json.dumps(body).encode())
        assert chart.patient_id == "p-7"
        assert [one.id for one in chart.of(Condition)] == ["aaaa"]

    def test_a_patient_without_an_id_is_known_by_its_full_url(self):
        body = {
            "resourceType": "Bundle",
            "entry": [
                {"fullUrl": "urn:uuid:bbbb", "resource": patient(id=None)},
                {"resource": condition("C50.9", subject={"reference": "urn:uuid:bbbb"})},
            ],
        }
        chart = chart_of_bundle(json.dumps(body).encode())
        assert chart.patient_id == "bbbb"
        assert len(chart.of(Condition)) == 1

    def test_a_lone_resource_is_no_chart_that_looks_empty(self):
        for one in (patient(), condition("C50.9")):
            with pytest.raises(UnreadableChart):
                chart_of_bundle(json.dumps(one).encode())

    def test_without_a_patient_it_is_unreadable(self):
        with pytest.raises(UnreadableChart):
            chart_of_bundle(bundle(condition("C50.9")))

    def test_two_patients_are_refused(self):
        with pytest.raises(ForeignPatient):
            chart_of_bundle(bundle(patient(), patient(id="other")))

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"resourceType":"Bundle","entry":7}', resource])
    def test_what_is_no_bundle_is_unreadable(self, body):
        with pytest.raises(UnreadableChart):
            chart_of_bundle(body if isinstance(body, bytes) else json.dumps(OUTCOME).encode())
