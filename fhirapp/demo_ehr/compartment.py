"""Whose record a resource belongs to. Source: R4 compartment definition "Patient", the elements used here."""

from __future__ import annotations

from typing import Final

from fhirapp.demo_ehr.parameters import walk
from fhirapp.demo_ehr.settings import Resource

_ELEMENTS: Final = (
    "subject.reference",
    "patient.reference",
    "for.reference",
    "beneficiary.reference",
    "participant.actor.reference",
    "entity.what.reference",
    "target.reference",
)

# Types of no one patient: a `patient/` scope that names them may read them, whoever the patient is.
SHARED: Final = frozenset(
    {
        "Endpoint",
        "HealthcareService",
        "Location",
        "Medication",
        "Organization",
        "PlanDefinition",
        "Practitioner",
        "PractitionerRole",
        "Questionnaire",
    }
)


def patients_of(resource: Resource) -> frozenset[str]:
    """The ids of the patients in whose compartment the resource lies; empty for a shared one."""
    if resource["resourceType"] == "Patient":
        return frozenset({str(resource["id"])} if "id" in resource else ())
    references = (str(one) for path in _ELEMENTS for one in walk(resource, path.split(".")))
    parts = (reference.split("/_history/")[0].split("/") for reference in references)
    return frozenset(part[-1] for part in parts if len(part) > 1 and part[-2] == "Patient")
