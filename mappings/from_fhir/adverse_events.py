"""Adverse events that may have happened in a session of exercise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.datatypes import Dates
from mappings.from_fhir.concepts import code_in
from mappings.structs import AdverseEvent
from models.snapshot import Gap, Reading

# What an event is laid to where it is one of a treatment, not of a session.
_OTHER_CAUSES: Final = ("Medication", "Immunization", "Substance", "Device")


def adverse_events(events: list[AdverseEvent], dates: Dates, faults: list[Gap]) -> Iterator[Reading]:
    """Each actual event as `serious` or `non-serious`; one whose seriousness is not told counts as serious.

    FHIR has no mark for "in a session": in doubt it was one, save where a drug or device is suspected.
    Source: observations.md section 7, `adverse_event`; rules.md MON-01; FHIR R4 AdverseEvent.
    """
    for one in events:
        if one.actuality == "potential" or _of_a_treatment(one):
            continue
        source = f"AdverseEvent/{one.id}"
        when = dates.when(one.date) or dates.when(one.detected) or dates.when(one.recorded_date)
        if when is None:
            faults.append(Gap("adverse_event", "missing", text="no date", source=source))
            continue
        if dates.place(when, dates.when(one.recorded_date)) != "past":
            continue
        code = code_in(one.seriousness)
        known = code in ("serious", "non-serious")
        value = "non-serious" if code == "non-serious" else "serious"
        yield Reading("adverse_event", value, "", when, source, note="" if known else "seriousness not told")


def _of_a_treatment(one: AdverseEvent) -> bool:
    references = [entity.instance.reference for entity in one.suspect_entity or () if entity.instance is not None]
    kinds = [reference.split("/")[-2] for reference in references if reference and "/" in reference]
    return bool(kinds) and all(kind.startswith(_OTHER_CAUSES) for kind in kinds)
