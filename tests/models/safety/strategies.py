"""Random charts around the limits of the rules."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from models.snapshot import Fact, PatientSnapshot, Reading
from tests.builders import a_fact, a_reading, a_snapshot

# Values on both sides of the limits of each input, from very ill to well.
VALUES: dict[str, tuple[float, ...]] = {
    "platelets": (5, 12, 25, 40, 80, 240),
    "hb": (60, 75, 85, 95, 130),
    "anc": (0.3, 0.7, 1.2, 3.4),
    "wbc": (1.5, 6),
    "temp": (36.6, 37.9, 38.1, 39),
    "rr": (14, 28),
    "sbp": (80, 120, 185, 210),
    "dbp": (70, 105, 115),
    "hr_rest": (45, 70, 110, 125, 150),
    "spo2": (80, 86, 92, 98),
    "lvef": (35, 45, 62),
    "ecog": (0, 1, 2, 3, 4),
    "kps": (20, 40, 60, 90),
    "k": (2.2, 2.8, 4.2, 5.8, 6.5),
    "na": (118, 123, 140, 158, 165),
    "ca": (2.3, 2.8, 3.1, 3.6),
    "ca_corr": (2.3, 2.8, 3.1, 3.6),
    "mg": (0.4, 0.8),
    "ck": (100, 300, 700, 1500),
    "troponin": (5, 50),
    "weight": (60, 66, 70, 72),
    "bmi": (15, 19, 25, 42),
    "fatigue_nrs": (1, 5, 8, 10),
    "pain_nrs": (1, 5, 8),
    "tug": (8, 14),
    "cfs": (3, 5, 7, 9),
    "6mwd": (250, 350, 500),
    "glucose": (3.5, 4.5, 7, 15, 18),
    "evs_min_week": (0, 60, 150),
    "inr": (1, 6),
    "mirels": (6, 8, 10),
    "falls_12_months": (0, 1, 2),
    "ctcae_neuropathy": (0, 2),
    "gi_ctcae": (0, 1, 2),
    "dyspnoea_borg": (0, 3, 6),
}
# The value of each input that is as ill as any.
WORST: dict[str, float] = {
    "platelets": 5, "hb": 60, "anc": 0.3, "temp": 39.5, "sbp": 215, "dbp": 118, "hr_rest": 155, "spo2": 80,
    "lvef": 30, "ecog": 4, "kps": 10, "k": 6.8, "na": 112, "ca_corr": 3.8, "mg": 0.3, "ck": 5000,
    "fatigue_nrs": 10, "pain_nrs": 10, "tug": 25, "cfs": 9, "6mwd": 100, "inr": 9, "mirels": 12,
    "falls_12_months": 5, "ctcae_neuropathy": 4, "gi_ctcae": 3, "dyspnoea_borg": 10,
}  # fmt: skip
SAID = (
    "chest-pain", "syncope", "new-dyspnoea", "back-red-flags", "bleeding", "fever", "weakness", "numbness",
    "swelling-new", "calf-pain", "dizziness", "chills", "parq-1", "parq-follow-up-clear", "neuro-deficit-new",
)  # fmt: skip
FACTS = (
    "vs.bone_mets", "vs.hf", "vs.cad", "vs.copd", "vs.neuropathy", "vs.lymphoedema", "vs.dvt", "vs.pe", "vs.mi",
    "vs.stroke", "vs.falls", "vs.frailty", "vs.fatigue", "vs.pain", "vs.cachexia", "vs.diabetes", "vs.osteoporosis",
    "vs.stoma", "vs.seizure", "vs.fracture_recent", "vs.acute_infection", "vs.brain_tumour", "vs.sarcopenia",
    "vs.surgery_major", "vs.radiotherapy", "vs.pregnant", "vs.af", "vs.device", "vs.severe_as", "vs.back_pain",
)  # fmt: skip
DRUGS = (
    "vs.cytotoxic", "vs.neurotoxic", "vs.anthracycline", "vs.ici", "vs.her2", "vs.hormonal", "vs.anticoag",
    "vs.insulin", "vs.steroid", "vs.rate_limiting_drug", "vs.qt",
)  # fmt: skip
_DAYS = st.sampled_from([0, 1, 2, 3, 6, 8, 13, 15, 29, 31, 60, 89, 91, 130, 200, 400])
_STATUS = st.sampled_from(["final", "final", "final", "preliminary"])


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    alias = draw(st.sampled_from(sorted(VALUES)))
    more: dict[str, Any] = {"status": draw(_STATUS), "patient_reported": draw(st.booleans())}
    if draw(st.integers(0, 9)) == 0:
        more["comparator"] = draw(st.sampled_from(["<", "<=", ">=", ">"]))
    return a_reading(
        alias,
        draw(st.sampled_from(VALUES[alias])),
        days_ago=draw(_DAYS),
        source=f"Observation/{draw(st.uuids())}",
        **more,
    )


@st.composite
def said(draw: st.DrawFn) -> Reading:
    return a_reading(
        draw(st.sampled_from(SAID)),
        draw(st.booleans()),
        days_ago=draw(_DAYS),
        source=f"Observation/{draw(st.uuids())}",
        patient_reported=draw(st.booleans()),
    )


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    is_drug = draw(st.booleans())
    name = draw(st.sampled_from(DRUGS if is_drug else FACTS))
    days = draw(st.one_of(st.none(), _DAYS))
    kind = draw(st.sampled_from(["order", "administration"])) if is_drug else "condition"
    return a_fact(
        name,
        days_ago=days,
        kind=kind,
        state=draw(st.sampled_from(["active", "active", "history"])),
        confirmed=draw(st.booleans()),
        source=f"Fact/{draw(st.uuids())}",
    )


@st.composite
def snapshots(draw: st.DrawFn) -> PatientSnapshot:
    """A chart with up to fifteen readings, some answers and some facts."""
    return a_snapshot(
        *draw(st.lists(readings(), max_size=15)),
        *draw(st.lists(said(), max_size=5)),
        facts=draw(st.lists(facts(), max_size=6)),
        answered=draw(st.booleans()),
        sex=draw(st.sampled_from(["female", "male", None])),
        unread=draw(st.sampled_from([frozenset(), frozenset(), frozenset({"labs"})])),
    )
