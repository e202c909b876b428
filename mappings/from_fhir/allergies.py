"""Allergies that matter where bands, grips and sensors touch the skin."""

from __future__ import annotations

from typing import Final

from mappings.codes import diagnoses
from mappings.datatypes import Dates
from mappings.from_fhir.concepts import code_in, codings, shown
from mappings.from_fhir.fact_book import FactBook
from mappings.structs import AllergyIntolerance

_SETS: Final = frozenset({"vs.allergy_latex", "vs.allergy_tape"})
_IGNORED: Final = frozenset({"refuted", "entered-in-error"})
_OVER: Final = frozenset({"inactive", "resolved"})


def read_allergies(allergies: list[AllergyIntolerance], dates: Dates, book: FactBook) -> None:
    """Reads what was on file at `as_of` into facts; a refuted allergy is none. Source: observations.md section 7."""
    table = diagnoses()
    for one in allergies:
        recorded = dates.when(one.recorded_date)
        if code_in(one.verification_status) in _IGNORED or dates.after(recorded):
            continue
        for coding in codings(one.code):
            for name in _SETS.intersection(table.sets_of(coding.system, coding.code)):
                book.add(
                    name,
                    kind="condition",
                    system=coding.system or "",
                    code=table.written(coding.system, coding.code),
                    display=shown(one.code, coding),
                    source=f"AllergyIntolerance/{one.id}",
                    start=recorded,
                    state="history" if code_in(one.clinical_status) in _OVER else "active",
                )
