"""Which orders ask for exercise."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.canonical import RESOURCE_IDENTIFIER
from mappings.exercise_orders import is_exercise_order
from mappings.to_fhir.codes import PA_CODES, SNOMED, referral_codes


def an_order(code: str = "71388002", system: str = SNOMED, at: str = "code", **changes: Any) -> dict[str, Any]:
    concept = {"coding": [{"system": system, "code": code}]}
    return {"resourceType": "ServiceRequest", "id": "1", at: concept if at == "code" else [concept]} | changes


@pytest.mark.parametrize("destination", ["D1", "D2", "D3", "D4", "D5", "unknown"])
def test_whatever_we_would_write_is_one_by_its_codes_alone(destination: str) -> None:
    code, category, _ = referral_codes(destination)
    order = an_order(code) | {"category": [{"coding": [{"system": SNOMED, "code": category}]}]}
    assert is_exercise_order(order)


@pytest.mark.parametrize(
    "order",
    [
        an_order("306170007"),
        an_order("91251008", at="category"),
        an_order("229095001", at="orderDetail"),
        an_order("PhysicalActivity", PA_CODES, at="category"),
        an_order(identifier=[{"system": RESOURCE_IDENTIFIER, "value": "x"}]),
    ],
)
def test_others_that_are(order: dict[str, Any]) -> None:
    assert is_exercise_order(order)


@pytest.mark.parametrize(
    "order",
    [
        an_order(),
        an_order("306170007", "http://example.org"),
        an_order("306170007", status="revoked"),
        an_order("306170007", status="completed"),
        an_order("306170007", doNotPerform=True),
        an_order("306170007", resourceType="Procedure"),
        an_order("409063005", at="category"),  # counselling, of any kind
        {"resourceType": "ServiceRequest"},
        {"resourceType": "ServiceRequest", "code": "x", "category": [None, 3], "identifier": "y"},
        {"resourceType": "ServiceRequest", "status": [], "code": {"coding": [{"system": [], "code": {}}]}},
        {},
    ],
)
def test_those_that_are_not(order: dict[str, Any]) -> None:
    assert not is_exercise_order(order)
