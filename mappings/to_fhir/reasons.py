"""The coded reasons of opting out and declining. Source: pathway.md section 4."""

from __future__ import annotations

from typing import Final

from mappings.canonical import OPT_OUT_REASONS
from mappings.to_fhir.codes import SNOMED, Json, coding

# code: (what it says, SNOMED CT concept where the pathway's table has a checked one)
_REASONS: Final[dict[str, tuple[str, tuple[str, str] | None]]] = {
    "OO-NOTINT": ("Not interested", ("105480006", "Refusal of treatment by patient")),
    "OO-ACTIVE": ("Already active, or has an own programme", None),
    "OO-UNWELL": ("Too unwell", None),
    "OO-FEAR": ("Afraid of harm", None),
    "OO-TIME": ("No time: work or caring", None),
    "OO-TRANSP": ("Transport or distance", ("266934004", "Transport problem")),
    "OO-COST": ("Cost", ("160932005", "Financial problem")),
    "OO-DIGI": ("No device, internet or confidence with them", None),
    "OO-LANG": ("Language or culture not right", None),
    "OO-OTHERCARE": ("In another rehabilitation", None),
    "OO-PRIV": ("Privacy or data concerns", None),
    "OO-NEVER": ("Do not contact again", None),
    "OO-MOVED": ("Moved away", ("184081006", "Patient has moved away")),
    "OO-DIED": ("Died", ("419620001", "Death")),
    "OO-LOST": ("Could not be reached", ("399307001", "Unknown - patient lost to follow-up")),
    "CL-CONTRA": ("Clinician: contraindicated", None),
    "CL-PALL": ("Clinician: goals of care", None),
    "CL-CHOICE": ("Clinician: prefers another plan", None),
    "CL-OTHER": ("Clinician: other reason", None),
    "PG-ENDED": ("Ended by the programme", None),
}


def reason_of(reason: str) -> Json:
    """A CodeableConcept: one of our reason codes with its words, or the words that were given."""
    if reason not in _REASONS:
        return {"text": reason}
    words, mapped = _REASONS[reason]
    codings = [coding(OPT_OUT_REASONS, reason, words), *([coding(SNOMED, *mapped)] if mapped else [])]
    return {"coding": codings, "text": words}


def code_in(concept: object) -> str | None:
    """Our reason code in a CodeableConcept of the EHR, by our own coding or by the concept that stands for it."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    found = [one for one in codings if isinstance(one, dict)] if isinstance(codings, list) else []
    for one in found:
        if one.get("system") == OPT_OUT_REASONS and one.get("code") in _REASONS:
            return str(one["code"])
    meant = {mapped[0]: code for code, (_, mapped) in _REASONS.items() if mapped}
    return next((meant[one["code"]] for one in found if one.get("system") == SNOMED and one.get("code") in meant), None)


def words_in(concept: object) -> str:
    """What a CodeableConcept says to people."""
    if not isinstance(concept, dict):
        return ""
    codings = concept.get("coding") or [{}]
    return str(concept.get("text") or codings[0].get("display") or "")
