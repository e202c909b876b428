"""mappings/datatypes.py"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.datatypes import Dates, between, period_of, reference_id
from models.snapshot import When
from tests.mappings.charts import AS_OF, ZONE

FIRST = datetime(1900, 1, 1)  # noqa: DTZ001 - the test adds the offset
LAST = datetime(2100, 1, 1)  # noqa: DTZ001


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", at(2026, 1, 1), at(2027, 1, 1)),
        ("2026-10", at(2026, 10, 1), at(2026, 11, 1)),
        ("2026-12", at(2026, 12, 1), at(2027, 1, 1)),
        ("2026-11-25", at(2026, 11, 25), at(2026, 11, 26)),
        ("2024-02-29", at(2024, 2, 29), at(2024, 3, 1)),
    ],
)
def test_a_partial_date_is_its_whole_period_in_the_zone(text, first, last):
    when = period_of(text, ZONE)
    assert (when.earliest, when.latest + timedelta(microseconds=1)) == (first, last)
    assert not when.exact


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T22:00:00Z",
        "2026-11-25T09:00:00+11:00",
        "2026-11-24T17:00:00.000-05:00",
        "2026-11-25T09:00:00",
        "2026-11-25T09:00+11:00",
        "2026-11-25T09:00:00.0000000+11:00",
    ],
)
def test_an_instant_is_the_same_whatever_its_offset_and_is_shown_in_the_zone(text):
    when = period_of(text, ZONE)
    assert when.exact
    assert when.latest == at(2026, 11, 25, 9)
    assert when.day == "2026-11-25"


@pytest.mark.parametrize(
    "text",
    [
        "2026-13",
        "2026-02-30",
        "26-11-25",
        "20261125",
        "2026-11-25T",
        "2026-11-25T25:00:00Z",
        "2026-11-25T9",
        "20261125T090000Z",
        "2026-W48-3T09:00:00",
        "25.11.2026",
        "yesterday",
        "2026-1-5",
        "0000",
        "9999",
        "2026-11-25 09:00:00",
        "٢٠٢٦",
    ],
)
def test_what_is_no_fhir_date_is_no_date(text):
    assert period_of(text, ZONE) is None


@given(st.datetimes(FIRST, LAST), st.integers(-14 * 4, 14 * 4))
def test_any_instant_is_read_back_exactly(naive, quarters):
    offset = timedelta(minutes=15 * quarters)
    moment = naive.replace(tzinfo=UTC) - offset
    hours, minutes = divmod(abs(15 * quarters), 60)
    text = f"{naive.isoformat()}{'-' if quarters < 0 else '+'}{hours:02d}:{minutes:02d}"
    if len(text) < 25:
        text = f"{naive:%Y-%m-%dT%H:%M:%S}{text[-6:]}"
    # In UTC: in the hour that the clock is put back, Python never calls moments of two zones equal (PEP 495).
    assert period_of(text, ZONE).latest.astimezone(UTC) == moment


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_any_day_lies_within_its_month_and_its_month_within_its_year(day):
    texts = day.isoformat(), day.isoformat()[:7], day.isoformat()[:4]
    inner, middle, outer = (period_of(text, ZONE) for text in texts)
    assert outer.earliest <= middle.earliest <= inner.earliest <= inner.latest <= middle.latest <= outer.latest


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_and_never_raises(text):
    period_of(text, ZONE)


class TestPlace:
    dates = Dates(AS_OF)

    def when(self, **delta: float) -> When:
        return When(AS_OF + timedelta(**delta), AS_OF + timedelta(**delta))

    def test_what_was_written_down_later_is_not_there_yet(self):
        assert self.dates.place(self.when(days=-9), self.when(days=2)) == "later"

    def test_what_was_on_file_and_is_dated_ahead_is_a_fault(self):
        assert self.dates.place(self.when(days=90), self.when(days=-1)) == "future"

    def test_what_happened_and_was_known_is_past(self):
        assert self.dates.place(self.when(days=-2), self.when(days=-1)) == "past"

    def test_two_clocks_may_differ_by_minutes(self):
        assert self.dates.place(self.when(minutes=5), self.when(minutes=6)) == "past"

    def test_without_a_day_of_writing_only_the_near_future_is_a_fault(self):
        assert self.dates.place(self.when(days=5), None) == "future"
        assert self.dates.place(self.when(days=500), None) == "later"

    def test_a_copy_of_a_record_made_later_does_not_hide_what_it_holds(self):
        assert self.dates.place(self.when(days=-5), None, "2027-01-01T00:00:00Z") == "past"

    def test_today_without_a_time_is_not_in_the_future(self):
        assert self.dates.place(period_of("2026-11-25", ZONE), None) == "past"

    def test_as_of_has_a_zone(self):
        with pytest.raises(ValueError, match="aware"):
            Dates(datetime(2026, 11, 25))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("Patient/7", "7"),
        ("https://ehr/fhir/Patient/7", "7"),
        ("Patient/7/_history/2", "7"),
        ("Group/7", None),
        ("urn:uuid:7", None),
        ("7", None),
    ],
)
def test_the_id_of_a_reference(reference, found):
    assert reference_id(reference, "Patient") == found


def test_a_period_whose_ends_are_swapped_keeps_its_start():
    first, second = period_of("2026-05", ZONE), period_of("2026-03", ZONE)
    assert between(first, second) == first
    assert between(second, first).latest == first.latest
