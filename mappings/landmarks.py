"""The days on which a patient is looked at: at the referral, after the second session, after the fourth week.

Source: modelling.md section 5, "Landmarks".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from mappings.bulk import History
from mappings.records import is_exercise, moment_of, period_of

FOUR_WEEKS: Final = timedelta(weeks=4)


def referral_of(history: History) -> datetime | None:
    """When exercise was first referred for, in the zone that it was written in."""
    moments = (moment_of(record, "authoredOn") for record in history.of("ServiceRequest") if is_exercise(record))
    return min((moment for moment in moments if moment is not None), default=None)


def after_session_2(history: History) -> datetime | None:
    """The midnight after the second session, so that what was written down on its day is known."""
    sessions = sessions_of(history)
    return _midnight_after(sessions[1]) if len(sessions) >= 2 else None


def after_week_4(history: History) -> datetime | None:
    """The midnight four weeks after the first session; who never began has none."""
    sessions = sessions_of(history)
    return _midnight_after(sessions[0]) + FOUR_WEEKS if sessions else None


def begin_of(history: History, index: datetime) -> datetime:
    """When the programme began: the first session after the referral, attended or missed; else `index`."""
    referral = referral_of(history) or index
    planned = (moment_of(record, "start") for record in history.of("Appointment") if _was_due(record))
    later = [moment for moment in planned if moment is not None and moment > referral]
    return min((*later, *sessions_of(history)[:1]), default=index)


def sessions_of(history: History) -> list[datetime]:
    """The sessions that were attended after the referral, one a day, the earliest first."""
    referral = referral_of(history)
    if referral is None:
        return []
    visits = (
        period_of(record, "start")
        for record in history.of("Encounter")
        if record.get("status") == "finished" and is_exercise(record)
    )
    kept = (
        moment_of(record, "start")
        for record in history.of("Appointment")
        if record.get("status") == "fulfilled" and is_exercise(record)
    )
    moments = sorted(moment for moment in (*visits, *kept) if moment is not None and moment > referral)
    return list({moment.date(): moment for moment in reversed(moments)}.values())[::-1]


Landmark = Callable[[History], datetime | None]
LANDMARKS: Final[Mapping[str, Landmark]] = {
    "referral": referral_of,
    "session-2": after_session_2,
    "week-4": after_week_4,
}


def _was_due(record: Mapping[str, object]) -> bool:
    return record.get("status") in ("fulfilled", "noshow", "cancelled") and is_exercise(record)


def _midnight_after(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
