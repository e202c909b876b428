"""What clients tell us of our cards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cds_hooks.feedback import decode_feedback
from cds_hooks.ports import Coding
from cds_hooks.reasons import NON_ADHERENCE, OFFERED, Meaning, meaning_of
from mappings.canonical import OPT_OUT_REASONS
from tests.cds_hooks import builders
from tests.cds_hooks.builders import CARD, SERVICE, SUGGESTION
from tests.cds_hooks.conftest import Running

FEEDBACK = f"{SERVICE}/feedback"


def accepted(**changes: Any) -> dict[str, Any]:
    entry = {
        "card": str(CARD),
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": str(SUGGESTION)}],
        "outcomeTimestamp": "2026-11-24T20:41:05Z",
    }
    return {name: value for name, value in (entry | changes).items() if value is not ...}


def overridden(**changes: Any) -> dict[str, Any]:
    reason = {"reason": {"code": "CL-CHOICE", "system": OPT_OUT_REASONS}, "userComment": "prefers surgery first"}
    entry = {
        "card": str(CARD),
        "outcome": "overridden",
        "overrideReason": reason,
        "outcomeTimestamp": "2026-11-24T20:41:05.123Z",
    }
    return {name: value for name, value in (entry | changes).items() if value is not ...}


def send(service: Running, *entries: Any, **token: Any) -> Any:
    body = builders.body({"feedback": list(entries)})
    return service.post(body, path="exercise-referral/feedback", **({"aud": FEEDBACK} | token))


def test_ch_b1_ch_b2_feedback_is_taken_and_given_on(service: Running):
    assert send(service, accepted(), overridden()).status_code == 200
    first, second = service.feedbacks.entries.values()
    assert (first.card, first.outcome, first.suggestions) == (str(CARD), "accepted", (str(SUGGESTION),))
    assert first.at == datetime(2026, 11, 24, 20, 41, 5, tzinfo=UTC)
    assert (second.outcome, second.comment) == ("overridden", "prefers surgery first")
    assert second.reason == Coding("CL-CHOICE", OPT_OUT_REASONS)


WRONG = {
    "CH-B2 not JSON": b"{",
    "CH-B2 a list": b"[]",
    "CH-B2 nested beyond reason": b'{"feedback":' + b"[" * 200_000,
    "CH-B2 no feedback": b"{}",
    "CH-B2 feedback is no list": builders.body({"feedback": accepted()}),
    "CH-B2 an empty list": builders.body({"feedback": []}),
    "CH-B2 an entry that is text": builders.body({"feedback": ["x"]}),
    "CH-B2 no card": builders.body({"feedback": [accepted(card=...)]}),
    "CH-B2 card is no uuid": builders.body({"feedback": [accepted(card="5")]}),
    "CH-B2 no outcome": builders.body({"feedback": [accepted(outcome=...)]}),
    "CH-B2 unknown outcome": builders.body({"feedback": [accepted(outcome="ignored")]}),
    "CH-B2 no time": builders.body({"feedback": [accepted(outcomeTimestamp=...)]}),
    "CH-B2 time is no time": builders.body({"feedback": [accepted(outcomeTimestamp="yesterday")]}),
    "CH-B3 accepted without suggestions": builders.body({"feedback": [accepted(acceptedSuggestions=...)]}),
    "CH-B3 accepted with none": builders.body({"feedback": [accepted(acceptedSuggestions=[])]}),
    "CH-B3 a suggestion without id": builders.body({"feedback": [accepted(acceptedSuggestions=[{}])]}),
    "CH-B3 a reason without code": builders.body(
        {"feedback": [overridden(overrideReason={"reason": {"display": "canary"}})]}
    ),
    "CH-B2 the second of two": builders.body({"feedback": [accepted(), accepted(outcome="canary")]}),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_feedback_is_400_and_nothing_of_it_is_kept(service: Running, case: str):
    response = service.post(WRONG[case], path="exercise-referral/feedback", aud=FEEDBACK)
    assert response.status_code == 400
    assert response.get_json()["resourceType"] == "OperationOutcome"
    assert "canary" not in response.text
    assert service.nothing_written


@pytest.mark.parametrize(
    "reason",
    [..., None, {}, {"userComment": "later"}, {"reason": {"code": "x"}}, {"reason": None, "userComment": None}],
)
def test_ch_b3_an_override_may_lack_any_part_of_its_reason(service: Running, reason: Any):
    assert send(service, overridden(overrideReason=reason)).status_code == 200


def test_ch_b4_repeats_are_welcome_and_kept_once(service: Running):
    assert send(service, accepted(), accepted()).status_code == 200
    assert send(service, accepted(extra={"unknown": []})).status_code == 200
    assert service.feedbacks.received == 3
    assert len(service.feedbacks.entries) == 1


def test_ch_b4_the_same_card_written_in_capitals_is_the_same_card():
    (entry,) = decode_feedback(builders.body({"feedback": [accepted(card=str(CARD).upper())]}))
    assert entry.card == str(CARD)


@pytest.mark.parametrize(("aud", "status"), [(FEEDBACK, 200), (SERVICE, 200), (f"{FEEDBACK}/", 401)])
def test_ch_b6_the_token_names_the_feedback_address_or_the_service(service: Running, aud: str, status: int):
    assert send(service, accepted(), aud=aud).status_code == status


def test_ch_b7_a_comment_is_not_shown_by_python_nor_logged(service: Running, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    send(service, overridden(overrideReason={"userComment": "canary comment"}))
    (entry,) = service.feedbacks.entries.values()
    assert entry.comment == "canary comment"
    assert "canary" not in repr(entry) + caplog.text


def test_feedback_needs_a_token_and_json(service: Running):
    assert service.post(b"{}", path="exercise-referral/feedback", headers={"X": "y"}).status_code == 401
    headers = builders.bearer(aud=FEEDBACK) | {"Content-Type": "text/plain"}
    assert service.post(b"{}", path="exercise-referral/feedback", headers=headers).status_code == 415


@pytest.mark.parametrize(
    ("reason", "meaning", "code"),
    [
        (None, Meaning.CLINICIAN, "CL-OTHER"),
        (Coding("CL-PALL", OPT_OUT_REASONS), Meaning.CLINICIAN, "CL-PALL"),
        (Coding("OO-NOTINT", OPT_OUT_REASONS), Meaning.PATIENT, "OO-NOTINT"),
        (Coding("OO-NEVER", OPT_OUT_REASONS), Meaning.PATIENT, "OO-NEVER"),
        (Coding("OO-ACTIVE", OPT_OUT_REASONS), Meaning.ACTIVE, "OO-ACTIVE"),
        (Coding("patient-refuses", NON_ADHERENCE), Meaning.PATIENT, "OO-NOTINT"),
        (Coding("action-completed", NON_ADHERENCE), Meaning.ACTIVE, "OO-ACTIVE"),
        (Coding("wrong-time-workflow", NON_ADHERENCE), Meaning.SNOOZE, ""),
        (Coding("patient-contraindication", NON_ADHERENCE), Meaning.CLINICIAN, "CL-CONTRA"),
        (Coding("patient-refuses", "https://other.example"), Meaning.CLINICIAN, "CL-OTHER"),
        (Coding("no-such-code", OPT_OUT_REASONS), Meaning.CLINICIAN, "CL-OTHER"),
        (Coding("CL-PALL"), Meaning.CLINICIAN, "CL-OTHER"),
    ],
)
def test_what_an_override_means(reason: Coding | None, meaning: Meaning, code: str):
    assert meaning_of(reason) == (meaning, code)


def test_every_reason_on_a_card_is_understood_when_it_comes_back():
    for reason in OFFERED:
        assert meaning_of(Coding(reason.code, reason.system)) == (reason.meaning, reason.local_code)
