"""What this server says of itself at /metadata (WB-1)."""

from __future__ import annotations

from typing import Final

from fhirapp.demo_ehr.parameters import PARAMETERS, parameters_of
from fhirapp.demo_ehr.settings import Resource

_INTERACTIONS: Final = ("read", "vread", "update", "patch", "delete", "history-instance", "create", "search-type")
_OAUTH: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def capability_statement(base: str, authorize_url: str, token_url: str, date: str) -> Resource:
    """The CapabilityStatement."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "Stride demo EHR"},
        "implementation": {"description": "A small EHR to try and test against", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(authorize_url, token_url),
                "resource": [_resource(kind) for kind in sorted(PARAMETERS)],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _security(authorize_url: str, token_url: str) -> Resource:
    service = {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
    urls = [{"url": "authorize", "valueUri": authorize_url}, {"url": "token", "valueUri": token_url}]
    return {
        "cors": True,
        "service": [{"coding": [service]}],
        "extension": [{"url": _OAUTH, "extension": urls}],
    }


def _resource(kind: str) -> Resource:
    return {
        "type": kind,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalUpdate": True,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "local"],
        "searchParam": [
            {"name": name, "type": parameter.kind} for name, parameter in sorted(parameters_of(kind).items())
        ],
    }
