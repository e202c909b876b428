"""What each error looks like to a CDS client; the only such table of this room."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from flask import Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from cds_hooks import errors
from mappings.errors import ForeignPatient, UnreadableChart
from mappings.outcome import Issue, operation_outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """A status, and the issue code of the OperationOutcome that goes with it (CH-S4)."""

    status: int
    code: str
    text: str = ""  # empty: the error's own text, which is written for the caller


PROBLEMS: Final[dict[type[Exception], Problem]] = {
    errors.UnknownService: Problem(404, "not-found"),
    errors.MalformedCall: Problem(400, "invalid"),
    errors.UnsupportedBody: Problem(415, "not-supported"),
    errors.MissingData: Problem(412, "incomplete"),
    errors.KeysUnavailable: Problem(503, "transient", "The client's public keys are not available at the moment."),
    ForeignPatient: Problem(400, "security", "The chart holds a resource of another patient than context.patientId."),
    UnreadableChart: Problem(400, "structure", "A prefetch value is no FHIR resource."),
    RequestEntityTooLarge: Problem(413, "too-long", "The body is larger than this service reads."),
}

_UNEXPECTED: Final = Problem(500, "exception", "The service failed; no guidance could be worked out.")


def answer_to(error: Exception) -> Response:
    """The response to an error: never a card, never a stack trace, never patient data (CH-S3 to CH-S7)."""
    if isinstance(error, errors.NotAuthenticated):
        log.info("call refused: %s", error)
        return Response(status=401, headers={"WWW-Authenticate": "Bearer"})  # bare: CH-S7, CH-J10
    if isinstance(error, HTTPException) and type(error) not in PROBLEMS:
        return _outcome(Problem(error.code or 500, "processing", error.name), error.name, ())
    problem = PROBLEMS.get(type(error))
    if problem is None:
        # The type only: the text of an exception from below may cite the chart. The house logs the trace.
        log.error("hook call failed: %s", type(error).__name__, exc_info=_without_values(error))
        problem = _UNEXPECTED
    expression: Sequence[str] = getattr(error, "expression", ())
    keys: Sequence[str] = getattr(error, "keys", ())
    return _outcome(problem, problem.text or str(error), [*expression, *(f"prefetch.{key}" for key in keys)])


def _outcome(problem: Problem, text: str, expression: Sequence[str]) -> Response:
    outcome = operation_outcome(Issue(problem.code, text, expression=tuple(expression)))
    return json_response(outcome, problem.status)


def _without_values(error: Exception) -> Any:
    """The traceback with an exception that says only its type: frames are safe, messages may not be."""
    return RuntimeError, RuntimeError(type(error).__name__), error.__traceback__


def json_response(body: Any, status: int = 200) -> Response:
    """A JSON answer that nobody between us and the client keeps."""
    response = Response(msgspec.json.encode(body), status=status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
