"""A hold as a Flag, for record systems that show Flags and know no DetectedIssue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from mappings.to_fhir.codes import Json, coding, concept
from mappings.to_fhir.detected_issue import SAFETY_RULES
from mappings.to_fhir.facts import ReferralFacts, instant

_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/flag-category"


def flag(facts: ReferralFacts, finding: Mapping[str, Any], kind: str, identified: datetime) -> Json:
    """The Flag of one finding that holds; it is `active` until the hold has gone.

    Source: pathway.md step 4 (DetectedIssue or Flag, as the site has it).
    """
    return {
        "resourceType": "Flag",
        "identifier": facts.identifiers(kind),
        "status": "active",
        "category": [concept(_CATEGORY, "safety", "Safety")],
        "code": {"coding": [coding(SAFETY_RULES, finding["rule"])], "text": finding["text"]},
        "subject": facts.patient.json(),
        "period": {"start": instant(identified)},
        "author": facts.owner.json(),
    }


def ended(resource: Json, at: datetime) -> Json:
    """The same Flag as it is once the hold has gone; everything else stays as it was read."""
    return {**resource, "status": "inactive", "period": {**resource.get("period", {}), "end": instant(at)}}
