"""OperationOutcome, the shape in which FHIR and CDS Hooks callers get an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong: a code of FHIR's issue-type list, and a plain sentence."""

    code: str  # "invalid", "required", "forbidden", "not-found", "incomplete", ...
    text: str
    severity: Severity = "error"
    expression: Sequence[str] = ()  # FHIRPath of the element at fault


def operation_outcome(*issues: Issue) -> dict[str, Any]:
    """The OperationOutcome resource that says these issues; empty elements are left out (FHIR JSON rules)."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def _issue(issue: Issue) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"text": issue.text},
        "diagnostics": issue.text,
    }
    if issue.expression:
        shown["expression"] = list(issue.expression)
    return shown
