"""What one raw resource of an export says: its moments, its codes, its number, and whether it is about exercise."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from mappings.bulk import Record
from mappings.canonical import BASE
from mappings.datatypes import Dates

SNOMED: Final = "http://snomed.info/sct"
OBSERVATIONS: Final = f"{BASE}/CodeSystem/stride-observations"
# Referral to a physical activity programme, exercise therapy, exercise education, physical exercise, physiotherapy.
EXERCISE: Final = frozenset({"390893007", "229065009", "304507003", "183301007", "91251008"})
# A date without a zone is read in UTC.
_OFFSET: Final = re.compile(r"[+-]\d\d:\d\d$")
_UTC_DAY: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def is_exercise(record: Record) -> bool:
    """Whether its code, type, service, category or reason is exercise."""
    found = [codes_of(record, SNOMED)]
    for name in ("type", "serviceType", "category", "reasonCode"):
        found += [codes_of({"code": one}, SNOMED) for one in _listed(record.get(name))]
    return any(not EXERCISE.isdisjoint(codes) for codes in found)


def codes_of(record: Record, system: str, name: str = "code") -> list[str]:
    """The codes of one system in one CodeableConcept."""
    return [code for found, code in codings_of(record, name) if found == system]


def codings_of(record: Record, name: str = "code") -> list[tuple[str, str]]:
    """System and code of every coding of one CodeableConcept, or of each of a list of them."""
    concepts = _listed(record.get(name))
    return [
        (str(coding.get("system")), str(coding.get("code")))
        for concept in concepts
        for coding in _listed(concept.get("coding"))
    ]


def number_of(record: Record) -> float | None:
    """`valueInteger`, or the value of `valueQuantity`."""
    quantity = record.get("valueQuantity") or {}
    value = record.get("valueInteger", quantity.get("value"))
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def moment_of(record: Record, name: str) -> datetime | None:
    """A date or instant in the zone that it is written in; one without is read in UTC, a day as its first moment."""
    text = record.get(name)
    when = Dates(_UTC_DAY).when(text) if isinstance(text, str) else None
    if when is None:
        return None
    offset = _OFFSET.search(str(text))
    return when.earliest.astimezone(datetime.strptime(offset[0], "%z").tzinfo) if offset else when.earliest


def period_of(record: Record, end: str, name: str = "period") -> datetime | None:
    """`start` or `end` of a period."""
    period = record.get(name)
    return moment_of(period, end) if isinstance(period, dict) else None


def _listed(value: object) -> list[Record]:
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]
