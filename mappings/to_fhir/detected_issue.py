"""What stands against exercise now, for the chart: one DetectedIssue for each finding that holds or asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mappings.canonical import BASE
from mappings.to_fhir.codes import Json, coding
from mappings.to_fhir.facts import ReferralFacts, instant

SAFETY_RULES: Final = f"{BASE}/CodeSystem/safety-rules"
_SEVERITY: Final = {"HOLD-E": "high", "HOLD": "high", "CLEAR": "moderate"}


def detected_issues(facts: ReferralFacts) -> list[Json]:
    """One issue for each HOLD or CLEAR of the summary, gravest first as it lists them; else none.

    An issue that fired only because something is missing is `preliminary`: it says what must be asked.

    Source: pathway.md step 4; prescription.md section 11.
    """
    return list(_issues(facts))


def _issues(facts: ReferralFacts) -> Iterator[Json]:
    for finding in facts.summary.get("findings", ()):
        severity = _SEVERITY.get(finding.get("effect", ""))
        if severity:
            yield _issue(facts, finding, severity)


def _issue(facts: ReferralFacts, finding: Mapping[str, Any], severity: str) -> Json:
    rule = finding["rule"]
    resource: Json = {
        "resourceType": "DetectedIssue",
        "identifier": facts.identifiers(f"detected-issue-{rule}"),
        "status": "preliminary" if finding.get("missing") else "final",
        "code": {"coding": [coding(SAFETY_RULES, rule)], "text": finding["text"]},
        "severity": severity,
        "patient": facts.patient.json(),
        "identifiedDateTime": instant(facts.authored_on),
        "detail": finding["text"],
    }
    if sources := sources_of(finding):
        resource["evidence"] = [{"detail": [{"reference": source}]} for source in sources]
    return resource


def sources_of(finding: Mapping[str, Any]) -> list[str]:
    """The chart's resources that a finding rests on, each once: `Observation/1`."""
    found = (str(item.get("source") or "").split("#")[0] for item in finding.get("inputs", ()))
    return list(dict.fromkeys(source for source in found if "/" in source))
