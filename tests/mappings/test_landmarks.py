"""The days on which somebody is looked at."""

from __future__ import annotations

from datetime import datetime

import pytest

from mappings.landmarks import after_session_2, after_week_4, begin_of, sessions_of
from tests.builders import ZONE
from tests.mappings.test_outcomes import EXERCISE, a_history, a_session, a_visit

REFERRED = {"resourceType": "ServiceRequest", "code": EXERCISE, "authoredOn": "2015-03-02T09:00:00+10:30"}


def at(day: int, hour: int = 0, month: int = 3) -> datetime:
    return datetime(2015, month, day, hour, tzinfo=ZONE)


TWO = (a_session("2015-03-10", "fulfilled"), a_session("2015-03-14", "fulfilled"))


@pytest.mark.parametrize(
    ("word", "records", "second", "fourth"),
    [
        ("two sessions", TWO, at(15), at(8, month=4)),
        ("a visit and its appointment are one session", (*TWO, a_visit("2015-03-10", exercise=True)), at(15),
         at(8, month=4)),
        ("a missed one is none", (TWO[0], a_session("2015-03-12", "noshow")), None, at(8, month=4)),
        ("another kind of visit is none", (TWO[0], a_visit("2015-03-12")), None, at(8, month=4)),
        ("before the referral is none", (TWO[0], a_session("2015-02-20", "fulfilled")), None, at(8, month=4)),
        ("never began", (), None, None),
    ],
)  # fmt: skip
def test_the_second_session_and_the_fourth_week(word, records, second, fourth):
    history = a_history(REFERRED, *records)
    # Instants: the fixed offset of the record and the zone of the test name the same moments.
    assert after_session_2(history) == second, word
    assert (after_week_4(history) is None) == (fourth is None), word
    if fourth is not None:
        assert abs((after_week_4(history) - fourth).total_seconds()) <= 3600, word  # summer time ends in between


def test_without_a_referral_nothing_is_a_session_of_the_programme():
    assert sessions_of(a_history(*TWO)) == []
    assert after_session_2(a_history(*TWO)) is None


def test_the_programme_begins_with_the_first_planned_session_attended_or_not():
    history = a_history(REFERRED, a_session("2015-03-05", "noshow"), *TWO)
    assert begin_of(history, at(2, 9)) == at(5, 10)
    assert begin_of(a_history(REFERRED), at(2, 9)) == at(2, 9)
