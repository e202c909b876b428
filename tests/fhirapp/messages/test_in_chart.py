"""What a patient was told stands in the chart as it went: by which way, when, and that it went at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from fhirapp.messages.by_hand import ByHand
from fhirapp.referrals.notices import NoticeState
from tests.fhirapp.messages.hospital import Reached
from tests.fhirapp.messages.test_delivery import add_address
from tests.world import NAVIGATOR, PATIENT

pytestmark = pytest.mark.database


def in_chart(reached: Reached, patient: str) -> list[dict[str, Any]]:
    """The notices in the record system, oldest first."""
    return [
        one
        for one in reached.world.ours(patient, "Communication")
        if one["category"][0]["coding"][0]["code"] != "alert"
    ]


def medium_of(one: dict[str, Any]) -> str:
    return str(one["medium"][0]["coding"][0]["code"])


def by_hand(reached: Reached, patient: str, act: str) -> None:
    hands = ByHand(reached.world.stride.sessions, reached.world.stride.tenants)
    hands.do(reached.notice(patient).id, act, actor=NAVIGATOR, now=reached.world.stride.clock())
    reached.world.worker.run_due()


def test_an_e_mail_stands_there_when_it_has_been_taken_and_not_before(reached: Reached) -> None:
    reached.signed("ada-refer")
    assert in_chart(reached, "ada-refer") == []
    reached.world.worker.run_due()
    (told,) = in_chart(reached, "ada-refer")
    assert (told["status"], medium_of(told)) == ("completed", "EMAILWRIT")
    assert "http" not in told["payload"][0]["contentString"]


def test_a_text_message_has_no_subject_and_stands_there_all_the_same(reached: Reached) -> None:
    reached.settings(channels=("sms",))
    reached.signed("ada-refer")
    reached.world.worker.run_due()
    (told,) = in_chart(reached, "ada-refer")
    assert (medium_of(told), told["topic"]["text"]) == ("SMSWRIT", "Exercise referral")


def test_a_letter_was_sent_on_the_day_that_it_was_posted(reached: Reached) -> None:
    reached.settings(channels=("letter",))
    add_address(reached, "ada-refer")
    reached.signed("ada-refer")
    reached.world.worker.run_due()
    assert in_chart(reached, "ada-refer") == [], "it lies there to be printed"
    reached.world.stride.clock.move(timedelta(hours=5))
    posted = reached.world.stride.clock()
    by_hand(reached, "ada-refer", "posted")
    (told,) = in_chart(reached, "ada-refer")
    assert medium_of(told) == "MAILWRIT"
    assert abs(datetime.fromisoformat(told["sent"]) - posted) < timedelta(minutes=1)


def test_who_was_told_by_telephone_is_so_in_the_chart_without_words_that_nobody_said(reached: Reached) -> None:
    reached.settings(channels=("letter",))
    add_address(reached, "ada-refer")
    reached.signed("ada-refer")
    reached.world.worker.run_due()
    by_hand(reached, "ada-refer", "told")
    (told,) = in_chart(reached, "ada-refer")
    assert medium_of(told) == "PHONE"
    assert told["payload"] == [{"contentString": "Exercise referral"}]


def test_a_notice_that_was_taken_back_is_there_as_not_done(reached: Reached) -> None:
    reached.settings(channels=("letter",))
    add_address(reached, "ada-refer")
    referral = reached.signed("ada-refer")
    reached.world.worker.run_due()
    reached.world.stride.actions.opt_out(referral.id, actor=PATIENT, now=reached.world.stride.clock())
    reached.world.worker.run_due()
    assert reached.notice("ada-refer").status is NoticeState.WITHDRAWN
    (told,) = in_chart(reached, "ada-refer")
    assert (told["status"], "sent" in told, "medium" in told) == ("not-done", False, False)
    assert told["statusReason"]["text"] == "There was no reason to send it any more"


def test_a_doubt_is_written_when_somebody_has_settled_it(reached: Reached) -> None:
    reached.settings(channels=("sms",))
    reached.texts.status = 500
    reached.signed("ada-refer")
    reached.world.worker.run_due()
    assert reached.notice("ada-refer").status is NoticeState.DOUBTFUL
    assert in_chart(reached, "ada-refer") == []
    by_hand(reached, "ada-refer", "arrived")
    assert [one["status"] for one in in_chart(reached, "ada-refer")] == ["completed"]
