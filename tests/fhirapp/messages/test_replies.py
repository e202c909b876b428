"""STOP, START, HELP: one step, done once, and nothing guessed."""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import requests

from fhirapp.demo.settings import TENANT
from fhirapp.messages.records import NumberStop, Reply
from fhirapp.messages.replies import Replies, open_reply
from fhirapp.messages.settings import ReplySettings
from fhirapp.referrals.status import State
from tests.fhirapp.messages.hospital import SECRET, Reached

pytestmark = pytest.mark.database

ADA, NED = "+15550141", "+15550154"


@pytest.fixture(autouse=True)
def _by_text_message(reached: Reached) -> None:
    reached.settings(channels=("sms",))


def answer(reached: Reached, number: str, text: str, reply_id: str = "", **headers: str) -> int:
    """What the provider hands over, signed as it does."""
    body = json.dumps({"from": number, "text": text, "id": reply_id or f"{number}{text}"}).encode()
    signature = hmac.digest(SECRET.encode(), body, sha256).hex()
    sent = {"Content-Type": "application/json", "X-Signature": signature, **headers}
    url = f"{reached.world.url}/messages/replies/{TENANT}"
    return requests.post(url, data=body, headers=sent, timeout=10).status_code


def told(reached: Reached, *patients: str) -> None:
    """Patients who have had their notice by text message."""
    for patient in patients:
        reached.signed(patient)
    reached.world.worker.run_due()


def replies(reached: Reached) -> list[Reply]:
    with reached.world.stride.sessions() as session:
        return list(session.query(Reply).order_by(Reply.id))


def test_stop_ends_the_referral_at_once_and_is_confirmed_once(reached: Reached) -> None:
    told(reached, "ada-refer")
    assert answer(reached, "+1 555-0141", "Stop.") == 204
    referral = reached.world.referral("ada-refer")
    assert (referral.status, referral.reason_code) == (State.OPTED_OUT, "OO-NOTINT")
    reached.world.worker.run_due()
    assert [text for number, text in reached.texts.texts if "have stopped" in text and number == ADA] != []
    assert answer(reached, "+1 555-0141", "STOP!!") == 204
    assert answer(reached, "+1 555-0141", "Stop.") == 204, "handed over twice"
    reached.world.pass_time(timedelta(minutes=5))
    assert len(reached.texts.asked) == 2, "the notice and one confirmation"
    assert reached.world.history("ada-refer").count("opt_out") == 1
    assert reached.world.written("ada-refer")["ServiceRequest"] == ["revoked"]


def test_after_stop_nothing_more_is_sent_to_the_number(reached: Reached) -> None:
    told(reached, "ada-refer")
    answer(reached, ADA, "STOP")
    reached.world.worker.run_due()
    sent = len(reached.texts.asked)
    assert answer(reached, ADA, "HELP") == 204
    reached.world.pass_time(timedelta(minutes=5))
    assert len(reached.texts.asked) == sent
    assert replies(reached)[-1].needs == "stopped"


def test_stop_before_anybody_has_told_them_is_heard_by_the_number_on_file(reached: Reached) -> None:
    reached.at(22)
    reached.signed("ada-refer")
    answer(reached, ADA, "stopp")
    assert reached.world.referral("ada-refer").status is State.OPTED_OUT


def test_two_patients_on_one_telephone_are_both_stopped_and_a_person_asks(reached: Reached) -> None:
    store = reached.world.ehr.api.store
    ned = next(one for one in store.every("Patient") if one["id"] == "ned-prehab")
    shared = [{"system": "phone", "value": "+1 555 0141", "use": "mobile"}]
    store.update("Patient", "ned-prehab", {**ned, "telecom": shared})
    told(reached, "ada-refer", "ned-prehab")
    answer(reached, ADA, "stop")
    assert reached.world.referral("ada-refer").status is State.OPTED_OUT
    assert reached.world.referral("ned-prehab").status is State.OPTED_OUT
    assert replies(reached)[-1].needs == "shared"
    reached.world.worker.run_due()
    assert len([1 for number, text in reached.texts.texts if "have stopped" in text]) == 1
    answer(reached, ADA, "START")
    assert replies(reached)[-1].needs == "shared"
    reached.world.worker.run_due()
    assert not reached.world.referral("ada-refer").is_open, "nobody is brought back by a guess"


def test_start_brings_the_one_patient_back_with_a_new_referral(reached: Reached) -> None:
    told(reached, "ada-refer")
    first = reached.world.referral("ada-refer")
    answer(reached, ADA, "STOP")
    reached.world.worker.run_due()
    assert answer(reached, ADA, "start") == 204
    reached.world.worker.run_due()
    second = reached.world.referral("ada-refer")
    assert (second.ordinal, second.is_open) == (2, True)
    assert second.status is State.OPT_OUT_OPEN, "the standing order signs: nobody had declined before"
    assert second.requester == "Practitioner/dr-okafor"
    assert reached.world.by_id(first.id).status is State.OPTED_OUT
    with reached.world.stride.sessions() as session:
        assert not session.query(NumberStop).one().stands
    words = [text for _, text in reached.texts.texts]
    assert any("you will hear from us" in text for text in words)
    assert "referred you" in words[-1], "and the new notice goes out"


def test_start_opens_nothing_while_the_chart_holds(reached: Reached) -> None:
    told(reached, "ada-refer")
    answer(reached, ADA, "STOP")
    reached.world.add_platelets("ada-refer", 8)
    answer(reached, ADA, "START")
    reached.world.worker.run_due()
    assert reached.world.referral("ada-refer").status is State.HELD


def test_help_says_how_to_reach_us_once_a_day(reached: Reached) -> None:
    told(reached, "ada-refer")
    for number in range(3):
        assert answer(reached, ADA, "help", f"h{number}") == 204
        reached.world.worker.run_due()
    assert [text for _, text in reached.texts.texts if "+1 555 0110. In an emergency" in text] == [
        reached.texts.texts[-1][1]
    ]
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN


@pytest.mark.parametrize("text", ["yes", "OK", "what is this?", "👍"])
def test_what_we_do_not_understand_goes_to_a_person_and_changes_nothing(reached: Reached, text: str) -> None:
    told(reached, "ada-refer")
    answer(reached, ADA, text)
    (row,) = replies(reached)
    assert (row.needs, row.urgent) == ("unknown", False)
    assert open_reply(row, reached.world.stride.sealer) == {"number": ADA, "text": text}
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN


def test_a_symptom_is_marked_urgent_also_beside_a_stop(reached: Reached) -> None:
    told(reached, "ada-refer")
    answer(reached, ADA, "STOP I have chest pain")
    (row,) = replies(reached)
    assert row.urgent
    assert row.needs == "unknown"
    assert reached.world.referral("ada-refer").status is State.OPTED_OUT


def test_a_stop_from_a_number_that_we_do_not_know_is_kept_and_shown(reached: Reached) -> None:
    answer(reached, "+15559999", "STOP")
    (row,) = replies(reached)
    assert row.needs == "nobody"
    assert reached.texts.asked == []


@pytest.mark.parametrize("signature", ["", "sha256=", "0" * 64, "ü"])
def test_an_answer_that_the_provider_has_not_signed_is_refused(reached: Reached, signature: str) -> None:
    told(reached, "ada-refer")
    assert answer(reached, ADA, "STOP", **{"X-Signature": signature.encode().decode("latin-1")}) == 403
    assert replies(reached) == []
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN


def test_another_hospital_and_one_without_replies_are_refused_alike(reached: Reached) -> None:
    url = f"{reached.world.url}/messages/replies"
    assert requests.post(f"{url}/nowhere", json={}, timeout=10).status_code == 403
    reached.settings(replies=None)
    assert answer(reached, ADA, "STOP") == 403


def test_a_form_with_a_shared_secret_works_too(reached: Reached) -> None:
    told(reached, "ada-refer")
    old = reached.world.tenant.messages.replies
    assert old is not None
    reached.settings(replies=ReplySettings(old.secret, "X-Key", "secret", "From", "Body", "MessageSid"))
    url = f"{reached.world.url}/messages/replies/{TENANT}"
    form = {"From": ADA, "Body": "Stop", "MessageSid": "SM1"}
    assert requests.post(url, data=form, headers={"X-Key": "wrong"}, timeout=10).status_code == 403
    assert requests.post(url, data=form, headers={"X-Key": SECRET}, timeout=10).status_code == 204
    assert reached.world.referral("ada-refer").status is State.OPTED_OUT


def test_a_crash_after_keeping_the_answer_loses_nothing(reached: Reached, monkeypatch: pytest.MonkeyPatch) -> None:
    told(reached, "ada-refer")

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Replies, "_handle", dies)
    with pytest.raises(KeyboardInterrupt):
        reached.world.stride.replies.receive(TENANT, ADA, "STOP", "1")
    monkeypatch.undo()
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN
    reached.world.pass_time(timedelta(minutes=1))
    assert reached.world.referral("ada-refer").status is State.OPTED_OUT


def test_an_answer_is_answered_at_once_also_at_night(reached: Reached) -> None:
    told(reached, "ada-refer")
    reached.at(23, day=0)
    answer(reached, ADA, "STOP")
    reached.world.worker.run_due()
    assert "have stopped" in reached.texts.texts[-1][1]


def test_a_confirmation_that_the_provider_did_not_take_is_tried_again_on_the_same_channel(reached: Reached) -> None:
    told(reached, "ada-refer")
    reached.texts.status = 503
    answer(reached, ADA, "STOP")
    reached.world.worker.run_due()
    reached.texts.status = 200
    reached.world.pass_time(timedelta(minutes=2))
    assert reached.notice("ada-refer", "opted-out").state == "sent"
    assert reached.texts.texts[-1] == reached.texts.texts[-2]
