"""What can go wrong in the demo EHR.

DemoEhrError
├── FhirError          a FHIR request refused: it knows its status and OperationOutcome code
├── ChartUnreadable    a Bundle given as a chart that is none
├── HookFailed         the CDS service did not answer, or answered something else than cards
└── CardUnknown        a card or suggestion that was never shown, or was answered before
"""

from __future__ import annotations

from typing import Any


class DemoEhrError(Exception):
    """Anything that the demo EHR refuses or cannot do."""


class FhirError(DemoEhrError):
    """A refusal of the FHIR server: HTTP status, issue code of R4 and a text for the developer."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text

    def outcome(self) -> dict[str, Any]:
        """The OperationOutcome of this refusal."""
        return outcome(self.code, self.text)


class ChartUnreadable(DemoEhrError):
    """A chart that is no FHIR Bundle, or that has an entry without a type."""


class HookFailed(DemoEhrError):
    """The CDS service could not be asked, or its answer was no card answer."""


class CardUnknown(DemoEhrError):
    """The card or suggestion was never shown in this EHR, or has been answered already."""


def outcome(code: str, text: str, *, severity: str = "error") -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    issue = {"severity": severity, "code": code, "details": {"text": text}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def not_found(text: str) -> FhirError:
    """404: no such resource or type."""
    return FhirError(404, "not-found", text)


def invalid(text: str) -> FhirError:
    """400: the request itself is wrong."""
    return FhirError(400, "invalid", text)


def conflict(text: str) -> FhirError:
    """412: a precondition of the request does not hold (WB-3, WB-6)."""
    return FhirError(412, "conflict", text)
