"""Working days of a hospital, in its own zone and with its own holidays."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

NO_HOLIDAYS: Final[frozenset[date]] = frozenset()
DAY_ENDS: Final = time(17)
_SATURDAY: Final = 5


def is_working_day(day: date, holidays: AbstractSet[date] = NO_HOLIDAYS) -> bool:
    """True from Monday to Friday, holidays apart."""
    return day.weekday() < _SATURDAY and day not in holidays


def working_days_after(
    moment: datetime, days: int, zone: tzinfo, holidays: AbstractSet[date] = NO_HOLIDAYS
) -> datetime:
    """The same time of day so many working days later, in the hospital's zone."""
    local = moment.astimezone(zone)
    day, left = local.date(), days
    while left > 0:
        day += timedelta(days=1)
        left -= is_working_day(day, holidays)
    return datetime.combine(day, local.timetz().replace(tzinfo=None), zone)


def end_of_working_day(moment: datetime, zone: tzinfo, holidays: AbstractSet[date] = NO_HOLIDAYS) -> datetime:
    """When the working day ends in which the moment lies; of the next one, for a moment outside all of them."""
    local = moment.astimezone(zone)
    day = local.date()
    if local.time() >= DAY_ENDS:
        day += timedelta(days=1)
    while not is_working_day(day, holidays):
        day += timedelta(days=1)
    return datetime.combine(day, DAY_ENDS, zone)
