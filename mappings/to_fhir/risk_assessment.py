"""The rules' tier and the models' estimates as RiskAssessments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mappings.canonical import BASE
from mappings.to_fhir.codes import AI_ASSERTED, Json, coding
from mappings.to_fhir.detected_issue import sources_of
from mappings.to_fhir.facts import ReferralFacts, instant
from models.features import FEATURES

RISK_TIERS: Final = f"{BASE}/CodeSystem/risk-tiers"
RISK_BANDS: Final = f"{BASE}/CodeSystem/risk-bands"
_MOST_BASIS: Final = 20  # references; the whole chart is no basis


def risk_assessments(facts: ReferralFacts, *, ai_tag: bool = False) -> list[Json]:
    """The tier by the rules and each estimate that was made; a refused one is not written.

    `ai_tag` marks the models' ones as asserted by software (the AI transparency guide is a ballot still).

    Source: pathway.md steps 5 and 6; standards.md 6.4.
    """
    return [_tier(facts), *_estimates(facts, ai_tag)]


def _tier(facts: ReferralFacts) -> Json:
    """The tier is the code, not a prediction: R4's ras-2 is not fulfilled by one without a probability,
    and the rules give none."""
    summary = facts.summary
    tier = str(summary.get("tier", "T?"))
    found = _core(facts, "risk-tier", f"Stride safety rules {summary.get('rules_version', '')}".strip())
    found["code"] = {"coding": [coding(RISK_TIERS, tier)], "text": f"Exercise risk tier {tier}"}
    findings = summary.get("findings", ())
    if sources := list(dict.fromkeys(source for finding in findings for source in sources_of(finding))):
        found["basis"] = [{"reference": source} for source in sources[:_MOST_BASIS]]
    if summary.get("min_supervision") is not None:
        found["mitigation"] = f"Minimum supervision: {summary['min_supervision']} of 4"
    if fired := [finding["text"] for finding in findings if finding.get("effect") != "INFO"]:
        found["note"] = [{"text": "\n".join(f"- {text}" for text in fired)}]
    return found


def _estimates(facts: ReferralFacts, ai_tag: bool) -> Iterator[Json]:
    for name, estimate in (facts.summary.get("estimates") or {}).items():
        if estimate and estimate.get("probability") is not None:
            yield _estimate(facts, name, estimate, ai_tag)


def _estimate(facts: ReferralFacts, name: str, estimate: Mapping[str, Any], ai_tag: bool) -> Json:
    found = _core(facts, f"risk-{name}", f"Stride {name} model {estimate.get('version', '')}".strip())
    if ai_tag:
        found["meta"] = {"security": [AI_ASSERTED]}
    prediction: Json = {
        "outcome": {"text": str(estimate.get("meaning") or name)},
        "probabilityDecimal": round(estimate["probability"] * 100, 2),  # R4 writes it in percent
    }
    if band := estimate.get("band"):
        prediction["qualitativeRisk"] = {"coding": [coding(RISK_BANDS, str(band))], "text": str(band)}
    if drivers := [str(driver.get("text")) for driver in estimate.get("drivers", ()) if driver.get("text")]:
        prediction["rationale"] = "; ".join(drivers)
    found["prediction"] = [prediction]
    if basis := estimate.get("basis"):
        found["basis"] = [{"reference": source} for source in basis[:_MOST_BASIS]]
    found["note"] = [{"text": text} for text in _notes(estimate)]
    return found


def _notes(estimate: Mapping[str, Any]) -> Iterator[str]:
    if confidence := estimate.get("confidence"):
        yield f"Confidence: {confidence}. It may add caution or support, never remove it."
    missing = [FEATURES[name].label.render() for name in estimate.get("missing", ()) if name in FEATURES]
    yield f"Not known: {', '.join(missing)}." if missing else "All that the model asks for is known."


def _core(facts: ReferralFacts, kind: str, method: str) -> Json:
    return {
        "resourceType": "RiskAssessment",
        "identifier": facts.identifiers(kind),
        "status": "final",
        "method": {"text": method},
        "subject": facts.patient.json(),
        "occurrenceDateTime": instant(facts.authored_on),
    }
