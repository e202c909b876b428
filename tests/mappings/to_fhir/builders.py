"""Small makers for the writing room: a test says only what it is about."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mappings.canonical import episode_id
from mappings.to_fhir.facts import Ref, ReferralFacts

ADELAIDE = ZoneInfo("Australia/Adelaide")

_SUMMARY: dict[str, Any] = {
    "patient": "ada-refer",
    "as_of": "2026-11-25",
    "verdict": "refer",
    "tier": "T3",
    "destination": "D3",
    "min_supervision": 2,
    "phase": "P2",
    "rules_version": "2026.11",
    "estimates": {
        "risk": {
            "probability": 0.0812345,
            "meaning": "death from any cause within five years",
            "band": "low",
            "confidence": "reduced",
            "version": "risk-1",
            "drivers": [{"feature": "albumin", "text": "Albumin 40 g/L", "effect": -0.2}],
        },
        "adherence": {"probability": None, "version": "adherence-1", "refusal": "too little is known"},
    },
    "findings": [
        {"rule": "TRT-03", "effect": "MOD", "inputs": [], "text": "The days when blood counts are lowest."},
        {"rule": "HEM-04", "effect": "INFO", "inputs": [], "text": "Mildly low platelets."},
    ],
    "prescription": {
        "aerobic": {
            "days_per_week": 3,
            "minutes": 20,
            "intensity": {"rpe_min": 11, "rpe_max": 13},
            "modes": ["walking", "cycling"],
        },
        "resistance": {
            "days_per_week": 2,
            "sets_min": 1,
            "sets_max": 2,
            "repetitions": "8-15",
            "load": "a weight that you could lift five times more",
        },
        "other": ["Balance for five minutes"],
        "progression": "Five more minutes after two good weeks.",
        "caps": ["No group training in the second week after an infusion."],
        "stop_rules": ["Chest pain", "Dizziness"],
        "reasons": [{"what": "aerobic.minutes", "value": "20", "by": "table 2, P2", "text": "on chemotherapy"}],
        "weeks": 12,
    },
}


def a_summary(**changes: Any) -> dict[str, Any]:
    """The JSON of a decision to refer; `prescription=None` for one without a dose."""
    return deepcopy(_SUMMARY) | changes


def some_facts(**changes: Any) -> ReferralFacts:
    """The facts of one referral, written late in the evening in Adelaide."""
    members: dict[str, Any] = {
        "tenant_id": "city",
        "patient_id": "ada-refer",
        "patient_display": "Ada Marlow",
        "episode_id": episode_id("city", "ada-refer", 1),
        "authored_on": datetime(2026, 11, 25, 23, 40, tzinfo=ADELAIDE),
        "requester": Ref("Practitioner/dr-lind", "Dr Maren Lind"),
        "owner": Ref("Organization/stride-exercise-service", "Exercise Service"),
        "reason": Ref("Condition/ada-refer-cancer", "Malignant neoplasm of left female breast"),
        "reason_text": "Malignant neoplasm of left female breast",
        "encounter": Ref("Encounter/ada-refer-visit"),
        "summary": a_summary(),
        "plan_start": date(2026, 12, 9),
        "supporting": (Ref("Observation/ada-refer-evs-week"), Ref("Observation/ada-refer-ecog")),
    }
    return ReferralFacts(**(members | changes))
