"""What an allergy changes in a plan. Source: observations.md section 7, row allergies: a note of the plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.snapshot import PatientSnapshot
from models.text import N_, Text

NOTES: Final[dict[str, Text]] = {
    "vs.allergy_latex": N_("Allergy to latex: bands, balls and grips without latex"),
    "vs.allergy_tape": N_("Allergy to plaster: no taped sensors, and nothing held by tape"),
}


def allergy_notes(snapshot: PatientSnapshot) -> Iterator[tuple[str, Text]]:
    """A note for each allergy that the chart holds now, with where it comes from."""
    for name, text in NOTES.items():
        if any(fact.state == "active" for fact in snapshot.having(name)):
            yield "section 11, allergies", text
