"""Which orders begin or go on with cancer treatment: the moment at which exercise belongs into the plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mappings.codes import ATC, LOINC, RXNORM, SNOMED, drugs, procedures, system_of

_PROTOCOLS: Final = frozenset({"CarePlan", "RequestGroup"})  # chemotherapy is ordered by protocol
_DRUGS: Final = frozenset({"MedicationRequest", "MedicationAdministration", "MedicationDispense"})
_SERVICES: Final = frozenset({"ServiceRequest", "Procedure", "ProcedureRequest", "Appointment"})
_DRUG_SETS: Final = frozenset(
    {"vs.cytotoxic", "vs.anthracycline", "vs.neurotoxic", "vs.her2", "vs.ici", "vs.vegf", "vs.hormonal"}
)
_SERVICE_SETS: Final = frozenset({"vs.surgery_major", "vs.radiotherapy", "vs.chemo_encounter", "vs.hsct"})
_ONCOLOGY: Final = ("L01", "L02", "V10")  # ATC: antineoplastic, endocrine, therapeutic radiopharmaceuticals


def may_be_treatment(resource_type: str, codings: Iterable[tuple[str, str]]) -> bool:
    """Whether an order is, or may be, chemotherapy, radiotherapy, surgery or another cancer treatment.

    What cannot be told counts as treatment: a drug that is named by no code, a service in codes that only its
    site knows. A drug whose code is none of ours is another drug. Source: standards.md 1.3, trap 12.
    """
    if resource_type in _PROTOCOLS:
        return True
    known = [(system_of(system), code) for system, code in codings]
    if resource_type in _DRUGS:
        told = [one for one in known if one[0] in (RXNORM, ATC)]
        return not told or any(_is_cancer_drug(*one) for one in told)
    if resource_type in _SERVICES:
        told = [one for one in known if one[0] in (SNOMED, LOINC)]
        return not told or any(_is_cancer_service(*one) for one in told)
    return False


def _is_cancer_drug(system: str | None, code: str) -> bool:
    found = drugs().of(system, code)
    by_group = system == ATC and code.startswith(_ONCOLOGY)
    return by_group or (found is not None and not _DRUG_SETS.isdisjoint(found.value_sets))


def _is_cancer_service(system: str | None, code: str) -> bool:
    found = procedures().get(code) if system == SNOMED else None
    return found is not None and not _SERVICE_SETS.isdisjoint(found.value_sets)
