"""Who is reached and who is not: what reports of equity count by, and no decision ever sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from mappings.bundle import Chart
from mappings.from_fhir.person import person_from
from mappings.structs import Address, Patient, PatientExtension

T = TypeVar("T")

_CORE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


@dataclass(frozen=True, slots=True)
class Equity:
    """Groups that a report compares; empty where the chart does not say."""

    race: tuple[str, ...] = ()  # OMB category codes; several where several are named
    ethnicity: str = ""
    postal_code: str = ""  # of the place where the patient lives; a site's table makes it rural or not
    language: str = ""
    interpreter: bool = False


def equity_from(chart: Chart) -> Equity:
    """The groups of the chart's patient. Kept apart from the snapshot, so that no rule and no model can read them.

    Source: observations.md section 8, race and ethnicity: equity reporting only; US Core race and ethnicity.
    """
    patient = chart.patient
    if patient is None:
        return Equity()
    person = person_from(chart)
    return Equity(
        race=tuple(_codes(patient, "race")),
        ethnicity=next(_codes(patient, "ethnicity"), ""),
        postal_code=_postal_code(patient),
        language=person.language,
        interpreter=person.interpreter,
    )


_extensions: Final = msgspec.json.Decoder(list[PatientExtension] | None)
_addresses: Final = msgspec.json.Decoder(list[Address] | None)


def _decoded(raw: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T | None:
    """What it says; `None` where there is nothing or it is broken: a report counts it as not told."""
    try:
        return decoder.decode(raw) if raw else None
    except msgspec.MsgspecError:
        return None


def _codes(patient: Patient, name: str) -> Iterator[str]:
    for extension in patient.extension or ():
        if extension.url == f"{_CORE}{name}":
            yield from _categories(extension)


def _categories(extension: PatientExtension) -> Iterator[str]:
    for part in _decoded(extension.extension, _extensions) or ():
        if part.url == "ombCategory" and part.value_coding is not None and part.value_coding.code:
            yield part.value_coding.code


def _postal_code(patient: Patient) -> str:
    addresses = _decoded(patient.address, _addresses) or ()
    lived_in = [one for one in addresses if one.postal_code and one.use not in ("old", "billing")]
    ranked = sorted(lived_in, key=lambda one: one.use != "home")
    return next((one.postal_code for one in ranked if one.postal_code), "")
