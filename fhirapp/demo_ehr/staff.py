"""The people and organisations of the demo hospital, shared by all its charts."""

from __future__ import annotations

from typing import Final

from fhirapp.demo_ehr.chart_codes import EHR_BASE
from fhirapp.demo_ehr.charts import Json

_NAMES: Final = (
    ("dr-lind", "Lind", "Maren", "Dr", "Medical oncologist"),
    ("dr-okafor", "Okafor", "Chidi", "Dr", "Clinical lead, exercise referral"),
    ("nav-ray", "Ray", "Tamsin", "", "Exercise navigator"),
)
_ORGANIZATIONS: Final = (
    ("city-hospital", "City Hospital", "prov", "Healthcare Provider", "+1 555 0100"),
    ("stride-exercise-service", "Exercise Service, City Hospital", "dept", "Hospital Department", "+1 555 0110"),
    ("riverside-community-class", "Riverside Community Exercise Class", "other", "Other", "+1 555 0121"),
    ("northgate-physiotherapy", "Northgate Physiotherapy", "prov", "Healthcare Provider", "+1 555 0122"),
    ("harbour-cardiac-clinic", "Harbour Cardiac Exercise Clinic", "prov", "Healthcare Provider", "+1 555 0123"),
)
_ORGANIZATION_TYPE: Final = "http://terminology.hl7.org/CodeSystem/organization-type"


def practitioners_and_organizations() -> list[Json]:
    """Who works there and where: the oncologist, the authoriser, the navigator, hospital and programmes."""
    return [*(_practitioner(*row) for row in _NAMES), *(_organization(*row) for row in _ORGANIZATIONS)]


def _practitioner(name: str, family: str, given: str, prefix: str, work: str) -> Json:
    called: Json = {"use": "official", "family": family, "given": [given]}
    if prefix:
        called["prefix"] = [prefix]
    return {
        "resourceType": "Practitioner",
        "id": name,
        "identifier": [{"system": f"{EHR_BASE}/staff", "value": name}],
        "active": True,
        "name": [called],
        "telecom": [{"system": "email", "value": f"{name}@example.org", "use": "work"}],
        "qualification": [{"code": {"text": work}}],
    }


def _organization(name: str, title: str, code: str, display: str, phone: str) -> Json:
    coding = {"system": _ORGANIZATION_TYPE, "code": code, "display": display}
    resource: Json = {
        "resourceType": "Organization",
        "id": name,
        "identifier": [{"system": f"{EHR_BASE}/organizations", "value": name}],
        "active": True,
        "type": [{"coding": [coding]}],
        "name": title,
        "telecom": [{"system": "phone", "value": phone, "use": "work"}],
    }
    if name == "stride-exercise-service":
        resource["partOf"] = {"reference": "Organization/city-hospital"}
    return resource
