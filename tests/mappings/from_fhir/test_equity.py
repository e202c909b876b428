"""Groups for reports of equity are read, and reach no snapshot."""

from __future__ import annotations

from typing import Any

from mappings.bundle import Part, read_chart
from mappings.from_fhir.equity import Equity, equity_from
from mappings.from_fhir.snapshot import snapshot_from
from tests.mappings.charts import AS_OF, PATIENT, bundle, patient

CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
OMB = "urn:oid:2.16.840.1.113883.6.238"


def group(name: str, *codes: str) -> Any:
    parts = [{"url": "ombCategory", "valueCoding": {"system": OMB, "code": code}} for code in codes]
    return {"url": f"{CORE}{name}", "extension": [*parts, {"url": "text", "valueString": "as told"}]}


TOLD = patient(
    extension=[group("race", "2106-3", "2054-5"), group("ethnicity", "2186-5")],
    address=[
        {"use": "old", "postalCode": "1000"},
        {"use": "work", "postalCode": "2000"},
        {"use": "home", "postalCode": "3000"},
    ],
    communication=[{"language": {"coding": [{"code": "pl"}]}}],
)


def read(one: Any) -> Any:
    return read_chart([Part("patient", bundle(one))], patient_id=PATIENT)


def test_the_groups_are_read():
    assert equity_from(read(TOLD)) == Equity(("2106-3", "2054-5"), "2186-5", "3000", "pl")


def test_what_is_not_told_is_empty():
    assert equity_from(read(patient())) == Equity()
    assert equity_from(read_chart([], patient_id=PATIENT)) == Equity()


def test_no_decision_sees_them():
    """The same person with and without them is the same snapshot."""
    plain = {name: value for name, value in TOLD.items() if name not in ("extension", "address")}
    assert snapshot_from(read(TOLD), as_of=AS_OF) == snapshot_from(read(plain), as_of=AS_OF)


def test_an_extension_of_another_shape_stops_nothing():
    odd = [{"url": f"{CORE}race"}, {"url": f"{CORE}race", "extension": [{"url": "ombCategory"}]}]
    assert equity_from(read(patient(extension=odd))).race == ()
    broken = read(patient(extension=[{"url": f"{CORE}race", "extension": 7}], address={"postalCode": 3000}))
    assert equity_from(broken) == Equity()
    assert broken.faults == []
