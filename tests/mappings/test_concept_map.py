"""A site's own codes are read as ours where its ConceptMap says that they mean the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.bundle import Part, read_chart
from mappings.concept_map import ConceptMap, read_concept_map
from mappings.errors import InvalidConceptMap
from mappings.from_fhir.snapshot import snapshot_from
from mappings.queries import QUERIES, rest_path
from models.snapshot import PatientSnapshot
from tests.mappings.charts import (
    AS_OF,
    ICD,
    LOINC,
    PATIENT,
    RXNORM,
    SNOMED,
    UCUM,
    bundle,
    concept,
    observation,
    order,
    patient,
    procedure,
    quantity,
    resource,
)

SITE = "http://lab.example/codes"


def group(target: str, *rows: tuple[str, str, str], source: str = SITE) -> dict[str, Any]:
    elements = [{"code": ours, "target": [{"code": theirs, "equivalence": how}]} for ours, theirs, how in rows]
    return {"source": source, "target": target, "element": elements}


def written(*groups: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"resourceType": "ConceptMap", "status": "active", "group": list(groups)} | more).encode()


MAP = written(
    group(LOINC, ("PLT", "777-3", "equivalent"), ("HBLOW", "718-7", "narrower"), ("BPS", "8480-6", "equal")),
    group(SNOMED, ("OP7", "90470006", "wider"), ("NO", "260385009", "equal")),
    group(ICD, ("TU-1", "C50.9", "equivalent")),
    group(RXNORM, ("Taxol", "56946", "equivalent")),
)


def read(*resources: Any, concepts: ConceptMap | None) -> PatientSnapshot:
    chart = read_chart([Part("chart", bundle(patient(), *resources))], patient_id=PATIENT)
    for _ in range(2):  # twice adds nothing
        if concepts is not None:
            concepts.apply(chart)
    return snapshot_from(chart, as_of=AS_OF)


PLATELETS = observation("PLT", quantity(42, "10*9/L"), system=SITE)
TUMOUR = resource("Condition", "c1", code=concept(SITE, "TU-1"))


def test_a_result_under_a_site_code_is_read_and_without_the_map_it_is_not():
    assert read(PLATELETS, concepts=read_concept_map(MAP)).latest("platelets").value == 42
    assert read(PLATELETS, concepts=None).latest("platelets") is None


def test_diagnoses_drugs_and_procedures_too():
    drug = order("x") | {"medicationCodeableConcept": concept(SITE, "Taxol")}
    done = procedure("x") | {"code": concept(SITE, "OP7")}
    found = read(TUMOUR, drug, done, concepts=read_concept_map(MAP))
    assert [fact.code for fact in found.having("vs.cancer")] == ["C50.9"]
    assert list(found.having("vs.cytotoxic"))
    assert list(found.having("vs.surgery_major"))


def test_a_component_of_a_panel_and_a_coded_answer_are_translated():
    part = {"code": concept(SITE, "BPS"), "valueQuantity": quantity(150, "mm[Hg]")}
    assert read(observation("85354-9", component=[part]), concepts=read_concept_map(MAP)).latest("sbp").value == 150
    told = observation("2106-3", valueCodeableConcept=concept(SITE, "NO"))
    assert read(told, concepts=read_concept_map(MAP)).latest("hcg").value is False


def test_a_target_that_says_more_than_the_site_does_is_not_used():
    made = observation("HBLOW", quantity(90, "g/L"), system=SITE)
    assert read(made, concepts=read_concept_map(MAP)).latest("hb") is None


def test_a_code_of_the_same_name_of_another_system_is_not_meant():
    made = observation("PLT", quantity(42, "10*9/L"), system="http://another.example")
    assert read(made, concepts=read_concept_map(MAP)).latest("platelets") is None


def test_escaped_slashes_are_seen():
    body = bundle(patient(), PLATELETS).replace(b"http://lab.example/codes", b"http:\\/\\/lab.example\\/codes")
    chart = read_chart([Part("chart", body)], patient_id=PATIENT)
    read_concept_map(MAP).apply(chart)
    assert snapshot_from(chart, as_of=AS_OF).latest("platelets") is not None


def test_the_site_codes_are_asked_for_where_their_inputs_are():
    labs = next(query for query in QUERIES if query.key == "labs")
    path = rest_path(labs, "p", also=read_concept_map(MAP).asked("labs"))
    assert f"{SITE}%7CPLT&_sort" in path
    assert "HBLOW" not in path
    assert rest_path(labs, "p", also=()) == rest_path(labs, "p")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "no FHIR ConceptMap"),
        (b'{"resourceType":"ValueSet"}', "resourceType is something else"),
        (written(), "maps no code"),
        (written({"source": SITE, "element": []}), "without source or target"),
        (written(group(LOINC, ("A", "777-3", "narrower"))), "maps no code"),
        (written(group=7), "no FHIR ConceptMap"),
    ],
)
def test_a_map_that_cannot_be_used_says_why(text: bytes, said: str):
    with pytest.raises(InvalidConceptMap, match=said):
        read_concept_map(text)


@given(
    st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_no_odd_concept_stops_the_reading(odd):
    made = observation("PLT", quantity(42, "10*9/L"), system=SITE, component=odd, valueCodeableConcept={"coding": odd})
    made["note"] = SITE
    read(made, TUMOUR, concepts=read_concept_map(MAP))


def test_a_unit_stays_what_it_is():
    odd = observation("PLT", {"value": 42, "unit": "beads", "system": UCUM, "code": "beads"}, system=SITE)
    assert [gap.why for gap in read(odd, concepts=read_concept_map(MAP)).faults] == ["unit"]
