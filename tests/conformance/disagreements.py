"""Where one validator objects and the other does not, and why that is no fault of what we write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.conformance.report import Issue


@dataclass(frozen=True)
class Disagreement:
    """One objection that only one of the two has."""

    by: Literal["hapi", "node"]
    case: str
    severity: Literal["error", "warning"]
    element: str
    words: str  # of its message
    why: str

    def covers(self, issue: Issue) -> bool:
        """True when this is the objection that was looked into."""
        return (self.case, self.severity, self.element) == issue.place and self.words in issue.message


_OLD_CODES = (
    "HAPI carries HL7's version 3 code systems as R4 had them in 2018. The code is in HL7 Terminology 7.0.1, and the "
    "binding is {binding}."
)

DISAGREEMENTS = (
    Disagreement(
        "hapi", "notice-sms", "error", "Communication.medium", "SMSWRIT",
        _OLD_CODES.format(binding="an example"),
    ),
    Disagreement(
        "hapi", "origin-update-tagged", "error", "Provenance.meta.security", "AIAST",
        _OLD_CODES.format(binding="extensible"),
    ),
    Disagreement(
        "hapi", "origin-update-tagged", "error", "Provenance.reason", "AIAST",
        _OLD_CODES.format(binding="extensible"),
    ),
    Disagreement(
        "hapi", "risk-1", "error", "RiskAssessment.meta.security", "AIAST",
        _OLD_CODES.format(binding="extensible"),
    ),
    Disagreement(
        "hapi", "referral-without-dose-or-condition", "warning", "ServiceRequest.reasonCode", "No code provided",
        "Where the chart has no Condition to point at, we know the reason in words alone. R4 lets words stand where an "
        "extensible binding has no suitable code; HAPI advises against it.",
    ),
    Disagreement(
        "hapi", "broken-claim", "error", "Task.meta.profile", "urn:nobody-knows",
        "Both object to a profile that nobody knows, HAPI twice: to the resource, as the other, and to the claim.",
    ),
    Disagreement(
        "node", "issue-that-has-passed", "error", "DetectedIssue.status", "amended",
        "R4 binds the status to ObservationStatus, as HAPI knows and our own check does. The definitions that the "
        "other reads carry R5's value set at this one place, which has `mitigated`: a code that R4 does not know.",
    ),
)  # fmt: skip
