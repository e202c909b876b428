"""What a clinician looks for first and what raised no finding: so that "fit" is not taken on trust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.decision import Assessment
from models.findings import Evidence
from models.inputs import SAFETY_QUESTIONS
from models.snapshot import Reading
from models.text import N_, Text

LOOKED_FOR_FIRST: Final = ("platelets", "hb", "anc", "ecog")


def answered_no(assessment: Assessment) -> Text | None:
    """That every safety question was answered with no, with the day of the oldest answer; `None` with any doubt."""
    answers = [assessment.snapshot.latest(alias) for alias in SAFETY_QUESTIONS]
    said = [answer for answer in answers if answer is not None and answer.value is False]
    if len(said) < len(SAFETY_QUESTIONS) or _doubted(assessment) & {*SAFETY_QUESTIONS}:
        return None
    return N_("All safety questions answered with no, {day}", day=min(answer.when.day for answer in said))


def fine_values(assessment: Assessment) -> Iterator[Evidence]:
    """The newest values that no rule found anything in, and that are recent enough to count."""
    doubted = _doubted(assessment)
    for alias in LOOKED_FOR_FIRST:
        reading = assessment.snapshot.latest(alias)
        if reading is not None and alias not in doubted:
            yield _evidence(reading)


def _doubted(assessment: Assessment) -> set[str]:
    """Inputs that are missing, too old or contradictory, or that a finding rests on."""
    gaps = {gap.input for gap in assessment.gaps}
    return gaps | {one.name for finding in assessment.findings for one in finding.inputs}


def _evidence(reading: Reading) -> Evidence:
    number = isinstance(reading.value, int | float) and not isinstance(reading.value, bool)
    value = f"{reading.value:g}" if number else str(reading.value)
    shown = f"{reading.comparator or ''}{value}"
    return Evidence(reading.alias, shown, reading.unit, reading.when.day, reading.source, reading.status)
