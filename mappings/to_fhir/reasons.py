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
}


def reason_of(reason: str) -> Json:
    """A CodeableConcept: one of our reason codes with its words, or the words that were given."""
    if reason not in _REASONS:
        return {"text": reason}
    words, mapped = _REASONS[reason]
    codings = [coding(OPT_OUT_REASONS, reason, words), *([coding(SNOMED, *mapped)] if mapped else [])]
    return {"coding": codings, "text": words}
