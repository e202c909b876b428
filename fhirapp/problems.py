"""What each error looks like from outside: status, title, advice; the only such table of the app.

A browser gets a page with a reference number, a program `application/problem+json` (RFC 9457). CDS Hooks calls are
answered by their own room, as OperationOutcomes. Nothing here holds patient data: errors carry none in their class,
and their messages go nowhere but the log.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from flask import Flask, Response, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from fhirapp.ehr import errors as ehr
from fhirapp.messages import errors as message
from fhirapp.referrals import errors as referral
from fhirapp.ui import errors as page
from fhirapp.ui.language import said, speak
from mappings import errors as mapping
from models.text import N_, Text
from smart_launch import errors as smart

log = logging.getLogger("stride.problems")


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem; its page is `/problems/<slug>`."""

    slug: str
    status: int
    title: Text
    advice: Text


_AGAIN: Final = N_("Please close this page and open the app again from the patient's chart.")
_LATER: Final = N_("Nothing was lost and nothing was decided. Please try again in a moment.")
_LOOK: Final = N_("Go back, load the page again and look at what has changed.")
_REPORT: Final = N_("Please tell your support and give them the reference number.")

ACCESS_ENDED: Final = Problem("access-ended", 403, N_("Your access to the record system has ended"), _AGAIN)
UNEXPECTED: Final = Problem("unexpected", 500, N_("Something went wrong on our side"), _REPORT)
NOT_FOUND: Final = Problem(
    "not-found", 404, N_("There is no such page"), N_("Check the address, or open the app again from the chart.")
)
BAD_REQUEST: Final = Problem("bad-request", 400, N_("The request cannot be understood"), _LOOK)

PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    page.SessionUnknown: Problem("session-ended", 403, N_("This page is no longer open"), _AGAIN),
    page.FormRefused: Problem("form-refused", 403, N_("This form is out of date"), _LOOK),
    page.AccessEnded: ACCESS_ENDED,
    page.NotForYou: Problem(
        "not-for-you",
        403,
        N_("There is nothing to show here"),
        N_(
            "Open the app from a patient's chart. The queue of referrals is for the exercise navigators that your "
            "hospital has named in the settings."
        ),
    ),
    referral.ReferralNotFound: Problem("referral-not-found", 404, N_("There is no such referral"), _LOOK),
    referral.TransitionNotAllowed: Problem(
        "transition-not-allowed", 409, N_("The referral has already moved on"), _LOOK
    ),
    referral.HoldOpen: Problem(
        "hold-open",
        409,
        N_("Safety forbids this step for now"),
        N_("A hold, a missing clearance or missing safety answers stand against it. The referral's page says which."),
    ),
    referral.StandingOrderLapsed: Problem(
        "standing-order-lapsed",
        409,
        N_("The standing order no longer covers this referral"),
        N_("A clinician has to sign it."),
    ),
    referral.LinkRefused: Problem(
        "link-refused",
        404,
        N_("This link no longer works"),
        N_("Please call the number in your letter: one word is enough, and you need give no reason."),
    ),
    message.ReplyRefused: Problem(
        "reply-refused",
        403,
        N_("This answer is not signed by the provider"),
        N_("Check the secret of the replies in the settings of the hospital and at the provider."),
    ),
    message.SendFailed: Problem("message-not-sent", 502, N_("The message was not taken"), _LATER),
    ehr.EhrUnavailable: Problem("ehr-unavailable", 503, N_("The record system did not answer"), _LATER),
    ehr.EhrConflict: Problem(
        "ehr-conflict", 409, N_("Somebody changed this in the record system at the same time"), _LOOK
    ),
    ehr.EhrMissing: Problem("ehr-missing", 502, N_("The record system does not have what it should have"), _REPORT),
    ehr.EhrRefused: Problem("ehr-refused", 502, N_("The record system does not allow this"), _REPORT),
    smart.ServerUnreachable: Problem("ehr-unavailable", 503, N_("The record system did not answer"), _LATER),
    smart.ServerFault: Problem("sign-in-failed", 502, N_("Signing in through the record system did not work"), _REPORT),
    smart.BadLaunchRequest: Problem("bad-launch", 400, N_("The app was not opened from a record system"), _AGAIN),
    smart.UnknownIssuer: Problem("unknown-issuer", 400, N_("This record system is not connected"), _REPORT),
    smart.LaunchRefused: Problem("launch-refused", 403, N_("The app could not be opened"), _AGAIN),
    smart.KeyFault: Problem("key-fault", 500, N_("The service cannot prove who it is"), _REPORT),
    mapping.ForeignPatient: Problem(
        "foreign-patient", 502, N_("The record system sent data of another patient, so nothing is shown"), _REPORT
    ),
    mapping.UnreadableChart: Problem("unreadable-chart", 502, N_("The chart cannot be read"), _REPORT),
    mapping.InvalidResource: Problem(
        "invalid-resource", 500, N_("What we would have written is not valid, so it was not sent"), _REPORT
    ),
    mapping.InvalidConceptMap: Problem("not-set-up", 500, N_("The service is not set up rightly"), _REPORT),
}

BY_SLUG: Final[Mapping[str, Problem]] = {
    problem.slug: problem for problem in (*PROBLEMS.values(), UNEXPECTED, NOT_FOUND, BAD_REQUEST)
}


def problem_of(error: Exception) -> Problem:
    """The problem that an error is: of its class or the nearest one above it."""
    if isinstance(error, HTTPException):
        return _of_http(error)
    return next((PROBLEMS[cls] for cls in type(error).__mro__ if cls in PROBLEMS), UNEXPECTED)


def register_problems(app: Flask, house: object = None) -> None:
    """Answer every error of the app's own pages and JSON; a blueprint's own handlers go first."""
    app.register_error_handler(Exception, answer_to)


def answer_to(error: Exception) -> Response:
    """The page or the JSON for one error, logged with a reference number that the person can pass on."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return make_response(error.get_response())
    problem, reference = problem_of(error), secrets.token_hex(4)
    _write_log(error, problem, reference)
    answer = _as_page(error, problem, reference) if _is_browser() else _as_json(problem, reference)
    answer.status_code = problem.status
    answer.headers["Cache-Control"] = "no-store"
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                answer.headers[name] = value
    return answer


def _as_page(error: Exception, problem: Problem, reference: str) -> Response:
    if "language" not in g:
        speak(request.accept_languages.values())
    told = error.text if isinstance(error, smart.LaunchRefused) else None
    return make_response(render_template("problem.html", problem=problem, reference=reference, told=told))


def _as_json(problem: Problem, reference: str) -> Response:
    body: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": said(problem.title),
        "status": problem.status,
        "detail": said(problem.advice),
        "instance": f"urn:stride:problem:{reference}",
    }
    return Response(orjson.dumps(body), mimetype="application/problem+json")


def _is_browser() -> bool:
    """A browser names text/html itself; a program that takes anything gets JSON."""
    return any(kind == "text/html" for kind, _ in request.accept_mimetypes)


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    if status == NOT_FOUND.status:
        return NOT_FOUND
    if status >= 500:
        return UNEXPECTED
    title = N_("{name}", name=error.name)
    return Problem(BAD_REQUEST.slug, status, BAD_REQUEST.title if status == 400 else title, BAD_REQUEST.advice)


def _write_log(error: Exception, problem: Problem, reference: str) -> None:
    """The trace of what nobody expected; of the rest the class only. Messages may cite the chart, so none is kept."""
    name = type(error).__name__
    if problem is UNEXPECTED and not isinstance(error, HTTPException):
        log.error("%s: %s", reference, name, exc_info=(RuntimeError, RuntimeError(name), error.__traceback__))
    else:
        log.info("%s: %s, answered %s", reference, name, problem.status)
