"""Working days, with holidays, in the hospital's own zone."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from fhirapp.working_days import end_of_working_day, working_days_after

ZONE = ZoneInfo("Asia/Kathmandu")
HOLIDAYS = frozenset({date(2026, 12, 25), date(2026, 12, 28)})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-12-23T10:00", 1, "2026-12-24T10:00"),
        ("2026-12-24T10:00", 1, "2026-12-29T10:00"),  # Friday and Monday are holidays
        ("2026-12-26T10:00", 1, "2026-12-29T10:00"),
        ("2026-12-21T10:00", 5, "2026-12-30T10:00"),
    ],
)
def test_holidays_and_weekends_do_not_count(start: str, days: int, end: str) -> None:
    assert working_days_after(at(start), days, ZONE, HOLIDAYS) == at(end)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-12-23T10:00", "2026-12-23T17:00"),
        ("2026-12-23T17:00", "2026-12-24T17:00"),
        ("2026-12-24T20:00", "2026-12-29T17:00"),
        ("2026-12-26T03:00", "2026-12-29T17:00"),
    ],
)
def test_the_working_day_ends_at_five(moment: str, end: str) -> None:
    assert end_of_working_day(at(moment), ZONE, HOLIDAYS) == at(end)
