"""A notice reaches its patient once, or a person; and their time to say no runs from there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from fhirapp.messages.by_hand import ByHand
from fhirapp.messages.delivery import NotYet
from fhirapp.messages.smtp import Smtp
from fhirapp.referrals.errors import TransitionNotAllowed
from fhirapp.referrals.notices import NoticeState
from fhirapp.referrals.status import State
from tests.fhirapp.messages.hospital import Reached, reviewed
from tests.world import NAVIGATOR, PATIENT

pytestmark = pytest.mark.database

DAY = timedelta(days=1)
MOMENT = timedelta(minutes=2)


def work(reached: Reached, by: timedelta = timedelta()) -> None:
    reached.world.pass_time(by)


def state_of(reached: Reached, patient: str, kind: str = "referral") -> NoticeState:
    return reached.notice(patient, kind).status


def test_the_first_channel_that_the_patient_has_is_taken_once(reached: Reached) -> None:
    reached.signed("ada-refer")
    work(reached)
    work(reached, MOMENT)
    (mail,) = reached.mail.mails
    assert mail["To"] == "ada.marlow@example.org"
    assert reached.texts.asked == []
    assert state_of(reached, "ada-refer") is NoticeState.SENT
    assert reached.world.history("ada-refer").count("notice_sent") == 1


def test_the_time_to_say_no_runs_from_when_the_notice_was_sent_and_the_notice_says_so(reached: Reached) -> None:
    reached.at(22)  # quiet hours: it goes out at eight in the morning
    signed = reached.signed("ada-refer")
    work(reached)
    assert reached.mail.mails == []
    reached.at(8)
    work(reached, MOMENT)
    referral = reached.world.referral("ada-refer")
    told = reached.notice("ada-refer").told_at
    assert told is not None
    assert referral.patient_deadline == told + reached.world.tenant.windows.patient
    assert referral.patient_deadline > signed.signed_at + reached.world.tenant.windows.patient
    deadline = referral.patient_deadline.astimezone(reached.world.tenant.zone)
    assert f"{deadline:%-d %B %Y}" in reached.mail.mails[0].get_content()
    work(reached, timedelta(days=7) - timedelta(hours=1))
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN
    work(reached, timedelta(hours=2))
    assert reached.world.referral("ada-refer").status is State.QUEUED


def test_a_patient_without_an_email_gets_a_text_message(reached: Reached) -> None:
    reached.signed("ned-prehab")
    work(reached)
    ((number, text),) = reached.texts.texts
    assert number == "+15550154"
    assert "STOP" in text
    assert state_of(reached, "ned-prehab") is NoticeState.SENT


def test_a_language_that_nobody_has_checked_gets_no_text_message(reached: Reached) -> None:
    reached.signed("oli-neuropathy")  # speaks German, has a telephone only
    work(reached)
    assert reached.texts.asked == []
    assert state_of(reached, "oli-neuropathy") is NoticeState.TO_PHONE


def test_once_somebody_stands_for_the_language_the_text_message_goes_out_in_it(reached: Reached) -> None:
    reached.settings(reviewed=reviewed("de"))
    reached.signed("oli-neuropathy")
    work(reached)
    ((_, text),) = reached.texts.texts
    assert "Antworten Sie STOPP" in text


def test_an_address_that_does_not_exist_leads_to_the_next_channel_at_once(reached: Reached) -> None:
    reached.mail.refuse["ada.marlow@example.org"] = "550 no such person"
    reached.signed("ada-refer")
    work(reached)
    assert reached.deliveries() == [("email", "refused", 1), ("sms", "sent", 1)]
    assert reached.texts.texts[0][0] == "+15550141"
    assert "notice_refused" in reached.world.history("ada-refer")


def test_a_busy_server_is_asked_again_with_longer_pauses_and_the_notice_goes_out_once(reached: Reached) -> None:
    reached.mail.refuse["MAIL"] = "421 too busy"
    reached.signed("ada-refer")
    work(reached)
    work(reached, timedelta(seconds=30))
    assert reached.deliveries() == [("email", "waiting", 1)]
    work(reached, timedelta(seconds=40))
    work(reached, timedelta(minutes=3))
    assert reached.deliveries() == [("email", "waiting", 3)]
    reached.mail.refuse.clear()
    work(reached, timedelta(minutes=10))
    work(reached, timedelta(minutes=10))
    assert reached.deliveries() == [("email", "sent", 4)]
    assert len(reached.mail.mails) == 1


def test_a_server_that_stays_away_half_a_day_is_given_up_and_the_next_channel_taken(reached: Reached) -> None:
    reached.mail.refuse["MAIL"] = "421 too busy"
    reached.signed("ada-refer")
    for _ in range(12):
        work(reached, timedelta(minutes=31))
    assert [row[:2] for row in reached.deliveries()] == [("email", "given-up"), ("sms", "sent")]


def test_where_every_channel_fails_the_referral_waits_for_a_person_and_does_not_go_on(reached: Reached) -> None:
    reached.mail.refuse["RCPT"] = "550 no"
    reached.texts.status = 400
    reached.signed("ada-refer")
    work(reached)
    assert state_of(reached, "ada-refer") is NoticeState.TO_PHONE
    for _ in range(9):
        work(reached, DAY)
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN, "nobody has told the patient"
    assert "not_told" in reached.world.history("ada-refer")
    by_hand(reached, "ada-refer", "told")
    work(reached, timedelta(days=6))
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN, "the time runs from the call"
    work(reached, timedelta(days=1, hours=1))
    assert reached.world.referral("ada-refer").status is State.QUEUED


def by_hand(reached: Reached, patient: str, act: str) -> None:
    stride = reached.world.stride
    notice = reached.notice(patient)
    ByHand(stride.sessions, stride.tenants).do(notice.id, act, actor=NAVIGATOR, now=stride.clock())


def test_a_letter_counts_from_when_it_can_have_come(reached: Reached) -> None:
    reached.settings(channels=("letter",))
    add_address(reached, "ada-refer")
    reached.signed("ada-refer")
    work(reached)
    assert state_of(reached, "ada-refer") is NoticeState.TO_PRINT
    words = reached.words("ada-refer")
    assert words["lines"] == ["7 Mill Lane", "Springfield 12345"]
    work(reached, timedelta(days=8))
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN, "it lies in the printer still"
    by_hand(reached, "ada-refer", "posted")
    with pytest.raises(TransitionNotAllowed):
        by_hand(reached, "ada-refer", "posted")
    posted, told = reached.world.stride.clock(), reached.notice("ada-refer").told_at
    assert told is not None
    assert told - posted > timedelta(days=2, hours=23)
    work(reached, timedelta(days=9))
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN
    work(reached, timedelta(days=1, hours=1))
    assert reached.world.referral("ada-refer").status is State.QUEUED


def add_address(reached: Reached, patient: str) -> None:
    """The record system learns where the patient lives."""
    store = reached.world.ehr.api.store
    resource = next(one for one in store.every("Patient") if one["id"] == patient)
    address = {"use": "home", "line": ["7 Mill Lane"], "city": "Springfield", "postalCode": "12345"}
    store.update("Patient", patient, {**resource, "address": [address]})


def test_a_worker_that_dies_between_sending_and_recording_leaves_a_doubt_and_no_second_message(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached.signed("ada-refer")
    real = Smtp.send

    def dies(sender: Smtp, message: Any) -> str:
        real(sender, message)
        raise KeyboardInterrupt  # like a kill: nothing after it runs

    monkeypatch.setattr(Smtp, "send", dies)
    with pytest.raises(KeyboardInterrupt):
        work(reached)
    monkeypatch.undo()
    work(reached, timedelta(seconds=65))
    work(reached, timedelta(minutes=5))
    assert len(reached.mail.mails) == 1
    assert state_of(reached, "ada-refer") is NoticeState.DOUBTFUL
    work(reached, timedelta(days=8))
    assert reached.world.referral("ada-refer").status is State.OPT_OUT_OPEN, "nobody knows that the patient knows"
    by_hand(reached, "ada-refer", "again")
    reached.at(10)
    work(reached)
    assert [mail["To"] for mail in reached.mail.mails].count("exercise@example.org") == 1, "the navigators' alarm"
    assert len(reached.mail.mails) == 3
    assert state_of(reached, "ada-refer") is NoticeState.SENT


def test_a_provider_that_takes_a_key_is_asked_again_after_a_doubt_with_the_same_key(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms = reached.world.tenant.messages.sms
    assert sms is not None
    reached.settings(channels=("sms",), sms=type(sms)(**{**as_dict(sms), "key_header": "Idempotency-Key"}))
    reached.texts.status = 500
    reached.signed("ada-refer")
    work(reached)
    assert reached.deliveries() == [("sms", "waiting", 1)]
    reached.texts.status = 200
    work(reached, MOMENT)
    assert state_of(reached, "ada-refer") is NoticeState.SENT
    assert len({one["headers"]["Idempotency-Key"] for one in reached.texts.asked}) == 1


def as_dict(settings: Any) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__slots__}


def test_without_a_key_a_doubt_is_shown_and_not_repeated(reached: Reached) -> None:
    reached.settings(channels=("sms",))
    reached.texts.status = 502
    reached.signed("ada-refer")
    for _ in range(5):
        work(reached, timedelta(minutes=31))
    assert len(reached.texts.asked) == 1
    assert state_of(reached, "ada-refer") is NoticeState.DOUBTFUL


def test_who_says_no_before_it_is_sent_gets_the_confirmation_alone(reached: Reached) -> None:
    reached.at(22)
    referral = reached.signed("ada-refer")
    work(reached)
    reached.world.stride.actions.opt_out(referral.id, actor=PATIENT, now=reached.world.stride.clock())
    reached.at(9)
    work(reached)
    assert state_of(reached, "ada-refer") is NoticeState.WITHDRAWN
    (mail,) = reached.mail.mails
    assert mail["Subject"] == "City Hospital: we have stopped your referral"


def test_nothing_is_sent_about_a_referral_that_is_held_and_it_goes_out_when_it_is_signed_again(
    reached: Reached,
) -> None:
    reached.at(22)
    referral = reached.signed("ada-refer")
    reached.world.add_platelets("ada-refer", 8)
    reached.world.stride.windows.reassess("city", referral.id, occasion="test")
    reached.at(9)
    work(reached)
    assert reached.world.referral("ada-refer").status is State.HELD
    assert [mail["Subject"] for mail in reached.mail.mails if mail["To"] == "ada.marlow@example.org"] == []
    assert state_of(reached, "ada-refer") is NoticeState.WAITING


def test_a_missing_password_stops_no_other_channel(reached: Reached) -> None:
    smtp = reached.world.tenant.messages.smtp
    assert smtp is not None
    reached.settings(smtp=type(smtp)(**{**as_dict(smtp), "user": "x", "password": "env:STRIDE_CREDENTIAL_NONE"}))
    reached.signed("ada-refer")
    for _ in range(10):
        work(reached, timedelta(minutes=31))
    assert [row[:2] for row in reached.deliveries()] == [("email", "given-up"), ("sms", "sent")]


def test_no_address_and_no_words_stand_in_what_is_logged_or_kept_open(reached: Reached, caplog: Any) -> None:
    reached.mail.refuse["RCPT"] = "550 ada.marlow@example.org does not live here"
    reached.signed("ada-refer")
    work(reached)
    assert "ada.marlow" not in caplog.text


def test_workers_that_deliver_side_by_side_send_one_message(reached: Reached) -> None:
    referral = reached.signed("ada-refer")

    def deliver(_: int) -> None:
        with suppress(NotYet):
            reached.world.stride.deliveries.deliver("city", referral.id)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(deliver, range(6)))
    assert len(reached.mail.mails) == 1
    assert reached.deliveries() == [("email", "sent", 1)]


def test_nobody_need_be_told_of_a_referral_that_has_ended(reached: Reached) -> None:
    reached.settings(channels=("letter",))
    add_address(reached, "ada-refer")
    referral = reached.signed("ada-refer")
    work(reached)
    assert state_of(reached, "ada-refer") is NoticeState.TO_PRINT
    reached.world.stride.actions.opt_out(referral.id, actor=PATIENT, now=reached.world.stride.clock())
    assert state_of(reached, "ada-refer") is NoticeState.WITHDRAWN
    work(reached)
    assert state_of(reached, "ada-refer", "opted-out") is NoticeState.TO_PRINT, "the confirmation is a letter, too"
