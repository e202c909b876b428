"""Numbers in one spelling."""

from __future__ import annotations

import pytest

from fhirapp.messages.quiet import quiet_until
from fhirapp.messages.telephone import Numbers, e164


@pytest.mark.parametrize(
    ("said", "country", "number"),
    [
        ("+44 1632 960001", "", "+441632960001"),
        ("+44 (0)1632 960-001", "", "+441632960001"),
        ("0044 1632 960001", "49", "+441632960001"),
        ("01632 960001", "44", "+441632960001"),
        ("0171/1234567", "49", "+491711234567"),
        ("491711234567", "49", "+491711234567"),
        ("(555) 555-0141", "1", "+15555550141"),
        ("15555550141", "1", "+15555550141"),
        ("01632 960001", "", None),
        ("CityHosp", "44", None),
        ("07911 CALLME1", "44", None),
        ("+44", "", None),
        ("", "44", None),
    ],
)
def test_a_number_has_one_spelling(said: str, country: str, number: str | None) -> None:
    assert e164(said, country) == number


def test_a_digest_tells_no_number_and_differs_between_hospitals() -> None:
    numbers = Numbers(b"x" * 32)
    digest = numbers.digest("city", "+441632960001")
    assert "1632" not in digest
    assert digest != numbers.digest("other", "+441632960001")
    assert digest != Numbers(b"y" * 32).digest("city", "+441632960001")


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-25T14:14:00+00:00", None),  # 19:59 in Kathmandu
        ("2026-11-25T14:15:00+00:00", "2026-11-26T08:00"),  # 20:00
        ("2026-11-25T20:00:00+00:00", "2026-11-26T08:00"),  # 01:45 of the next day
        ("2026-11-26T02:14:00+00:00", "2026-11-26T08:00"),  # 07:59
        ("2026-11-26T02:15:00+00:00", None),  # 08:00
    ],
)
def test_quiet_hours_are_those_of_the_hospitals_zone(now: str, until: str | None) -> None:
    from datetime import datetime, time
    from zoneinfo import ZoneInfo

    ends = quiet_until(datetime.fromisoformat(now), ZoneInfo("Asia/Kathmandu"), time(20), time(8))
    assert (ends.isoformat()[:16] if ends else None) == until


def test_equal_times_mean_no_quiet_hours_and_hours_within_a_day_work_too() -> None:
    from datetime import UTC, datetime, time

    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert quiet_until(noon, UTC, time(8), time(8)) is None
    assert quiet_until(noon, UTC, time(11), time(13)) == datetime(2026, 11, 25, 13, tzinfo=UTC)
