"""What stands against exercise now, for the chart: one DetectedIssue for each finding that holds or asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
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
    return [
        detected_issue(facts, finding, f"detected-issue-{finding['rule']}", facts.authored_on)
        for finding in facts.summary.get("findings", ())
        if finding.get("effect") in _SEVERITY
    ]


def detected_issue(
    facts: ReferralFacts, finding: Mapping[str, Any], kind: str, identified: datetime, request: str | None = None
) -> Json:
    """The issue of one finding under the identifier of `kind`; `request` is the referral that it stands against."""
    resource: Json = {
        "resourceType": "DetectedIssue",
        "identifier": facts.identifiers(kind),
        "status": "preliminary" if finding.get("missing") else "final",
        "code": {"coding": [coding(SAFETY_RULES, finding["rule"])], "text": finding["text"]},
        "severity": _SEVERITY[finding["effect"]],
        "patient": facts.patient.json(),
        "identifiedDateTime": instant(identified),
        "detail": finding["text"],
    }
    if request:
        resource["implicated"] = [{"reference": request}]
    if sources := sources_of(finding):
        resource["evidence"] = [{"detail": [{"reference": source}]} for source in sources]
    return resource


def mitigated(resource: Json, at: datetime, why: str) -> Json:
    """The same issue once it stands no longer: `amended`, and what ended it; everything else stays as it was read.

    R4 has no status for an issue that has passed. `cancelled` would say that it was never really looked at, and
    `entered-in-error` that it was never true; the mitigation is where R4 puts what became of it.
    """
    step = {"action": {"text": why}, "date": instant(at)}
    return {**resource, "status": "amended", "mitigation": [*resource.get("mitigation", ()), step]}


def sources_of(finding: Mapping[str, Any]) -> list[str]:
    """The chart's resources that a finding rests on, each once: `Observation/1`."""
    found = (str(item.get("source") or "").split("#")[0] for item in finding.get("inputs", ()))
    return list(dict.fromkeys(source for source in found if "/" in source))
