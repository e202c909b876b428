"""On which occasions somebody who said no may be asked again."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.occasions import BETTER, DIAGNOSIS, DISCHARGE, FATIGUE, discharged_at, is_inpatient, occasions_since
from models.snapshot import Fact, PatientSnapshot, Reading, When

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=ZoneInfo("Asia/Kathmandu"))
NO = NOW - timedelta(days=30)


def at(days_after_no: float) -> When:
    moment = NO + timedelta(days=days_after_no)
    return When(moment, moment)


def stay(start: float | None, end: float | None = None) -> Fact:
    state = "active" if end is None else "history"
    began, ended = (None if day is None else at(day) for day in (start, end))
    return Fact("vs.inpatient", "encounter", "", "IMP", "Inpatient", "Encounter/1", began, ended, state)  # type: ignore[arg-type]


def diagnosis(code: str, start: float | None, *, confirmed: bool = True, into: str = "vs.cancer") -> Fact:
    began = None if start is None else at(start)
    return Fact(into, "condition", "icd", code, code, f"Condition/{code}-{start}", began, confirmed=confirmed)


def fatigue(value: float, day: float, alias: str = "fatigue_nrs") -> Reading:
    return Reading(alias, value, "{score}", at(day), f"Observation/{day}")


def a_snapshot(*facts: Fact, readings: tuple[Reading, ...] = ()) -> PatientSnapshot:
    sets: dict[str, tuple[Fact, ...]] = {}
    for fact in facts:
        sets[fact.value_set] = (*sets.get(fact.value_set, ()), fact)
    values: dict[str, tuple[Reading, ...]] = {}
    for one in sorted(readings, key=lambda one: one.when.latest, reverse=True):
        values[one.alias] = (*values.get(one.alias, ()), one)
    return PatientSnapshot("p", NOW, facts=sets, values=values)


@pytest.mark.parametrize(
    ("word", "facts", "readings", "found"),
    [
        ("nothing happened", (), (), set()),
        ("left hospital after the no", (stay(1, 10),), (), {DISCHARGE}),
        ("left before it", (stay(-10, -1),), (), set()),
        ("left and is in again", (stay(1, 10), stay(12)), (), set()),
        ("a new cancer", (diagnosis("C50", -90), diagnosis("C34", 5)), (), {DIAGNOSIS}),
        ("the same one recorded again", (diagnosis("C50", -90), diagnosis("C50", 5)), (), set()),
        ("metastases", (diagnosis("C50", -90), diagnosis("C79.5", 5, into="vs.cancer_secondary")), (), {DIAGNOSIS}),
        ("a suspicion", (diagnosis("C50", -90), diagnosis("C34", 5, confirmed=False)), (), set()),
        ("a diagnosis without a date", (diagnosis("C34", None),), (), set()),
        ("a complaint of no concern here", (diagnosis("J06", 5, into="vs.fever"),), (), set()),
        ("tired now", (), (fatigue(2, -3), fatigue(5, 4)), {FATIGUE}),
        ("tired as before", (), (fatigue(5, -3), fatigue(5, 4)), set()),
        ("feels better", (), (fatigue(7, -3), fatigue(5, 4)), {BETTER}),
        ("hardly better", (), (fatigue(7, -3), fatigue(6, 4)), set()),
        ("better by FACIT", (), (fatigue(20, -3, "facit_f"), fatigue(24, 4, "facit_f")), {BETTER}),
        ("told before the no only", (), (fatigue(7, -9), fatigue(3, -3)), set()),
    ],
)
def test_what_came_after_a_no(
    word: str, facts: tuple[Fact, ...], readings: tuple[Reading, ...], found: set[str]
) -> None:
    """Pathway section 4, re-offer triggers."""
    assert occasions_since(a_snapshot(*facts, readings=readings), NO) == found


@pytest.mark.parametrize(
    ("facts", "inside"),
    [((), False), ((stay(25),), True), ((stay(None),), True), ((stay(-70),), False), ((stay(1, 5),), False)],
    ids=["none", "since five days", "since nobody knows", "forgotten", "over"],
)
def test_who_is_in_hospital(facts: tuple[Fact, ...], inside: bool) -> None:
    assert is_inpatient(a_snapshot(*facts)) is inside


def test_the_newest_discharge_counts() -> None:
    assert discharged_at(a_snapshot(stay(-20, -15), stay(1, 10))) == at(10).earliest
    assert discharged_at(a_snapshot(stay(1))) is None
