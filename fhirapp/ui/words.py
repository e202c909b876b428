"""What the coded values of a decision are called on a page."""

from __future__ import annotations

from typing import Final

from models.findings import Effect
from models.text import N_

EFFECT_WORDS: Final = {
    Effect.HOLD_E: N_("Emergency hold"),
    Effect.HOLD: N_("Hold"),
    Effect.CLEAR: N_("Needs clearance"),
    Effect.SUP: N_("Supervision"),
    Effect.MOD: N_("Limits the dose"),
    Effect.INFO: N_("For information"),
}
TONES: Final = {
    Effect.HOLD_E: "stop",
    Effect.HOLD: "stop",
    Effect.CLEAR: "ask",
    Effect.SUP: "care",
    Effect.MOD: "care",
    Effect.INFO: "plain",
}
SUPERVISION_WORDS: Final = {
    0: N_("no supervision needed"),
    1: N_("contact by phone or video"),
    2: N_("cancer-trained instructor"),
    3: N_("physiotherapist or cancer rehabilitation"),
    4: N_("medical supervision"),
}
BAND_WORDS: Final = {
    "low": N_("Low"),
    "middle": N_("Middle"),
    "high": N_("High"),
    "not scored": N_("Not scored"),
}
CONFIDENCE_WORDS: Final = {
    "full": N_("full confidence"),
    "reduced": N_("reduced confidence"),
    "low": N_("low confidence"),
}
ENTRY_WORDS: Final = {
    "Condition": N_("Diagnosis"),
    "Procedure": N_("Procedure"),
    "MedicationAdministration": N_("Given"),
    "MedicationRequest": N_("Ordered"),
    "Encounter": N_("Encounter"),
    "ServiceRequest": N_("Planned"),
    "Observation": N_("Finding"),
}
GAP_WORDS: Final = {
    "unread": N_("Could not be read"),
    "unanswered": N_("Not answered"),
    "stale": N_("Too old"),
    "missing": N_("Not on file"),
    "conflict": N_("Contradictory"),
    "implausible": N_("Implausible"),
    "unit": N_("Unit not understood"),
}
QUERY_WORDS: Final = {
    "patient": N_("personal details"),
    "conditions": N_("conditions"),
    "labs": N_("laboratory results"),
    "vitals": N_("vital signs"),
    "function": N_("function tests"),
    "symptoms": N_("symptoms"),
    "medications": N_("medication orders"),
    "administrations": N_("medication given"),
    "procedures": N_("procedures"),
    "encounters": N_("encounters"),
    "answers": N_("questionnaire answers"),
    "referrals": N_("earlier referrals"),
}
