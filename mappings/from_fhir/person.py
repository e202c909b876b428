"""Who the patient is: for pages, notices and letters, never for a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from mappings.bundle import Chart
from mappings.from_fhir.concepts import clean, code_in
from mappings.structs import ContactPoint, HumanName, Identifier, Patient, PostalAddress

_INTERPRETER: Final = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired",
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-interpreter-needed",
    }
)
_YES: Final = frozenset({"373066001", "LA33-6", "Y"})
_NAME_ORDER: Final = ("official", "usual", None, "temp", "nickname", "anonymous", "maiden", "old")
_ADDRESS_ORDER: Final = ("home", None, "temp", "work")
_PHONE_ORDER: Final = ("mobile", "home", None, "temp", "work", "old")

_addresses: Final = msgspec.json.Decoder(list[PostalAddress] | None)


@dataclass(frozen=True, slots=True)
class Person:
    """Name and ways to reach a patient; "" where the chart does not say."""

    patient_id: str
    name: str = ""
    birth_date: str = ""  # as the chart gives it: "1961-04-02", "1961"
    sex: str = ""
    identifier: str = ""  # the number that people use for the record, such as an MRN
    language: str = ""  # BCP 47
    phone: str = ""
    email: str = ""
    interpreter: bool = False
    address: tuple[str, ...] = ()  # the lines of a letter's address, without the name


def person_from(chart: Chart) -> Person:
    """Who the chart is about."""
    patient = chart.patient
    if patient is None:
        return Person(chart.patient_id)
    return Person(
        patient_id=chart.patient_id,
        name=_name(patient.name or []),
        birth_date=patient.birth_date or "",
        sex=patient.gender or "",
        identifier=_identifier(patient.identifier or []),
        language=_language(patient),
        phone=_contact(patient.telecom or [], "phone"),
        email=_contact(patient.telecom or [], "email"),
        interpreter=_needs_interpreter(patient),
        address=_address(patient),
    )


def _name(names: list[HumanName]) -> str:
    ranked = sorted(names, key=lambda one: _place(_NAME_ORDER, one.use))
    for one in ranked:
        text = one.text or " ".join(
            part for part in [*(one.prefix or []), *(one.given or []), one.family, *(one.suffix or [])] if part
        )
        if text:
            return clean(text)
    return ""


def _identifier(identifiers: list[Identifier]) -> str:
    """The medical record number if one is marked, else the first that is in use."""
    usable = [one for one in identifiers if one.value and one.use != "old"]
    marked = next((one.value for one in usable if code_in(one.type) == "MR"), None)
    return marked or next((one.value for one in usable if one.value), "") or ""


def _contact(points: list[ContactPoint], system: str) -> str:
    usable = [one for one in points if one.system == system and one.value and one.use != "old"]
    ranked = sorted(usable, key=lambda one: (one.rank or 99, _place(_PHONE_ORDER, one.use)))
    return next((one.value for one in ranked if one.value), "")


def _language(patient: Patient) -> str:
    spoken = sorted(patient.communication or [], key=lambda one: not one.preferred)
    return next((code for one in spoken if (code := code_in(one.language))), "")


def _address(patient: Patient) -> tuple[str, ...]:
    """The lines of the address at which letters arrive; empty when there is none or it is broken."""
    try:
        known = _addresses.decode(patient.address) if patient.address else None
    except msgspec.MsgspecError:
        return ()
    usable = [one for one in known or () if one.use not in ("old", "billing") and (one.line or one.text)]
    ranked = sorted(usable, key=lambda one: (one.type == "physical", _place(_ADDRESS_ORDER, one.use)))
    return next((lines for one in ranked if (lines := _lines(one))), ())


def _lines(one: PostalAddress) -> tuple[str, ...]:
    if not one.line:
        return tuple(clean(line) for line in (one.text or "").splitlines() if line.strip())
    town = " ".join(part for part in (one.city, one.state, one.postal_code) if part)
    return tuple(clean(line) for line in (*one.line, town, one.country or "") if line and line.strip())


def _needs_interpreter(patient: Patient) -> bool:
    for extension in patient.extension or ():
        if extension.url in _INTERPRETER:
            coding = extension.value_coding
            code = coding.code if coding is not None else code_in(extension.value_codeable_concept)
            return bool(extension.value_boolean) or code in _YES
    return False


def _place(order: tuple[str | None, ...], use: str | None) -> int:
    return order.index(use) if use in order else len(order)
