"""Which orders are cancer treatment, or may be."""

from __future__ import annotations

import pytest

from mappings.codes import ATC, LOINC, RXNORM, SNOMED
from mappings.treatment_orders import may_be_treatment

LOCAL = "http://pharmacy.example"


@pytest.mark.parametrize(
    ("kind", "codings", "treatment"),
    [
        ("MedicationRequest", [(RXNORM, "56946")], True),  # paclitaxel
        ("MedicationRequest", [(ATC, "L01CD01")], True),
        ("MedicationRequest", [(ATC, "L01ZZ99")], True),  # one that is newer than our table
        ("MedicationRequest", [(ATC, "L02BA01")], True),
        ("MedicationRequest", [("urn:oid:2.16.840.1.113883.6.73", "L01CD01")], True),
        ("MedicationRequest", [(RXNORM, "161")], False),  # paracetamol
        ("MedicationRequest", [(ATC, "N02BE01")], False),
        ("MedicationRequest", [(ATC, "B01AA03")], False),  # warfarin: known to the rules, no treatment of cancer
        ("MedicationRequest", [(LOCAL, "PCT"), (ATC, "N02BE01")], False),
        ("MedicationRequest", [(LOCAL, "TAX")], True),  # cannot be told
        ("MedicationRequest", [], True),
        ("ServiceRequest", [(SNOMED, "108290001")], True),  # radiotherapy
        ("ServiceRequest", [(SNOMED, "113091000")], False),  # MRI
        ("ServiceRequest", [(LOINC, "58410-2")], False),  # blood count
        ("ServiceRequest", [(LOCAL, "X")], True),
        ("CarePlan", [], True),
        ("RequestGroup", [], True),
        ("NutritionOrder", [], False),
        ("DeviceRequest", [(LOCAL, "X")], False),
    ],
)
def test_an_order_is_treatment_unless_it_is_known_to_be_something_else(
    kind: str, codings: list[tuple[str, str]], treatment: bool
) -> None:
    assert may_be_treatment(kind, codings) is treatment
