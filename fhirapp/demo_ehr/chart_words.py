"""FHIR values in words: what a table of results or a list of problems says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fhirapp.demo_ehr.parameters import walk
from fhirapp.demo_ehr.settings import Resource

_PRESSURE: Final = ("8480-6", "8462-4")  # systolic, diastolic
_SHORTER: Final = {
    "777-3": "Platelets",
    "718-7": "Haemoglobin",
    "751-8": "Neutrophils",
    "6690-2": "White cells",
    "1988-5": "C-reactive protein",
    "1751-7": "Albumin",
    "38483-4": "Creatinine",
    "2823-3": "Potassium",
    "2947-0": "Sodium",
    "2951-2": "Sodium",
    "17861-6": "Calcium",
    "2345-7": "Glucose",
    "59408-5": "Oxygen saturation",
    "39156-5": "Body mass index",
    "10230-1": "Left ventricular ejection fraction",
    "64098-7": "Six-minute walk",
    "66247-8": "Sit to stand in 30 s",
    "89423-8": "Timed up and go",
    "83174-3": "Grip strength, right hand",
    "89555-7": "Active days a week",
    "68516-4": "Active minutes a day",
    "82290-8": "Active minutes a week",
    "82291-6": "Strength days a week",
    "85354-9": "Blood pressure",
    "89247-1": "ECOG performance status",
    "72514-3": "Pain, 0 to 10",
    "fatigue-nrs": "Fatigue, 0 to 10",
    "dyspnoea-mmrc": "Breathlessness, mMRC grade",
    "gi-ctcae": "Bowel symptoms, CTCAE grade",
    "swelling-new": "New swelling",
}
_UNITS: Final = {
    "10*9/L": "×10⁹/L",
    "Cel": "°C",
    "kg/m2": "kg/m²",
    "mm[Hg]": "mmHg",
    "d/wk": "",
    "min/d": "min",
    "min/wk": "min",
    "{count}": "",
    "{score}": "",
    "1": "",
}


def value_of(observation: Resource) -> str:
    """The value as a person reads it; empty for none."""
    if parts := observation.get("component"):
        pressures = [_component_value(parts, code) for code in _PRESSURE]
        if all(pressures):
            return f"{'/'.join(pressures)} mmHg"
        return ", ".join(text for part in parts if (text := _component(part)))
    return _plain_value(observation)


def measured(observation: Resource) -> str:
    """What was measured, in the words of the ward."""
    codes = [str(one.get("code")) for one in (observation.get("code") or {}).get("coding") or ()]
    known = next((_SHORTER[code] for code in codes if code in _SHORTER), "")
    words = label_of(observation.get("code"))
    return known or capitalised(words if " " in words else words.replace("-", " "))


def label_of(concept: Any) -> str:
    """The words of a CodeableConcept: its text, else a coding's display, else the code."""
    if not isinstance(concept, Mapping):
        return ""
    codings = [one for one in concept.get("coding") or () if isinstance(one, Mapping)]
    shown = concept.get("text") or next((one["display"] for one in codings if one.get("display")), None)
    return str(shown or next((one.get("code") for one in codings), ""))


def capitalised(text: str) -> str:
    """The text with a capital letter in front."""
    return text[:1].upper() + text[1:]


def display_of(reference: Any) -> str:
    """The words of a Reference."""
    return str(reference.get("display") or reference.get("reference") or "") if isinstance(reference, Mapping) else ""


def name_of(resource: Resource, *, titled: bool = False) -> str:
    """The first name of a person, given name first; "Dr Maren Lind" when titled."""
    name: Mapping[str, Any] = next(iter(resource.get("name") or ()), {})
    if name.get("text"):
        return str(name["text"])
    words = [*(name.get("prefix") or ()), *(name.get("given") or ())] if titled else name.get("given") or ()
    return " ".join([*map(str, words), str(name.get("family", ""))]).strip() or "Name not recorded"


def listed_name_of(patient: Resource) -> str:
    """The family name first, as in a list."""
    name: Mapping[str, Any] = next(iter(patient.get("name") or ()), {})
    parts = [str(name.get("family") or ""), " ".join(map(str, name.get("given") or ()))]
    return ", ".join(part for part in parts if part) or name_of(patient)


def _component_value(parts: Sequence[Mapping[str, Any]], code: str) -> str:
    found = [one for one in parts if code in walk(one, ["code", "coding", "code"])]
    return str(found[0].get("valueQuantity", {}).get("value", "")) if found else ""


def _component(part: Mapping[str, Any]) -> str:
    value = _plain_value(part)
    return f"{label_of(part.get('code'))} {value}" if value else ""


def _plain_value(node: Mapping[str, Any]) -> str:
    if quantity := node.get("valueQuantity"):
        unit = str(quantity.get("code") or quantity.get("unit") or "")
        return f"{quantity.get('value', '')} {_UNITS.get(unit, quantity.get('unit') or unit)}".strip()
    if concept := node.get("valueCodeableConcept"):
        return label_of(concept)
    for name in ("valueString", "valueInteger", "valueDateTime"):
        if name in node:
            return str(node[name])
    if "valueBoolean" in node:
        return "yes" if node["valueBoolean"] else "no"
    return ""
