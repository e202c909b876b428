"""Hours in which no patient is disturbed."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo


def quiet_until(now: datetime, zone: tzinfo, begins: time, ends: time) -> datetime | None:
    """When the quiet hours end that hold at this moment, in the hospital's zone; `None` outside them.

    Hours that begin in the evening end on the next morning. Equal times mean that there are none.
    """
    local = now.astimezone(zone)
    at = local.time().replace(tzinfo=None)
    over_night = begins > ends
    quiet = at >= begins or at < ends if over_night else begins <= at < ends
    if not quiet:
        return None
    day = local.date() + timedelta(days=1) if over_night and at >= begins else local.date()
    return datetime.combine(day, ends, zone)
