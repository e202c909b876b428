"""What an EHR may answer, as far as it changes what we do. Source: standards.md 6.2.

EhrError
├── EhrUnavailable   500: worth another try, after `retry_after`
│   └── EhrDown      no answer, 429, 502, 503, 504: nothing else need be tried there now
├── EhrRefused       400, 401, 403, 415, 422: another try cannot help; a person must look
├── EhrConflict      409, 412, 428: somebody changed it first
└── EhrMissing       404, 410: it is not there
"""

from __future__ import annotations


class EhrError(Exception):
    """Any trouble with the EHR. Messages carry method, resource type and status, never content."""

    def __init__(self, message: str, status: int | None = None, issues: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.issues = issues  # codes of the OperationOutcome; its texts may hold patient data


class EhrUnavailable(EhrError):
    """No answer, or "not now"."""

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status)
        self.retry_after = retry_after  # seconds, as the EHR asked


class EhrDown(EhrUnavailable):
    """The EHR does not answer, or asks for peace: true for everything else that it would be asked."""


class EhrRefused(EhrError):
    """The EHR will not do this, however often we ask."""


class EhrConflict(EhrError):
    """Somebody changed the resource first, or several match."""


class EhrMissing(EhrError):
    """The resource is not there."""
