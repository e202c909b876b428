"""What has happened to a patient since a moment: the occasions on which somebody who said no may be asked again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from models.eligibility import POPULATIONS
from models.snapshot import Fact, PatientSnapshot, Reading

DISCHARGE: Final = "discharge"
DIAGNOSIS: Final = "diagnosis"
FATIGUE: Final = "fatigue"
BETTER: Final = "better"

FORGOTTEN: Final = timedelta(days=90)  # a stay that began before and never ended was not closed, not survived
MODERATE_FATIGUE: Final = 4  # of 10; NCCN and rules.md section 8 begin there
LESS_FATIGUE: Final = 2  # points of 10 that a patient can feel
BETTER_FACIT: Final = 4  # points of 52; the least important difference that is in use is 3 to 4

_DIAGNOSES: Final = ("vs.cancer", "vs.cancer_secondary", *(name for sets in POPULATIONS.values() for name in sets))


def is_inpatient(snapshot: PatientSnapshot) -> bool:
    """True while a stay in hospital is under way."""
    return any(
        stay.state == "active" and (stay.start is None or snapshot.as_of - stay.start.latest <= FORGOTTEN)
        for stay in snapshot.having("vs.inpatient")
        if stay.kind == "encounter"
    )


def discharged_at(snapshot: PatientSnapshot) -> datetime | None:
    """When the newest stay in hospital ended; of a day, when it began."""
    ends = [stay.end.earliest for stay in snapshot.having("vs.inpatient") if stay.kind == "encounter" and stay.end]
    return max(ends, default=None)


def occasions_since(snapshot: PatientSnapshot, moment: datetime) -> frozenset[str]:
    """What in the chart came after a moment. A date that may lie before it counts as before.

    Source: pathway.md section 4, "Re-offer triggers overriding the timer", and the row OO-UNWELL.
    """
    return frozenset(_occasions(snapshot, moment))


def _occasions(snapshot: PatientSnapshot, moment: datetime) -> Iterator[str]:
    left = discharged_at(snapshot)
    if left is not None and left > moment and not is_inpatient(snapshot):
        yield DISCHARGE
    if _newly_diagnosed(snapshot, moment):
        yield DIAGNOSIS
    before, after = _around(snapshot.series("fatigue_nrs"), moment)
    if after is not None and after >= MODERATE_FATIGUE and (before is None or before < MODERATE_FATIGUE):
        yield FATIGUE
    facit_before, facit_after = _around(snapshot.series("facit_f"), moment)
    less = before is not None and after is not None and before - after >= LESS_FATIGUE
    more = facit_before is not None and facit_after is not None and facit_after - facit_before >= BETTER_FACIT
    if less or more:
        yield BETTER


def _newly_diagnosed(snapshot: PatientSnapshot, moment: datetime) -> bool:
    """A confirmed diagnosis whose code was not in the chart before: one that is only recorded again is not new."""
    found = [fact for fact in snapshot.having(*_DIAGNOSES) if fact.kind == "condition"]
    known = {(fact.system, fact.code) for fact in found if not _began_after(fact, moment)}
    return any(fact.confirmed and (fact.system, fact.code) not in known for fact in found)


def _began_after(fact: Fact, moment: datetime) -> bool:
    return fact.start is not None and fact.start.earliest > moment


def _around(series: tuple[Reading, ...], moment: datetime) -> tuple[float | None, float | None]:
    """The newest number before a moment and the newest after it."""
    numbers = [one for one in series if isinstance(one.value, (int, float)) and one.comparator is None]
    before = next((float(one.value) for one in numbers if one.when.latest <= moment), None)
    after = next((float(one.value) for one in numbers if one.when.earliest > moment), None)
    return before, after
