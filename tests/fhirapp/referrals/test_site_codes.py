"""Every door reads a site's own codes by its map."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from fhirapp.demo.settings import TENANT, tenants_toml
from fhirapp.referrals.intake import Intake
from fhirapp.tenants import Tenant, read_tenants
from mappings.bundle import Part, read_chart
from mappings.concept_map import ConceptMap
from models.booster import load_estimators

LAB = "http://lab.example"
PLATELETS = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2026-11-24",
    "code": {"coding": [{"system": LAB, "code": "PLT"}]},
    "valueQuantity": {"value": 8, "system": "http://unitsofmeasure.org", "code": "10*9/L"},
}


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    (tmp_path / "tenants.toml").write_text(tenants_toml("http://127.0.0.1:9", date(2027, 1, 31)))
    return read_tenants(tmp_path / "tenants.toml")[TENANT]


@pytest.mark.parametrize("mapped", [True, False])
def test_a_local_code_is_judged_where_the_site_maps_it(tenant: Tenant, mapped: bool) -> None:
    concepts = ConceptMap({(LAB, "PLT"): (("http://loinc.org", "777-3"),)}) if mapped else None
    chart = read_chart([Part("labs", json.dumps(PLATELETS).encode())], patient_id="p")
    nothing = cast(Any, None)  # deciding needs neither database nor keys
    intake = Intake(nothing, nothing, load_estimators(), nothing, "", nothing, nothing)
    judged = intake.decide_on(
        replace(tenant, concept_map=concepts), chart, (), now=datetime(2026, 11, 25, 12, tzinfo=UTC)
    )
    assert ("HEM-01" in {finding["rule"] for finding in judged.summary["findings"]}) is mapped
