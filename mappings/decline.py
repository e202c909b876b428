"""Whether a patient's function fell after a day, by what a hospital's record shows of it.

Source: modelling.md section 5, "Decline".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from mappings.bulk import History, Record
from mappings.codes import ICD10, LOINC, diagnoses, system_of
from mappings.records import OBSERVATIONS, SNOMED, codes_of, codings_of, moment_of, number_of, period_of

FALL: Final = 5.0  # T-points of PROMIS physical function
_PHYSICAL_FUNCTION: Final = "71959-1"
_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-Act"
# Gait and mobility, need for help with moving, a fall as an outer cause; repeated and past falls are `vs.falls`.
_REDUCED_ICD: Final = ("R26", "Z740", *(f"W{number:02d}" for number in range(20)))
# Impaired mobility, reduced mobility, unsteady gait, fall, accidental fall (U: not checked against a server).
_REDUCED_SNOMED: Final = frozenset({"82971005", "8510008", "22631008", "1912002", "217082002"})
# Devices are named in words far more often than coded.
_AID: Final = re.compile(r"\b(walker|rollator|walking (aid|frame|stick|cane)|crutch(es)?|cane|wheelchair)\b", re.I)


def declines(history: History, index: datetime, end: datetime) -> bool:
    """Whether any of the four signs of decline came after `index`, and not after `end`."""
    signs = (
        *_falls_of_function(history, index),
        *_new(_reduced_mobility(history), index),
        *_new(_walking_aids(history), index),
        *_unplanned_stays(history),
    )
    return any(index < moment <= end for moment in signs)


def _falls_of_function(history: History, index: datetime) -> Iterator[datetime]:
    """When physical function was five points or more under the last score known on the day."""
    scores = sorted(
        (when, score)
        for record in history.of("Observation")
        if _PHYSICAL_FUNCTION in codes_of(record, LOINC)
        and record.get("status", "final") in ("final", "amended", "corrected")
        and (when := moment_of(record, "effectiveDateTime")) is not None
        and (score := number_of(record)) is not None
    )
    before = [score for when, score in scores if when <= index]
    if before:
        yield from (when for when, score in scores if when > index and score <= before[-1] - FALL)


def _new(moments: Iterator[datetime], index: datetime) -> tuple[datetime, ...]:
    """All of them, or none where there was one before: a limitation that is known is not a decline."""
    found = tuple(moments)
    return () if any(moment <= index for moment in found) else found


def _reduced_mobility(history: History) -> Iterator[datetime]:
    for record in history.of("Condition"):
        refuted = "refuted", "entered-in-error"
        if any(code in refuted for _, code in codings_of(record, "verificationStatus")) or not _is_reduced(record):
            continue
        began = moment_of(record, "onsetDateTime") or period_of(record, "start", "onsetPeriod")
        if when := began or moment_of(record, "recordedDate"):
            yield when


def _is_reduced(record: Record) -> bool:
    for system, code in codings_of(record):
        if "vs.falls" in diagnoses().sets_of(system, code):
            return True
        bare = code.replace(".", "").upper()
        if system_of(system) in ICD10 and bare.startswith(_REDUCED_ICD):
            return True
        if system_of(system) == SNOMED and code in _REDUCED_SNOMED:
            return True
    return False


def _walking_aids(history: History) -> Iterator[datetime]:
    for record in history.of("DeviceUseStatement"):
        if record.get("status") in ("entered-in-error", "intended") or not _names_an_aid(record, history):
            continue
        since = period_of(record, "start", "timingPeriod") or moment_of(record, "timingDateTime")
        if when := since or moment_of(record, "recordedOn"):
            yield when
    for record in history.of("Observation"):
        when = moment_of(record, "effectiveDateTime")
        if when and record.get("valueBoolean") is True and "walking-aid" in codes_of(record, OBSERVATIONS):
            yield when


def _names_an_aid(record: Record, history: History) -> bool:
    device = record.get("device") or {}
    reference = str(device.get("reference", ""))
    told = [device]
    told += [one for one in record.get("contained") or () if reference == f"#{one.get('id')}"]
    told += [one for one in history.of("Device") if reference and reference.endswith(f"Device/{one.get('id')}")]
    return any(_AID.search(text) for one in told for text in _words(one))


def _words(device: Record) -> Iterator[str]:
    """The names of a device: those of its type, its own, and the display of a reference to it."""
    kind = device.get("type")
    concept = kind if isinstance(kind, dict) else {}
    texts = [device.get("display"), concept.get("text")]
    texts += [coding.get("display") for coding in concept.get("coding") or ()]
    texts += [name.get("name") for name in device.get("deviceName") or ()]
    yield from (text for text in texts if isinstance(text, str))


def _unplanned_stays(history: History) -> Iterator[datetime]:
    """Inpatient stays with the priority of an emergency, or that began in an emergency department."""
    for record in history.of("Encounter"):
        if record.get("status") in ("planned", "cancelled", "entered-in-error") or not is_inpatient(record):
            continue
        urgent = (f"{_ACT}Priority", "EM") in codings_of(record, "priority")
        source = codings_of(record.get("hospitalization") or {}, "admitSource")
        if (urgent or any(code == "emd" for _, code in source)) and (start := period_of(record, "start")):
            yield start


def is_inpatient(record: Record) -> bool:
    """Whether an Encounter is an inpatient stay."""
    kind = record.get("class")
    return isinstance(kind, dict) and kind.get("code") in ("IMP", "ACUTE", "NONAC")
