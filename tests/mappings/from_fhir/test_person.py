"""mappings/from_fhir/person.py"""

from __future__ import annotations

from mappings.bundle import read_chart
from mappings.from_fhir.person import Person, person_from
from tests.mappings.charts import chart_with, concept, patient


def person(**fields):
    return person_from(chart_with(patient(**fields)))


def test_a_patient_who_tells_nothing():
    assert person(gender=None, birthDate=None) == Person("pat-1")


def test_a_chart_without_a_patient():
    assert person_from(read_chart([], patient_id="x")) == Person("x")


def test_the_official_name_comes_first():
    names = [
        {"use": "nickname", "given": ["Bea"]},
        {"use": "official", "prefix": ["Dr"], "given": ["Beatrix", "Ann"], "family": "Núñez"},
    ]
    assert person(name=names).name == "Dr Beatrix Ann Núñez"
    assert person(name=[{"text": "Bea N."}]).name == "Bea N."


def test_the_record_number_is_the_one_that_is_marked():
    ids = [{"value": "ssn-1"}, {"value": "77", "type": concept("x", "MR")}, {"value": "old", "use": "old"}]
    assert person(identifier=ids).identifier == "77"
    assert person(identifier=ids[:1]).identifier == "ssn-1"


def test_phone_by_rank_then_mobile_first():
    points = [
        {"system": "phone", "value": "1", "use": "home"},
        {"system": "phone", "value": "2", "use": "mobile"},
        {"system": "phone", "value": "3", "use": "old"},
        {"system": "email", "value": "a@example.org"},
    ]
    assert (person(telecom=points).phone, person(telecom=points).email) == ("2", "a@example.org")
    points[0]["rank"] = 1
    assert person(telecom=points).phone == "1"


def test_the_preferred_language_and_an_interpreter():
    spoken = [
        {"language": concept("urn:ietf:bcp:47", "en")},
        {"language": concept("urn:ietf:bcp:47", "vi"), "preferred": True},
    ]
    needs = [{"url": "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired", "valueBoolean": True}]
    coded = [
        {
            "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-interpreter-needed",
            "valueCoding": {"system": "http://snomed.info/sct", "code": "373066001"},
        }
    ]
    assert person(extension=coded).interpreter
    assert not person(extension=[coded[0] | {"valueCoding": {"code": "373067005"}}]).interpreter
    found = person(communication=spoken, extension=needs)
    assert (found.language, found.interpreter) == ("vi", True)
