"""The questions that a chart is made of: one list for CDS Hooks prefetch and for REST alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from mappings.canonical import PARQ_PLUS, SAFETY_QUESTIONS
from mappings.measures import observed

PATIENT_TOKEN: Final = "{{context.patientId}}"  # noqa: S105 - a prefetch token, no secret


@dataclass(frozen=True, slots=True)
class Query:
    """One question to the record system.

    `path` is a read or a type search with the patient's id as a prefetch token. `required`: without its
    answer nothing can be said of the patient, and the call ends with 412.
    """

    key: str
    path: str
    required: bool = False


def _search(kind: str, *terms: str, count: int) -> str:
    return f"{kind}?" + "&".join((f"patient={PATIENT_TOKEN}", *terms, f"_count={count}"))


def _observations(key: str, *, count: int) -> Query:
    """By code list, never by category: many charts carry none, or an odd one (SM-T, standards.md trap 23)."""
    return Query(key, _search("Observation", "code=" + ",".join(observed().asked[key]), "_sort=-date", count=count))


QUERIES: Final[tuple[Query, ...]] = (
    Query("patient", f"Patient/{PATIENT_TOKEN}", required=True),
    # Without a category filter: category=problem-list-item finds no cancer in charts that carry none.
    Query("conditions", _search("Condition", count=500), required=True),
    _observations("labs", count=500),
    _observations("vitals", count=500),
    _observations("function", count=500),
    _observations("symptoms", count=500),
    Query("medications", _search("MedicationRequest", "_sort=-authoredon", count=500)),
    Query("administrations", _search("MedicationAdministration", "_sort=-effective-time", count=500)),
    Query("procedures", _search("Procedure", "_sort=-date", count=500)),
    Query("encounters", _search("Encounter", "_sort=-date", count=200)),
    Query(
        "answers",
        _search(
            "QuestionnaireResponse",
            f"questionnaire={SAFETY_QUESTIONS},{PARQ_PLUS}",
            "_sort=-authored",
            count=100,
        ),
    ),
    Query("referrals", _search("ServiceRequest", "_sort=-authored", count=200)),
)

EXTRAS: Final[tuple[Query, ...]] = (
    # Asked over REST only, and an EHR that does not answer makes nothing incomplete: it is shown as not checked.
    # Plans: hospice, a plan for the last days, an exercise programme of others; those of most charts say nothing.
    Query("plans", _search("CarePlan", count=200)),
    # What other pages of the record add: medicines from elsewhere, allergies, planned visits, harm by a treatment.
    Query("statements", _search("MedicationStatement", "_sort=-effective", count=200)),
    Query("allergies", _search("AllergyIntolerance", count=200)),
    Query("appointments", _search("Appointment", "_sort=-date", count=200)),
    Query("harms", f"AdverseEvent?subject=Patient/{PATIENT_TOKEN}&_sort=-date&_count=200"),
)


def prefetch_templates(site_codes: Mapping[str, Sequence[str]] | None = None) -> dict[str, str]:
    """Key -> prefetch template, in the subset that CDS Hooks 2.0 clients know.

    `site_codes` are further codes by key, `system|code`: those that only one site uses.

    Source: CDS Hooks 2.0, prefetch; standards.md CH-P1 to CH-P3, CH-P9: no `_include`, no chaining, no
    modifier, `_sort=-date`, no token but the patient's.
    """
    also = site_codes or {}
    return {query.key: _also(query.path, also.get(query.key, ())) for query in QUERIES}


def asked_too(query: Query, codes: Sequence[str]) -> Query:
    """The same question for these codes as well."""
    return replace(query, path=_also(query.path, codes)) if codes else query


def asked_alone(query: Query, codes: Sequence[str]) -> Query:
    """The same question for these codes and no others."""
    head, found, tail = query.path.partition("code=")
    return replace(query, path=f"{head}{found}{_listed(codes)}{tail[tail.index('&') :]}")


def rest_path(query: Query, patient_id: str, *, also: Sequence[str] = ()) -> str:
    """The path below the FHIR base for one patient, ready to be sent: `Condition?patient=123&_count=500`.

    `also` are further codes of a search by code, `system|code`: those that only this site uses.
    """
    path = _also(query.path, also).replace(PATIENT_TOKEN, quote(patient_id, safe=""))
    return path.replace("|", "%7C")


def _also(path: str, codes: Sequence[str]) -> str:
    return path.replace("&_sort", f",{_listed(codes)}&_sort", 1) if codes else path


def _listed(codes: Sequence[str]) -> str:
    return ",".join(quote(code, safe=":/|") for code in codes)
