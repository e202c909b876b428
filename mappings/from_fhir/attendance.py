"""How many of the planned exercise sessions a patient came to, from the appointments of the chart."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from mappings.codes import SNOMED
from mappings.datatypes import Dates
from mappings.from_fhir.concepts import codings
from mappings.from_fhir.derived import Series
from mappings.records import EXERCISE
from mappings.structs import Appointment
from models.snapshot import Reading, When

ALIAS: Final = "sessions_attended_share"
_YEAR: Final = timedelta(days=365)
_DUE: Final = ("fulfilled", "noshow", "cancelled")


def add_attendance(appointments: list[Appointment], dates: Dates, series: Series) -> None:
    """Adds the share of the sessions of the last year that were attended, dated by the last one; none without any.

    Source: modelling.md section 5, "Features": attendance history first, from the status of appointments.
    """
    due = [(when, one) for one in appointments if (when := _due(one, dates)) is not None]
    if not due:
        return
    last, newest = max(due, key=lambda pair: pair[0].latest)
    share = sum(one.status == "fulfilled" for _, one in due) / len(due)
    series[ALIAS] = [Reading(ALIAS, round(share, 4), "1", last, f"Appointment/{newest.id}")]


def _due(one: Appointment, dates: Dates) -> When | None:
    if one.status not in _DUE or not _is_exercise(one):
        return None
    when = dates.when(one.start)
    past = when is not None and when.latest <= dates.as_of and dates.as_of - when.latest <= _YEAR
    return when if past else None


def _is_exercise(one: Appointment) -> bool:
    concepts = [*(one.service_type or []), *(one.reason_code or []), *(one.service_category or [])]
    return any(coding.system == SNOMED and coding.code in EXERCISE for coding in codings(*concepts))
