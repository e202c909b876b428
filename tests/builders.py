"""Small makers of values: a test says only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from models.inputs import INPUTS, SAFETY_QUESTIONS
from models.snapshot import Fact, PatientSnapshot, Reading, When

ZONE = ZoneInfo("Australia/Adelaide")  # not UTC, and half an hour off, to catch zone bugs
AS_OF = datetime(2026, 11, 25, 23, 59, 59, tzinfo=ZONE)


def a_when(
    *, days_ago: float = 0, hours_ago: float | None = None, on: date | None = None, certain: bool = True
) -> When:
    """A whole calendar day before `AS_OF` (or `on` a date); with `hours_ago` an instant."""
    if hours_ago is not None:
        moment = AS_OF - timedelta(hours=hours_ago)
        return When(moment, moment, certain)
    day = on or (AS_OF - timedelta(days=days_ago)).date()
    start = datetime.combine(day, time.min, ZONE)
    return When(start, datetime.combine(day, time(23, 59, 59), ZONE), certain)


def a_reading(alias: str, value: float | bool | str, *, days_ago: float = 0, **more: Any) -> Reading:
    """A final clinic value of an input, in its canonical unit, taken `days_ago` days before `AS_OF`."""
    when = more.pop("when", None) or a_when(days_ago=days_ago, hours_ago=more.pop("hours_ago", None))
    source = more.pop("source", f"Observation/{alias}-{days_ago:g}")
    known = INPUTS.get(alias)
    return Reading(alias, value, more.pop("unit", known.unit if known else ""), when, source, **more)


def a_fact(value_set: str, *, days_ago: float | None = 30, **more: Any) -> Fact:
    """An active, confirmed condition of a value set that began `days_ago` days ago (`None`: no date)."""
    start = more.pop("start", None) or (None if days_ago is None else a_when(days_ago=days_ago))
    return Fact(
        value_set=value_set,
        kind=more.pop("kind", "condition"),
        system=more.pop("system", "http://hl7.org/fhir/sid/icd-10-cm"),
        code=more.pop("code", "X00"),
        display=more.pop("display", value_set),
        source=more.pop("source", f"Condition/{value_set}"),
        start=start,
        **more,
    )


def a_dose(*value_sets: str, days_ago: float = 10, drug: str = "paclitaxel", **more: Any) -> tuple[Fact, ...]:
    """One administration of a drug, once per value set it belongs to (`vs.cytotoxic` if unnamed)."""
    return tuple(
        a_fact(
            name,
            days_ago=days_ago,
            kind="administration",
            display=drug,
            source=f"MedicationAdministration/{drug}-{days_ago:g}",
            details={"drug": drug},
            **more,
        )
        for name in value_sets or ("vs.cytotoxic",)
    )


def answers(days_ago: float = 1, **positive: bool) -> tuple[Reading, ...]:
    """All six safety questions answered `no`, except those named: `answers(chest_pain=True)`."""
    said = {name.replace("_", "-"): value for name, value in positive.items()}
    return tuple(
        a_reading(
            alias,
            said.get(alias, False),
            days_ago=days_ago,
            source=f"QuestionnaireResponse/1#{alias}",
            patient_reported=True,
        )
        for alias in SAFETY_QUESTIONS
    )


def a_cancer(**more: Any) -> Fact:
    """An active breast cancer that began a year ago."""
    return a_fact(
        "vs.cancer",
        days_ago=more.pop("days_ago", 365),
        code="C50.912",
        display="Malignant neoplasm of female breast",
        source="Condition/cancer",
        **more,
    )


def series_of(readings: Iterable[Reading]) -> dict[str, tuple[Reading, ...]]:
    """Readings by alias, newest first, as a snapshot holds them."""
    grouped: dict[str, list[Reading]] = {}
    for reading in readings:
        grouped.setdefault(reading.alias, []).append(reading)
    return {
        alias: tuple(sorted(group, key=lambda reading: reading.when.latest, reverse=True))
        for alias, group in grouped.items()
    }


def facts_of(facts: Iterable[Fact]) -> dict[str, tuple[Fact, ...]]:
    """Facts by value set, newest first, undated last."""
    grouped: dict[str, list[Fact]] = {}
    for fact in facts:
        grouped.setdefault(fact.value_set, []).append(fact)
    oldest = datetime.min.replace(tzinfo=ZONE)
    return {
        name: tuple(sorted(group, key=lambda f: f.start.latest if f.start else oldest, reverse=True))
        for name, group in grouped.items()
    }


def a_snapshot(
    *readings: Reading,
    facts: Iterable[Fact] = (),
    as_of: datetime = AS_OF,
    born: date | None = date(1968, 3, 14),
    answered: bool = True,
    cancer: bool = True,
    **more: Any,
) -> PatientSnapshot:
    """A woman of 58 with breast cancer and answered safety questions, and the readings and facts given."""
    given = list(readings)
    if answered:
        asked = {reading.alias for reading in given}
        given += [reading for reading in answers() if reading.alias not in asked]
    return PatientSnapshot(
        patient_id=more.pop("patient_id", "p1"),
        as_of=as_of,
        birth=None if born is None else a_when(on=born),
        sex=more.pop("sex", "female"),
        values=series_of(given),
        facts=facts_of([*([a_cancer()] if cancer else []), *facts]),
        **more,
    )


NORMAL: Mapping[str, float] = {
    "platelets": 240,
    "hb": 128,
    "anc": 3.4,
    "wbc": 6.1,
    "sbp": 122,
    "dbp": 76,
    "hr_rest": 72,
    "spo2": 98,
    "temp": 36.6,
    "ecog": 1,
    "lvef": 62,
}


def normal_readings(days_ago: float = 2, **instead: float | None) -> tuple[Reading, ...]:
    """Fresh normal values of what most rules ask for; `hb=8` changes one, `lvef=None` leaves one out."""
    values: dict[str, float | None] = {**NORMAL, **instead}
    return tuple(a_reading(alias, value, days_ago=days_ago) for alias, value in values.items() if value is not None)


def a_treated_patient(
    *readings: Reading, facts: Iterable[Fact] = (), dose_days_ago: float = 16, **more: Any
) -> PatientSnapshot:
    """An eligible patient on adjuvant paclitaxel, last dose 16 days ago, everything normal and answered.

    Readings given stand beside the normal ones and, being first, replace those of the same alias.
    """
    named = {reading.alias for reading in readings}
    normal = [reading for reading in normal_readings() if reading.alias not in named]
    doses = a_dose("vs.cytotoxic", "vs.neurotoxic", days_ago=dose_days_ago)
    return a_snapshot(*readings, *normal, facts=[*doses, *facts], **more)
