"""Text messages and pages over one generic HTTP provider, against a real server."""

from __future__ import annotations

from socket import socket
from typing import Any

import pytest

from fhirapp.ehr.connect import pooled_session
from fhirapp.messages.errors import SendFailed
from fhirapp.messages.http_sms import HttpSms
from fhirapp.messages.message import Message
from fhirapp.messages.pager import Pager
from fhirapp.messages.web import WebCall
from tests.fhirapp.messages.provider import provider

TEXT = 'A "quoted" word, {to} in braces'
MESSAGE = Message("+491711234567", "", TEXT, "en", "notice/1/sms")


def a_call(url: str, **more: Any) -> WebCall:
    fields = {"to": "{to}", "message": {"text": "{text}", "kind": "sms"}, "parts": ["{from}"]}
    return WebCall(**{"url": url, "http": pooled_session(), "fields": fields, "id_path": "messages.0.id", **more})


def test_json_is_filled_from_the_template_in_one_pass() -> None:
    with provider() as asked:
        call = a_call(asked.url, authorization="Bearer s3cret", key_header="Idempotency-Key")
        assert HttpSms(call, "CityHosp").send(MESSAGE) == "4711"
    (one,) = asked.asked
    assert one["json"] == {"to": MESSAGE.address, "message": {"text": TEXT, "kind": "sms"}, "parts": ["CityHosp"]}
    assert one["headers"]["Authorization"] == "Bearer s3cret"
    assert one["headers"]["Idempotency-Key"] == "notice/1/sms"


def test_form_fields_are_filled_the_same_way() -> None:
    with provider() as asked:
        fields = {"To": "{to}", "Body": "{text}", "From": "{from}"}
        HttpSms(a_call(asked.url, encoding="form", fields=fields), "CityHosp").send(MESSAGE)
    assert asked.asked[0]["form"] == {"To": MESSAGE.address, "Body": TEXT, "From": "CityHosp"}


def test_an_answer_without_an_id_is_taken_all_the_same() -> None:
    with provider() as asked:
        asked.answer = "queued"
        assert HttpSms(a_call(asked.url), "x").send(MESSAGE) == "notice/1/sms"


@pytest.mark.parametrize(
    ("status", "permanent", "doubtful"),
    [(400, True, False), (404, True, False), (401, False, False), (429, False, False), (503, False, False),
     (500, False, True), (302, True, False)],
)  # fmt: skip
def test_what_a_status_means_for_another_try(status: int, permanent: bool, doubtful: bool) -> None:
    with provider() as asked:
        asked.status = status
        with pytest.raises(SendFailed) as failed:
            HttpSms(a_call(asked.url), "x").send(MESSAGE)
    assert (failed.value.permanent, failed.value.doubtful) == (permanent, doubtful)
    assert MESSAGE.address not in str(failed.value)


def test_nobody_there_means_nothing_was_sent() -> None:
    with socket() as silent:  # a port that is taken, and at which nobody listens
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(SendFailed) as failed:
            HttpSms(a_call(f"http://127.0.0.1:{silent.getsockname()[1]}/send"), "x").send(MESSAGE)
    assert (failed.value.permanent, failed.value.doubtful) == (False, False)


def test_a_repeat_is_harmless_only_where_the_provider_takes_a_key() -> None:
    assert not HttpSms(a_call("http://x"), "x").repeatable
    assert HttpSms(a_call("http://x", key_header="Idempotency-Key"), "x").repeatable


def test_a_page_reaches_the_paging_service() -> None:
    with provider() as asked:
        call = a_call(asked.url, fields={"who": "{to}", "text": "{subject}: {text}"})
        Pager(call).send(Message("oncology-on-call", "Stride", "please look", "en", "alarm/1"))
    assert asked.asked[0]["json"] == {"who": "oncology-on-call", "text": "Stride: please look"}
