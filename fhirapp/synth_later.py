"""What a made-up hospital records after the referral: planned sessions, and signs of decline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from fhirapp.synth_people import SESSION_DAYS, Person
from fhirapp.synth_resources import (
    LOINC,
    PHYSICAL_FUNCTION,
    Json,
    condition,
    emergency_stay,
    points,
    result,
    session,
    walking_aid,
)

Sign = Callable[[Person, int, datetime], Json]


def later_resources(person: Person) -> Iterator[Json]:
    """The sessions of who began, and every sign of decline, until death."""
    yield from _before_death(person, _sessions(person))
    yield from _before_death(person, _signs(person))


def _sessions(person: Person) -> Iterator[tuple[int, Json]]:
    """The first one was attended: that is how somebody begins."""
    for number, came in enumerate(person.attends):
        day = person.start_day + SESSION_DAYS[number]
        start = person.index + timedelta(days=day, hours=1)
        yield day, session(person, f"session-{number}", start, came=came or number == 0)


def _signs(person: Person) -> Iterator[tuple[int, Json]]:
    """The first sign is one of four; what can be new only once is not told again."""
    for number, day in enumerate(person.declines):
        sign = _FIRST[person.birthday % len(_FIRST)] if number == 0 else _stay
        if sign is _aid and person.truth["walking_aid"]:
            sign = _stay
        yield day, sign(person, number, person.index + timedelta(days=day))


def _before_death(person: Person, told: Iterator[tuple[int, Json]]) -> Iterator[Json]:
    yield from (resource for day, resource in told if not person.died or day < person.death_day)


def _stay(person: Person, number: int, when: datetime) -> Json:
    return emergency_stay(person, f"stay-{number}", when)


def _fall(person: Person, number: int, when: datetime) -> Json:
    return result(person, when, LOINC, PHYSICAL_FUNCTION, f"function-{number}", valueQuantity=points(39))


def _immobile(person: Person, number: int, when: datetime) -> Json:
    return condition(person, "R26.89", when)


def _aid(person: Person, number: int, when: datetime) -> Json:
    return walking_aid(person, f"aid-{number}", when)


_FIRST: Final[tuple[Sign, ...]] = (_stay, _fall, _immobile, _aid)
