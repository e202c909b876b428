"""Boundary cases of every rule: a chart in short form, and the effect that the rule must have on it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from models.snapshot import Fact, PatientSnapshot, Reading, When
from tests.builders import AS_OF, a_dose, a_fact, a_reading, a_snapshot, a_when

Case = tuple[PatientSnapshot, str | None]
Value = float | bool | str


def on(*facts: Fact | Iterable[Fact], more: dict[str, Any] | None = None, **values: Value) -> PatientSnapshot:
    """A chart with these facts and today's values; `_` in a name stands for `-` where the alias has one."""
    flat: list[Fact] = []
    for fact in facts:
        flat += [fact] if isinstance(fact, Fact) else list(fact)
    readings = [a_reading(_alias(name), value) for name, value in values.items()]
    return a_snapshot(*readings, *(more or {}).pop("readings", ()), facts=flat, **(more or {}))


_HYPHENS = {
    "chest_pain", "new_dyspnoea", "back_red_flags", "swelling_new", "calf_pain", "pleuritic_pain",
    "neuro_deficit_new", "line_redness", "parq_follow_up_clear", "parq_health_changed",
}  # fmt: skip


def _alias(name: str) -> str:
    if name in _HYPHENS or name.startswith("parq_"):
        return name.replace("_", "-")
    return {"six_mwd": "6mwd"}.get(name, name)


def f(value_set: str, days_ago: float | None = 30, **more: Any) -> Fact:
    return a_fact(value_set, days_ago=days_ago, **more)


def past(alias: str, *pairs: tuple[float, Value], **values: Value) -> PatientSnapshot:
    """A chart with a series of one input as (days ago, value)."""
    readings = [a_reading(alias, value, days_ago=days) for days, value in pairs]
    return on(more={"readings": readings}, **values)


def planned(value_set: str, days_ahead: int) -> Fact:
    day = (AS_OF + timedelta(days=days_ahead)).date()
    return a_fact(value_set, start=a_when(on=day), state="planned", kind="order")


def born(years: int) -> date:
    return date(AS_OF.year - years, 1, 1)


def drug(*value_sets: str, days: float = 10, name: str = "drug") -> tuple[Fact, ...]:
    return a_dose(*value_sets, days_ago=days, drug=name)


def ordered(value_set: str, days: float | None = 30, name: str = "drug") -> Fact:
    return a_fact(value_set, days_ago=days, kind="order", display=name, details={"drug": name})


def operated(days: float | None, site: str = "abdomen") -> Fact:
    return a_fact("vs.surgery_major", days_ago=days, kind="procedure", state="history", details={"body_site": site})


def days_of(alias: str, usual: float, *newest: float) -> PatientSnapshot:
    """Fourteen days of a wearable value on chemotherapy: the newest as given, the others as usual."""
    values = [*newest, *[usual] * (14 - len(newest))]
    readings = [a_reading(alias, value, days_ago=day) for day, value in enumerate(values)]
    return on(drug("vs.cytotoxic", days=8), more={"readings": readings})


def wearables(steps: tuple[float, ...], pulse: tuple[float, ...], dose_days: float = 8) -> PatientSnapshot:
    step_values = [*steps, *[6000.0] * (14 - len(steps))]
    pulse_values = [*pulse, *[70.0] * (14 - len(pulse))]
    readings = [a_reading("steps", value, days_ago=day) for day, value in enumerate(step_values)]
    readings += [a_reading("hr_rest_d", value, days_ago=day) for day, value in enumerate(pulse_values)]
    return on(drug("vs.cytotoxic", days=dose_days), more={"readings": readings})


def parq(yes: tuple[int, ...] = (), days_ago: float = 10, **values: Value) -> PatientSnapshot:
    readings = [a_reading(f"parq-{n}", n in yes, days_ago=days_ago) for n in range(1, 8)]
    return on(more={"readings": readings}, **values)


def hours(alias: str, value: Value, hours_ago: float) -> PatientSnapshot:
    return on(more={"readings": [a_reading(alias, value, hours_ago=hours_ago)]})


def fresh_vitals(**instead: Value | None) -> PatientSnapshot:
    values: dict[str, Value | None] = {"sbp": 120, "dbp": 75, "hr_rest": 70, "spo2": 98, **instead}
    readings = [a_reading(name, value) for name, value in values.items() if value is not None]
    return on(more={"readings": readings})


CHEMO = drug("vs.cytotoxic", days=10)
_CANNULA = f("vs.access_device", 20)


def ck(value: float, *facts: Any, **values: Value) -> PatientSnapshot:
    return on(*facts, more={"readings": [a_reading("ck", value, upper_reference=200.0)]}, **values)


CASES: dict[str, list[Case]] = {
    "HEM-01": [(on(platelets=9.9), "HOLD"), (on(platelets=10), None), (on(), None)],
    "HEM-02": [
        (on(platelets=9.9), None),
        (on(platelets=10), "CLEAR"),
        (on(platelets=19.9), "CLEAR"),
        (on(platelets=20), None),
    ],
    "HEM-03": [
        (on(platelets=19.9), None),
        (on(platelets=20), "SUP"),
        (on(platelets=29.9), "SUP"),
        (on(platelets=30), "SUP"),
        (on(platelets=49.9), "SUP"),
        (on(platelets=50), None),
    ],
    "HEM-04": [
        (on(platelets=49.9), None),
        (on(platelets=50), "INFO"),
        (on(platelets=99.9), "INFO"),
        (on(platelets=100), None),
    ],
    "HEM-05": [
        (on(f("vs.active_bleed", 7, code="K92.2")), "HOLD-E"),
        (on(f("vs.active_bleed", 8, code="K92.2")), None),
        (on(f("vs.active_bleed", 7, code="R31.0")), "HOLD"),
        (on(f("vs.active_bleed", 8, code="R31.0")), None),
        (on(f("vs.active_bleed", 7, code="1386000", details={"icd10": "I62.9"})), "HOLD-E"),
        (on(bleeding=True), "HOLD"),
        (on(bleeding=False), None),
    ],
    "HEM-06": [(on(hb=69.9), "HOLD"), (on(hb=70), None)],
    "HEM-07": [(on(hb=69.9), None), (on(hb=70), "CLEAR"), (on(hb=79.9), "CLEAR"), (on(hb=80), None)],
    "HEM-08": [
        (on(f("vs.cad"), hb=89.9), "CLEAR"),
        (on(f("vs.cad"), hb=90), None),
        (on(hb=89.9), None),
        (on(hb=89.9, dizziness=True), "CLEAR"),
        (on(hb=89.9, dyspnoea_borg=3), "CLEAR"),
        (on(hb=89.9, dyspnoea_borg=2), None),
    ],
    "HEM-09": [(on(hb=79.9), None), (on(hb=80), "MOD"), (on(hb=99.9), "MOD"), (on(hb=100), None)],
    "HEM-10": [(on(anc=0.49), "CLEAR"), (on(anc=0.5), None)],
    "HEM-11": [(on(anc=0.49), None), (on(anc=0.5), "MOD"), (on(anc=1.49), "MOD"), (on(anc=1.5), None)],
    "HEM-12": [(on(wbc=1.99), "MOD"), (on(wbc=2), None), (on(wbc=1.99, anc=1.6), None)],
    "HEM-13": [
        (on(anc=0.99, chills=True), "HOLD"),
        (on(anc=1, chills=True), None),
        (on(anc=0.99, rr=24.5), "HOLD"),
        (on(anc=0.99, rr=24), None),
        (on(anc=0.99), None),
    ],
    "HEM-14": [
        (on(temp=38, anc=0.49), "HOLD-E"),
        (on(temp=37.9, anc=0.49), None),
        (on(temp=38, anc=0.5), None),
        (on(fever=True, anc=0.49), "HOLD-E"),
        (on(CHEMO, temp=38), "HOLD-E"),
        (on(CHEMO, temp=38, anc=3), None),
        (on(drug("vs.cytotoxic", days=29), temp=38), None),
        (past("anc", (1, 0.8), (3, 1.0), temp=38), "HOLD-E"),
        (past("anc", (1, 0.81), (3, 1.0), temp=38), None),
        (past("anc", (1, 0.8), (8, 1.0), temp=38), None),
        (on(f("vs.febrile_neutropenia", 7)), "HOLD-E"),
        (on(f("vs.febrile_neutropenia", 8)), None),
    ],
    "HEM-15": [
        (on(temp=37.9), None),
        (on(temp=38), "HOLD"),
        (on(fever=True), "HOLD"),
        (on(f("vs.acute_infection", 7)), "HOLD"),
        (on(f("vs.acute_infection", 8)), None),
        (on(f("vs.sepsis", 6, end=a_when(days_ago=2), state="history")), None),
        (on(f("vs.sepsis", 6, end=a_when(days_ago=1), state="history")), "HOLD"),
    ],
    "HEM-16": [
        (on(gi_ctcae=2), "HOLD"),
        (on(gi_ctcae=1), None),
        (on(f("vs.gi_acute", 1)), "HOLD"),
        (on(f("vs.gi_acute", start=a_when(hours_ago=35.9))), "HOLD"),
        (on(f("vs.gi_acute", start=a_when(hours_ago=36))), None),
        (on(f("vs.gi_acute", None)), "HOLD"),
    ],
    "HEM-17": [
        (on(f("vs.hsct", 365, kind="procedure")), "CLEAR"),
        (on(f("vs.hsct", 366, kind="procedure")), None),
        (on(f("vs.cart", 60)), "CLEAR"),
        (on(f("vs.cart", 61)), None),
        (on(f("vs.gvhd", 900)), "CLEAR"),
        (on(f("vs.hsct", None, code="Z94.84")), "CLEAR"),
        (on(a_fact("vs.hsct", code="Z94.84", start=a_when(days_ago=365, certain=False))), "CLEAR"),
        (on(a_fact("vs.hsct", code="Z94.84", start=a_when(days_ago=366, certain=False))), None),
    ],
    "HEM-18": [
        (on(_CANNULA), "MOD"),
        (on(f("vs.access_device", 181, kind="procedure", state="history")), None),
        (on(f("vs.access_device", 180, kind="procedure", state="history")), "MOD"),
    ],
    "HEM-MISS": [
        (on(CHEMO), "SUP"),
        (on(CHEMO, platelets=200, hb=120, anc=3), None),
        (on(CHEMO, platelets=200, hb=120), "SUP"),
        (on(), None),
        (on(f("vs.cancer", code="C90.00", kind="condition")), "SUP"),
        (past("platelets", (7, 200)), None),
        (on(f("vs.thrombocytopenia", 400)), "SUP"),
        (on(f("vs.thrombocytopenia", 400), platelets=200), None),
    ],
    "CAR-01": [
        (on(chest_pain=True), "HOLD-E"),
        (past("chest-pain", (1, True)), "HOLD-E"),
        (past("chest-pain", (2, True)), "HOLD"),
        (on(f("vs.mi", 2)), "HOLD"),
        (on(f("vs.mi", 3)), None),
        (on(f("vs.acs", 30, code="I20.0")), "HOLD"),
        (on(f("vs.acs", 31, code="I20.0")), None),
        (on(f("vs.acs", 10, source="Condition/mi"), f("vs.mi", 10, source="Condition/mi")), None),
    ],
    "CAR-02": [
        (on(f("vs.mi", 2)), None),
        (on(f("vs.mi", 3)), "CLEAR"),
        (on(f("vs.mi", 42)), "CLEAR"),
        (on(f("vs.mi", 43)), None),
        (on(f("vs.revasc", 0, kind="procedure")), "CLEAR"),
        (on(f("vs.revasc", 43, kind="procedure")), None),
        (on(f("vs.mi", None)), "CLEAR"),
        (on(f("vs.revasc", None, code="Z95.5")), None),
    ],
    "CAR-03": [
        (on(f("vs.hf_acute", 30)), "HOLD"),
        (on(f("vs.hf_acute", 31)), None),
        (on(f("vs.hf"), more={"readings": [a_reading("weight", 72), a_reading("weight", 70, days_ago=3)]}), "HOLD"),
        (on(f("vs.hf"), more={"readings": [a_reading("weight", 71.9), a_reading("weight", 70, days_ago=3)]}), None),
        (on(f("vs.hf"), swelling_new=True), "HOLD"),
        (on(f("vs.hf"), dyspnoea_borg=5), "HOLD-E"),
        (on(f("vs.hf"), dyspnoea_borg=4), None),
    ],
    "CAR-04": [(on(f("vs.hf", 900)), "SUP"), (on(f("vs.hf", 900, state="history")), None), (on(), None)],
    "CAR-05": [(on(lvef=39.9), "CLEAR"), (on(lvef=40), None)],
    "CAR-06": [
        (on(lvef=39.9), None),
        (on(lvef=40), "CLEAR"),
        (on(lvef=49.9), "CLEAR"),
        (on(lvef=50), None),
        (past("lvef", (1, 52), (200, 62)), "CLEAR"),
        (past("lvef", (1, 52.1), (200, 62)), None),
        (past("lvef", (1, 52), (740, 62)), None),
        (on(f("vs.cardiomyopathy_drug", 300)), "CLEAR"),
        (on(f("vs.cardiomyopathy_drug", 300), lvef=60), None),
        (on(f("vs.cardiomyopathy_drug", 300), more={"readings": [a_reading("lvef", 60, days_ago=183)]}), None),
        (on(f("vs.cardiomyopathy_drug", 300), more={"readings": [a_reading("lvef", 60, days_ago=184)]}), "CLEAR"),
    ],
    "CAR-07": [
        (on(drug("vs.anthracycline", days=365)), "INFO"),
        (on(drug("vs.anthracycline", days=366)), None),
        (on(drug("vs.her2", days=100), dizziness=True), "CLEAR"),
        (on(drug("vs.her2", days=100), lvef=60), None),
        (on(drug("vs.her2", days=100), more={"readings": [a_reading("lvef", 60, days_ago=183)]}), None),
        (on(drug("vs.her2", days=100), more={"readings": [a_reading("lvef", 60, days_ago=184)]}), "INFO"),
    ],
    "CAR-08": [
        (on(drug("vs.ici", days=365), chest_pain=True), "HOLD-E"),
        (on(drug("vs.ici", days=366), chest_pain=True), None),
        (on(drug("vs.ici"), more={"readings": [a_reading("troponin", 14.1, upper_reference=14.0)]}), "HOLD-E"),
        (on(drug("vs.ici"), more={"readings": [a_reading("troponin", 14.0, upper_reference=14.0)]}), None),
        (on(drug("vs.ici"), f("vs.af", 30)), "HOLD-E"),
        (on(drug("vs.ici"), f("vs.af", 31)), None),
    ],
    "CAR-09": [
        (on(f("vs.pericarditis", 183, state="history")), "HOLD"),
        (on(f("vs.pericarditis", 184, state="history")), None),
        (on(f("vs.myocarditis", 400)), "HOLD"),
        (on(f("vs.endocarditis", None)), "CLEAR"),
    ],
    "CAR-10": [
        (on(f("vs.aortic", 900)), "HOLD"),
        (on(f("vs.severe_as", code="I35.0")), "CLEAR"),
        (on(f("vs.severe_as", code="I35.0", details={"severity": "severe"})), "HOLD"),
        (on(f("vs.severe_as", code="I35.2")), "HOLD"),
        (on(f("vs.hcm")), "CLEAR"),
        (on(), None),
    ],
    "CAR-11": [
        (on(sbp=200), None),
        (on(sbp=200.5), "HOLD"),
        (on(dbp=110), None),
        (on(dbp=110.5), "HOLD"),
        (on(f("vs.htn_crisis", 30)), "HOLD"),
        (on(f("vs.htn_crisis", 31)), None),
    ],
    "CAR-12": [
        (on(sbp=179.9), None),
        (on(sbp=180), "CLEAR"),
        (on(sbp=200), "CLEAR"),
        (on(sbp=200.5), None),
        (on(dbp=99.9), None),
        (on(dbp=100), "CLEAR"),
        (on(dbp=110), "CLEAR"),
    ],
    "CAR-13": [
        (on(sbp=89.9), "CLEAR"),
        (on(sbp=90), None),
        (on(f("vs.orthostatic")), "CLEAR"),
        (on(syncope=True), "HOLD"),
        (on(f("vs.syncope", 30)), "HOLD"),
        (on(f("vs.syncope", 31)), None),
    ],
    "CAR-14": [
        (on(hr_rest=120), None),
        (on(hr_rest=120.5), "CLEAR"),
        (on(hr_rest=140), "CLEAR"),
        (on(hr_rest=140.5), "HOLD"),
        (on(hr_rest=121, dizziness=True), "HOLD"),
    ],
    "CAR-15": [(on(hr_rest=99.9), None), (on(hr_rest=100), "MOD"), (on(hr_rest=120), "MOD"), (on(hr_rest=121), None)],
    "CAR-16": [
        (on(hr_rest=49.9), "CLEAR"),
        (on(hr_rest=50), None),
        (on(ordered("vs.rate_limiting_drug"), hr_rest=49.9), None),
        (on(hr_rest=49.9, dizziness=True), "HOLD"),
        (on(f("vs.av_block_high", code="I44.1")), "CLEAR"),
        (on(f("vs.av_block_high", code="I44.2")), "HOLD"),
        (on(f("vs.av_block_high", code="27885002", details={"icd10": "I44.2"})), "HOLD"),
        (on(f("vs.av_block_high", code="I44.2"), f("vs.device", None, code="Z95.0")), "CLEAR"),
    ],
    "CAR-17": [
        (on(f("vs.vt_vf", 90)), "HOLD"),
        (on(f("vs.vt_vf", 91)), None),
        (on(f("vs.af", 30), hr_rest=110.5), "HOLD"),
        (on(f("vs.af", 30), hr_rest=110), None),
        (on(f("vs.af", 31), hr_rest=110.5), None),
    ],
    "CAR-18": [
        (on(f("vs.af", 900)), "SUP"),
        (on(f("vs.device", None, code="Z95.0")), "SUP"),
        (on(f("vs.af", 900, state="history")), None),
    ],
    "CAR-19": [
        (on(ordered("vs.rate_limiting_drug")), "MOD"),
        (on(a_fact("vs.rate_limiting_drug", kind="order", state="history")), None),
    ],
    "CAR-20": [
        (on(qtc=500), None),
        (on(qtc=500.5), "CLEAR"),
        (on(drug("vs.qt", days=90), k=2.9), "CLEAR"),
        (on(drug("vs.qt", days=90), k=3), None),
        (on(drug("vs.qt", days=91), k=2.9), None),
        (on(drug("vs.qt"), mg=0.49), "CLEAR"),
        (on(drug("vs.qt"), mg=0.5), None),
    ],
    "CAR-21": [(on(f("vs.pulm_htn", 900)), "CLEAR"), (on(), None)],
    "CAR-22": [(on(f("vs.svco", 30)), "HOLD-E"), (on(f("vs.svco", 31, state="history")), None)],
    "CAR-23": [
        (on(f("vs.cad"), evs_min_week=89.9), "CLEAR"),
        (on(f("vs.cad"), evs_min_week=90), None),
        (on(f("vs.cad")), "CLEAR"),
        (on(evs_min_week=10), None),
        (on(f("vs.stroke", 91), evs_min_week=10), "CLEAR"),
        (on(f("vs.stroke", 90), evs_min_week=10), None),
        (on(f("vs.revasc", None, code="Z95.5"), evs_min_week=10), "CLEAR"),
    ],
    "CAR-MISS": [
        (on(f("vs.hf")), "INFO"),
        (on(f("vs.hf"), dizziness=True), "CLEAR"),
        (on(f("vs.cad"), dizziness=True), "CLEAR"),
        (on(f("vs.hf"), lvef=55, dizziness=True), None),
        (on(f("vs.hf"), more={"readings": [a_reading("lvef", 55, days_ago=365)]}), None),
        (on(f("vs.hf"), more={"readings": [a_reading("lvef", 55, days_ago=366)]}), "INFO"),
    ],
    "VIT-MISS": [
        (fresh_vitals(), None),
        (fresh_vitals(sbp=None), "SUP"),
        (fresh_vitals(spo2=None), "SUP"),
        (fresh_vitals(hr_rest=None), "SUP"),
        (on(), "SUP"),
    ],
    "FUN-MISS": [
        (on(), "SUP"),
        (on(ecog=1), None),
        (on(kps=90), None),
        (on(promis_pf=50), None),
        (past("ecog", (90, 1)), None),
        (past("ecog", (91, 1)), "SUP"),
        (on(CHEMO, more={"readings": [a_reading("ecog", 1, days_ago=31)]}), "SUP"),
        (on(CHEMO, more={"readings": [a_reading("ecog", 1, days_ago=30)]}), None),
    ],
    "VTE-01": [
        (on(f("vs.pe", 14)), "HOLD-E"),
        (on(f("vs.pe", 14), ordered("vs.anticoag")), "HOLD"),
        (on(f("vs.pe", 15)), None),
        (on(f("vs.pe", None)), "CLEAR"),
    ],
    "VTE-02": [
        (on(f("vs.dvt", 14)), "HOLD"),
        (on(f("vs.dvt", 15)), None),
        (on(f("vs.dvt", 5), ordered("vs.anticoag", 3)), None),
        (on(f("vs.dvt", 5), a_fact("vs.anticoag", kind="order", start=a_when(hours_ago=23))), "HOLD"),
        (on(f("vs.dvt", 5), a_fact("vs.anticoag", kind="order", start=a_when(hours_ago=24))), None),
        (on(f("vs.dvt", 5), a_fact("vs.anticoag", kind="order", confirmed=False)), "HOLD"),
    ],
    "VTE-03": [
        (on(f("vs.dvt", 14), ordered("vs.anticoag")), "CLEAR"),
        (on(f("vs.dvt", 15), ordered("vs.anticoag")), None),
        (on(f("vs.dvt", 14)), None),
        (on(f("vs.dvt", None)), "CLEAR"),
    ],
    "VTE-04": [
        (on(pleuritic_pain=True), "HOLD-E"),
        (on(calf_pain=True), "HOLD"),
        (past("swelling-new", (3, True)), "HOLD"),
        (past("swelling-new", (4, True)), None),
        (on(calf_pain=False), None),
    ],
    "VTE-05": [
        (on(inr=5.01), "CLEAR"),
        (on(inr=5), None),
        (on(ordered("vs.anticoag"), inr=5), "MOD"),
        (on(ordered("vs.anticoag")), "MOD"),
    ],
    "ELE-01": [(on(k=2.49), "HOLD"), (on(k=2.5), None), (on(k=5.99), None), (on(k=6), "HOLD")],
    "ELE-02": [
        (on(k=2.49), None),
        (on(k=2.5), "CLEAR"),
        (on(k=2.99), "CLEAR"),
        (on(k=3), None),
        (on(k=5.5), None),
        (on(k=5.51), "CLEAR"),
        (on(k=6), None),
    ],
    "ELE-03": [
        (on(na=119.9), "HOLD"),
        (on(na=120), "CLEAR"),
        (on(na=124.9), "CLEAR"),
        (on(na=125), None),
        (on(na=155), None),
        (on(na=155.1), "CLEAR"),
        (on(na=160), "CLEAR"),
        (on(na=160.1), "HOLD"),
    ],
    "ELE-04": [
        (on(ca_corr=2.74), None),
        (on(ca_corr=2.75), "CLEAR"),
        (on(ca_corr=2.99), "CLEAR"),
        (on(ca_corr=3), "HOLD"),
        (on(ca_corr=3.49), "HOLD"),
        (on(ca_corr=3.5), "HOLD-E"),
        (on(ca=2.74), None),
        (on(ca=2.75), "HOLD"),
        (on(ca=3), "HOLD-E"),
        (on(ca=2.8, ca_corr=2.6), None),
        (on(more={"readings": [a_reading("ca_corr", 2.8, note="no albumin: uncorrected")]}), "HOLD"),
        (on(more={"readings": [a_reading("ca_corr", 3.0, note="no albumin: uncorrected")]}), "HOLD-E"),
    ],
    "ELE-05": [
        (on(mg=0.49), "CLEAR"),
        (on(mg=0.5), None),
        (on(f("vs.tls", 14)), "HOLD"),
        (on(f("vs.tls", 15)), None),
    ],
    "DIA-01": [
        (on(f("vs.diabetes"), ordered("vs.insulin"), glucose=3.8), "HOLD"),
        (on(f("vs.diabetes"), ordered("vs.insulin"), glucose=3.9), "INFO"),
        (on(f("vs.diabetes"), glucose=3.8), None),
    ],
    "DIA-02": [
        (on(ordered("vs.insulin"), glucose=3.89), None),
        (on(ordered("vs.insulin"), glucose=3.9), "MOD"),
        (on(ordered("vs.insulin"), glucose=5.49), "MOD"),
        (on(ordered("vs.insulin"), glucose=5.5), None),
        (on(f("vs.diabetes"), ordered("vs.insulin")), "MOD"),
    ],
    "DIA-03": [
        (on(glucose=13.9, ketone_blood=1.5), None),
        (on(glucose=14, ketone_blood=1.5), "HOLD"),
        (on(glucose=14, ketone_blood=1.49), None),
        (on(glucose=14, ketone_urine=2), "HOLD"),
        (on(glucose=14, ketone_urine=1), None),
        (on(f("vs.diabetes", code="E10.9"), glucose=14), "INFO"),
    ],
    "DIA-04": [
        (on(glucose=16.7), None),
        (on(glucose=16.8), "MOD"),
        (on(glucose=13.9, ketone_blood=0.6), "MOD"),
        (on(glucose=13.8, ketone_blood=0.6), None),
        (on(glucose=14, ketone_blood=0.59), None),
        (on(glucose=14, ketone_blood=1.5), None),
    ],
    "DIA-05": [
        (on(f("vs.dka", 7)), "HOLD"),
        (on(f("vs.dka", 8)), None),
        (on(f("vs.hypo", 1)), "HOLD"),
        (on(f("vs.hypo", 2)), None),
    ],
    "DIA-06": [
        (on(f("vs.retinopathy")), "CLEAR"),
        (on(f("vs.foot_ulcer")), "CLEAR"),
        (on(f("vs.diabetes"), f("vs.neuropathy")), "MOD"),
        (on(f("vs.diabetes")), None),
    ],
    "DIA-07": [
        (on(hba1c=9.9), None),
        (on(hba1c=10), "INFO"),
        (on(ordered("vs.steroid"), glucose=11.1), "INFO"),
        (on(ordered("vs.steroid"), glucose=11), None),
    ],
    "REN-01": [
        (on(f("vs.esrd", 900)), "CLEAR"),
        (on(f("vs.cirrhosis_decomp")), "CLEAR"),
        (on(f("vs.esrd", 90, kind="procedure", state="history")), "CLEAR"),
        (on(f("vs.esrd", 91, kind="procedure", state="history")), None),
    ],
    "BON-01": [
        (on(back_red_flags=True), "HOLD-E"),
        (on(back_red_flags=False), None),
        (on(f("vs.cord_compression", 90)), "HOLD-E"),
        (on(f("vs.cord_compression", 91)), None),
    ],
    "BON-02": [
        (on(f("vs.fracture_recent", 90, code="S72.001A")), "HOLD"),
        (on(f("vs.fracture_recent", 91, code="S72.001A")), None),
        (on(f("vs.fracture_recent", 90, code="S52.501A")), "HOLD"),
        (on(f("vs.path_fracture", 180, code="M84.58XA")), "HOLD"),
        (on(f("vs.path_fracture", 181, code="M84.58XA")), None),
        (on(f("vs.fracture_recent", None, code="S72.001A")), "CLEAR"),
    ],
    "BON-03": [(on(mirels=8), None), (on(mirels=9), "HOLD"), (on(sins=12), None), (on(sins=13), "HOLD")],
    "BON-04": [
        (on(f("vs.bone_mets", 900)), "CLEAR"),
        (on(f("vs.bone_mets", 900, state="history")), None),
        (on(f("vs.bone_mets", confirmed=False)), "CLEAR"),
    ],
    "BON-05": [
        (on(mirels=7), None),
        (on(mirels=8), "CLEAR"),
        (on(mirels=9), None),
        (on(sins=6), None),
        (on(sins=7), "CLEAR"),
        (on(sins=12), "CLEAR"),
        (on(sins=13), None),
    ],
    "BON-06": [
        (on(tscore=-2.4), None),
        (on(tscore=-2.5), "MOD"),
        (on(f("vs.osteoporosis")), "MOD"),
        (on(ordered("vs.hormonal", 183)), None),
        (on(ordered("vs.hormonal", 184)), "MOD"),
        (on(f("vs.path_fracture", 900, code="M80.08XA", state="history")), "MOD"),
    ],
    "NEU-01": [(on(f("vs.brain_tumour", 900)), "CLEAR"), (on(), None)],
    "NEU-02": [
        (on(f("vs.seizure", 1)), "HOLD"),
        (on(f("vs.seizure", start=a_when(hours_ago=47.9))), "HOLD"),
        (on(f("vs.seizure", start=a_when(hours_ago=48))), "CLEAR"),
        (on(f("vs.seizure", 2)), "CLEAR"),
        (on(f("vs.seizure", 30)), "CLEAR"),
        (on(f("vs.seizure", 31)), "MOD"),
        (on(f("vs.seizure", None)), "CLEAR"),
        (on(), None),
    ],
    "NEU-03": [(on(neuro_deficit_new=True), "HOLD-E"), (on(neuro_deficit_new=False), None)],
    "NEU-04": [
        (on(ordered("vs.steroid"), weakness=True), "SUP"),
        (on(ordered("vs.steroid"), weakness=False), None),
        (on(weakness=True), None),
        (on(drug("vs.steroid", days=28), weakness=True), "SUP"),
        (on(drug("vs.steroid", days=29), weakness=True), None),
    ],
    "NEU-05": [
        (on(f("vs.neuropathy")), "MOD"),
        (on(f("vs.neuropathy"), f("vs.falls")), "SUP"),
        (on(f("vs.neuropathy"), falls_12_months=1), "SUP"),
        (on(f("vs.neuropathy"), falls_12_months=0), "MOD"),
        (on(ctcae_neuropathy=2), "SUP"),
        (on(ctcae_neuropathy=1), None),
        (on(drug("vs.neurotoxic", days=365), numbness=True), "MOD"),
        (on(drug("vs.neurotoxic", days=366), numbness=True), None),
        (on(numbness=True), None),
    ],
    "NEU-06": [
        (on(f("vs.stroke", 13)), "HOLD"),
        (on(f("vs.stroke", 14)), "CLEAR"),
        (on(f("vs.stroke", 90)), "CLEAR"),
        (on(f("vs.stroke", 91)), "SUP"),
        (on(f("vs.tia", 13)), "HOLD"),
        (on(f("vs.stroke", None)), "CLEAR"),
        (on(f("vs.stroke", 5, code="I69.351")), "SUP"),
        (on(), None),
    ],
    "NEU-07": [(on(f("vs.als")), "CLEAR"), (on(f("vs.pd")), "SUP"), (on(f("vs.ms", state="history")), None)],
    "NEU-08": [(on(f("vs.delirium")), "HOLD"), (on(f("vs.dementia")), "SUP"), (on(), None)],
    "TRT-01": [
        (on(drug("vs.cytotoxic", days=0)), "MOD"),
        (on(drug("vs.cytotoxic", days=1)), None),
        (on(a_fact("vs.cytotoxic", kind="administration", start=a_when(hours_ago=23.5))), "MOD"),
        (on(a_fact("vs.cytotoxic", kind="administration", start=a_when(hours_ago=24.5))), None),
        (on(f("vs.chemo_encounter", 0, kind="encounter")), "MOD"),
        (on(f("vs.chemo_encounter", 1, kind="encounter")), None),
    ],
    "TRT-02": [
        (on(drug("vs.cytotoxic", days=0)), None),
        (on(drug("vs.cytotoxic", days=1)), "MOD"),
        (on(drug("vs.cytotoxic", days=2)), "MOD"),
        (on(drug("vs.cytotoxic", days=3)), None),
        (on(f("vs.chemo_encounter", 1, kind="encounter")), "MOD"),
    ],
    "TRT-03": [
        (on(drug("vs.cytotoxic", days=6)), None),
        (on(drug("vs.cytotoxic", days=7)), "MOD"),
        (on(drug("vs.cytotoxic", days=14)), "MOD"),
        (on(drug("vs.cytotoxic", days=15)), None),
    ],
    "TRT-04": [
        (on(drug("vs.cytotoxic", name="docetaxel", days=28)), "MOD"),
        (on(drug("vs.cytotoxic", name="docetaxel", days=29)), None),
        (on(drug("vs.cytotoxic", name="doxorubicin")), None),
    ],
    "TRT-05": [
        (on(f("vs.radiotherapy", 42, kind="procedure")), "MOD"),
        (on(f("vs.radiotherapy", 43, kind="procedure")), None),
        (on(f("vs.radiotherapy", 20, code="Z92.3", state="history")), None),
        (on(f("vs.radiotherapy", 80, kind="procedure", end=a_when(days_ago=42))), "MOD"),
        (on(f("vs.radiotherapy", 80, kind="procedure", end=a_when(days_ago=43))), None),
    ],
    "TRT-06": [(on(drug("vs.ici", days=90)), "MOD"), (on(drug("vs.ici", days=91)), None)],
    "TRT-07": [
        (ck(600, weakness=True), "HOLD"),
        (ck(599, weakness=True), None),
        (ck(600), None),
        (ck(1000), "HOLD"),
        (ck(999), None),
        (ck(1000, chest_pain=True), "HOLD-E"),
        (on(f("vs.rhabdo", 30)), "HOLD"),
        (on(f("vs.rhabdo", 31)), None),
        (on(f("vs.myositis"), drug("vs.ici")), "HOLD"),
    ],
    "TRT-08": [(ck(200), None), (ck(201), "MOD"), (ck(599), "MOD"), (ck(600), None), (on(ck=201), "MOD")],
    "TRT-08b": [(ck(599), None), (ck(600), "CLEAR"), (ck(999), "CLEAR"), (ck(1000), None)],
    "TRT-09": [(on(operated(14)), "HOLD"), (on(operated(15)), None), (on(operated(0, "")), "HOLD")],
    "TRT-10": [
        (on(operated(14)), None),
        (on(operated(15)), "CLEAR"),
        (on(operated(42)), "CLEAR"),
        (on(operated(43)), None),
        (on(operated(20, "limb")), None),
        (on(operated(20, "")), "CLEAR"),
        (on(operated(None)), "CLEAR"),
        (on(f("vs.surgery_major", None, code="Z90.10")), None),
    ],
    "TRT-11": [
        (on(operated(42)), None),
        (on(operated(43)), "CLEAR"),
        (on(operated(90)), "CLEAR"),
        (on(operated(91)), None),
        (on(operated(43, "breast")), "SUP"),
        (on(operated(90, "breast")), "SUP"),
        (on(operated(91, "breast")), None),
    ],
    "TRT-12": [(on(f("vs.wound_problem", 900)), "HOLD"), (on(f("vs.wound_problem", state="history")), None)],
    "TRT-13": [
        (on(f("vs.stoma", 90)), "CLEAR"),
        (on(f("vs.stoma", 91)), "CLEAR"),
        (on(f("vs.stoma", 91, kind="procedure", state="history")), "CLEAR"),
        (on(f("vs.stoma", 91, state="history")), None),
        (on(f("vs.parastomal_hernia")), "CLEAR"),
        (on(), None),
    ],
    "TRT-14": [
        (on(planned("vs.planned_surgery", 6)), None),
        (on(planned("vs.planned_surgery", 7)), "INFO"),
        (on(planned("vs.planned_surgery", 60)), "INFO"),
        (on(planned("vs.planned_surgery", 61)), None),
    ],
    "TRT-15": [(on(ordered("vs.hormonal")), "MOD"), (on(a_fact("vs.hormonal", kind="order", state="history")), None)],
    "TRT-16": [(on(f("vs.lymphoedema", 900)), "SUP"), (on(), None)],
    "TRT-17": [
        (on(f("vs.cellulitis", 14)), "HOLD"),
        (on(f("vs.cellulitis", 15)), None),
        (on(swelling_new=True), "HOLD"),
        (on(swelling_new=False), None),
    ],
    "CAC-01": [
        (past("weight", (1, 94.9), (150, 100)), "CLEAR"),
        (past("weight", (1, 95), (150, 100)), None),
        (past("weight", (1, 97.9), (150, 100), bmi=19.9), "CLEAR"),
        (past("weight", (1, 97.9), (150, 100), bmi=20), None),
        (past("weight", (1, 98), (150, 100), bmi=19.9), None),
        (on(f("vs.cachexia")), "CLEAR"),
        (on(f("vs.cachexia"), weight=70), None),
    ],
    "CAC-02": [
        (past("weight", (1, 89.9), (150, 100)), "HOLD"),
        (past("weight", (1, 90), (150, 100)), None),
        (on(bmi=15.9), "HOLD"),
        (on(bmi=16), None),
        (on(f("vs.malnutrition_severe")), "HOLD"),
    ],
    "CAC-03": [
        (on(f("vs.hospice", code="Z51.5")), "SUP"),
        (on(f("vs.hospice", 30, code="Z51.5", kind="encounter", state="history", end=a_when(days_ago=30))), "SUP"),
        (on(f("vs.hospice", 31, code="Z51.5", kind="encounter", state="history", end=a_when(days_ago=31))), None),
        (on(ecog=3, bmi=15.9), "SUP"),
        (on(ecog=2, bmi=15.9), None),
        (on(ecog=3, bmi=16), None),
    ],
    "FAT-01": [
        (on(fatigue_nrs=6), None),
        (on(fatigue_nrs=7), "SUP"),
        (on(fatigue_nrs=8), "SUP"),
        (on(fatigue_nrs=9), "CLEAR"),
        (on(bfi=6.9), None),
        (on(bfi=7), "SUP"),
        (on(facit_f=30), "SUP"),
        (on(facit_f=31), None),
        (on(promis_fatigue=69.9), None),
        (on(promis_fatigue=70), "SUP"),
        (past("fatigue_nrs", (0, 5), (14, 2)), "CLEAR"),
        (past("fatigue_nrs", (0, 5), (15, 2)), None),
        (past("fatigue_nrs", (0, 4), (14, 2)), None),
    ],
    "FAT-02": [
        (on(fatigue_nrs=3), None),
        (on(fatigue_nrs=4), "MOD"),
        (on(fatigue_nrs=6), "MOD"),
        (on(fatigue_nrs=7), None),
        (on(facit_f=30), None),
        (on(facit_f=31), "MOD"),
        (on(facit_f=43), "MOD"),
        (on(facit_f=44), None),
        (on(promis_fatigue=60), "MOD"),
        (on(promis_fatigue=59.9), None),
        (on(promis_fatigue=70), None),
        (on(f("vs.fatigue")), "MOD"),
        (on(f("vs.fatigue"), fatigue_nrs=2), None),
    ],
    "PAI-01": [
        (on(pain_nrs=6), None),
        (on(pain_nrs=7), "CLEAR"),
        (past("pain_nrs", (0, 5), (7, 2)), "CLEAR"),
        (past("pain_nrs", (0, 5), (8, 2)), None),
        (past("pain_nrs", (0, 4), (7, 2)), None),
    ],
    "PAI-02": [
        (on(pain_nrs=3), None),
        (on(pain_nrs=4), "MOD"),
        (on(pain_nrs=6), "MOD"),
        (on(pain_nrs=7), None),
        (on(f("vs.pain")), "MOD"),
        (on(f("vs.pain"), pain_nrs=1), None),
    ],
    "RSP-01": [
        (on(spo2=88), None),
        (past("spo2", (0, 87), (60, 87)), "HOLD"),
        (past("spo2", (0, 84.9), (60, 87)), "HOLD-E"),
        (past("spo2", (0, 85), (60, 87)), "HOLD"),
        (on(spo2=87), "HOLD-E"),
        (past("spo2", (0, 87), (20, 93)), "HOLD-E"),
    ],
    "RSP-02": [
        (on(spo2=87.9), None),
        (on(spo2=88), "MOD"),
        (on(spo2=94), "MOD"),
        (on(spo2=95), None),
        (on(f("vs.copd"), spo2=94), "SUP"),
    ],
    "RSP-03": [
        (on(new_dyspnoea=True), "HOLD-E"),
        (on(dyspnoea_mmrc=4), "CLEAR"),
        (on(dyspnoea_mmrc=3), None),
        (on(dyspnoea_borg=5), "CLEAR"),
        (on(dyspnoea_borg=4), None),
    ],
    "RSP-04": [
        (on(f("vs.pneumonitis")), "HOLD"),
        (on(f("vs.ild")), "CLEAR"),
        (on(f("vs.effusion")), "CLEAR"),
        (on(f("vs.pneumonitis", state="history")), None),
    ],
    "RSP-05": [
        (on(f("vs.copd_exac", 6)), "HOLD"),
        (on(f("vs.copd_exac", 7)), "CLEAR"),
        (on(f("vs.copd_exac", 28)), "CLEAR"),
        (on(f("vs.copd_exac", 29)), None),
        (on(f("vs.copd_exac", None)), "CLEAR"),
    ],
    "PS-01": [
        (on(ecog=2), None),
        (on(ecog=3), "CLEAR"),
        (on(ecog=4), "HOLD"),
        (on(kps=20), "HOLD"),
        (on(kps=30), "CLEAR"),
        (on(kps=40), "CLEAR"),
        (on(kps=50), None),
    ],
    "PS-02": [
        (on(ecog=1), None),
        (on(ecog=2), "SUP"),
        (on(ecog=3), None),
        (on(kps=40), None),
        (on(kps=50), "SUP"),
        (on(kps=60), "SUP"),
        (on(kps=70), None),
    ],
    "FAL-01": [
        (on(falls_12_months=1), None),
        (on(falls_12_months=2), "SUP"),
        (on(tug=11.9), None),
        (on(tug=12), "SUP"),
        (on(gait=0.8), None),
        (on(gait=0.79), "SUP"),
        (on(sts30=11, more={"born": born(62)}), "SUP"),
        (on(sts30=12, more={"born": born(62)}), None),
        (on(sts30=12, more={"born": born(62), "sex": "male"}), "SUP"),
        (on(sts30=3), None),
    ],
    "FAL-02": [
        (on(falls_12_months=0), None),
        (on(falls_12_months=1), "SUP"),
        (on(falls_12_months=2), None),
        (on(f("vs.falls")), "SUP"),
        (on(dizziness=True), "SUP"),
    ],
    "FRA-01": [
        (on(cfs=4), None),
        (on(cfs=5), "SUP"),
        (on(cfs=6), "SUP"),
        (on(cfs=7), "CLEAR"),
        (on(cfs=8), "CLEAR"),
        (on(cfs=9), "HOLD"),
        (on(f("vs.frailty")), "SUP"),
        (on(f("vs.frailty"), cfs=3), None),
    ],
    "FRA-02": [
        (on(grip_r=15.9), "MOD"),
        (on(grip_r=16), None),
        (on(grip_r=26.9, more={"sex": "male"}), "MOD"),
        (on(grip_r=27, more={"sex": "male"}), None),
        (on(gait=0.8), "MOD"),
        (on(gait=0.81), None),
        (on(f("vs.sarcopenia")), "MOD"),
    ],
    "FUN-01": [
        (on(six_mwd=299), "SUP"),
        (on(six_mwd=300), None),
        (past("6mwd", (0, 400), (60, 450)), "SUP"),
        (past("6mwd", (0, 401), (60, 450)), None),
    ],
    "PRG-01": [
        (on(f("vs.pregnant", 60, code="O44.11")), "HOLD"),
        (on(f("vs.pregnant", 60, code="Z33.1")), None),
        (on(f("vs.pregnant", 60, code="Z33.1"), sbp=161), "HOLD"),
        (on(f("vs.pregnant", 60, code="Z33.1"), sbp=160), None),
        (on(f("vs.pregnant", 60, code="Z33.1"), bleeding=True), "HOLD"),
    ],
    "PRG-02": [
        (on(f("vs.pregnant", 300, code="Z33.1")), "CLEAR"),
        (on(f("vs.pregnant", 301, code="Z33.1")), None),
        (on(pregnancy=True), "CLEAR"),
        (on(hcg=True), "CLEAR"),
        (on(pregnancy=False), None),
    ],
    "PSY-01": [
        (on(phq9_item9=0), None),
        (on(phq9_item9=1), "SUP"),
        (on(phq9=19), None),
        (on(phq9=20), "SUP"),
    ],
    "OBE-01": [(on(bmi=39.9), None), (on(bmi=40), "MOD")],
    "PQ-01": [
        (parq(), "INFO"),
        (parq(yes=(3,)), None),
        (parq(days_ago=365), "INFO"),
        (parq(days_ago=366), None),
        (parq(parq_health_changed=True), None),
        (on(), None),
    ],
    "PQ-02": [
        (parq(yes=(3,), parq_follow_up_clear=True), "SUP"),
        (parq(yes=(3,), parq_follow_up_clear=False), None),
        (parq(parq_follow_up_clear=True), None),
    ],
    "PQ-03": [
        (parq(yes=(3,), parq_follow_up_clear=False), "CLEAR"),
        (parq(yes=(3,)), "CLEAR"),
        (parq(yes=(3,), parq_follow_up_clear=True), None),
        (parq(), None),
    ],
    "PQ-04": [
        (on(), "SUP"),
        (parq(days_ago=365), None),
        (parq(days_ago=366), "SUP"),
        (parq(parq_health_changed=True), "SUP"),
    ],
    "MSK-01": [
        (on(f("vs.back_pain", 14), more={"answered": False}), "HOLD"),
        (on(f("vs.back_pain", 14)), "CLEAR"),
        (on(f("vs.back_pain", 15)), "MOD"),
        (on(f("vs.back_pain", 14), more={"cancer": False}), "MOD"),
        (on(f("vs.back_pain", 14), temp=38, more={"cancer": False}), "CLEAR"),
        (on(f("vs.osteoarthritis", 900)), "MOD"),
        (on(), None),
    ],
    "MSK-02": [
        (on(f("vs.rheumatoid_arthritis")), "MOD"),
        (on(f("vs.rheumatoid_arthritis"), crp=10), "MOD"),
        (on(f("vs.rheumatoid_arthritis"), crp=10.1), "CLEAR"),
        (on(f("vs.rheumatoid_arthritis"), pain_nrs=7), "CLEAR"),
        (on(), None),
    ],
    "MSK-03": [
        (on(f("vs.joint_replacement", 42, kind="procedure")), "CLEAR"),
        (on(f("vs.joint_replacement", 43, kind="procedure")), "SUP"),
        (on(f("vs.joint_replacement", 180, kind="procedure")), "SUP"),
        (on(f("vs.joint_replacement", 181, kind="procedure")), None),
    ],
    "MSK-04": [
        (on(f("vs.path_fracture", 84, code="M80.08XA")), "CLEAR"),
        (on(f("vs.path_fracture", 85, code="M80.08XA")), None),
        (on(f("vs.path_fracture", 84, code="M84.58XA")), None),
    ],
    "NEU-P": [
        (on(f("vs.pd"), more={"cancer": False}), "INFO"),
        (on(f("vs.pd")), None),
    ],
    "CPR-01": [
        (on(f("vs.cad"), more={"cancer": False}), "SUP"),
        (on(f("vs.cad")), None),
    ],
    "CPR-02": [(on(f("vs.copd", 900)), "SUP"), (on(), None)],
    "CPR-03": [
        (on(f("vs.pad", code="I70.219")), "SUP"),
        (on(f("vs.pad", code="I70.229")), "HOLD"),
        (on(f("vs.pad", code="I73.9"), f("vs.foot_ulcer")), "HOLD"),
        (on(f("vs.foot_ulcer")), None),
    ],
    "GER-01": [
        (on(f("vs.frailty"), more={"cancer": False}), "SUP"),
        (on(cfs=5, more={"cancer": False}), "SUP"),
        (on(cfs=4, more={"cancer": False}), None),
        (on(f("vs.frailty")), None),
    ],
    "MON-01": [
        (on(adverse_event="serious"), "HOLD"),
        (on(adverse_event="non-serious"), "INFO"),
        (on(), None),
    ],
    "MON-02": [
        (wearables((3000, 3000, 3000), (80,)), "MOD"),
        (wearables((3000, 3000, 3000), (79,)), None),
        (wearables((4000, 4000, 4000), (80,)), None),
        (wearables((3000, 3000, 3000), (80,), dose_days=2), None),
        (wearables((3000, 3000, 3000), (80,), dose_days=3), "MOD"),
        (wearables((3000, 3000, 3000), (80,), dose_days=18), "MOD"),
        (wearables((3000, 3000, 3000), (80,), dose_days=19), None),
    ],
    "MON-03": [
        (days_of("steps", 6000, 3600, 3600), "MOD"),
        (days_of("steps", 6000, 3600, 3700), None),
        (days_of("hr_rest_d", 70, 80, 80), "MOD"),
        (days_of("hr_rest_d", 70, 80, 79), None),
    ],
    "MON-04": [
        (on(hr_rest_d=100), None),
        (on(hr_rest_d=101), "HOLD"),
        (past("hr_rest_d", (2, 101)), None),
    ],
    "MON-05": [
        (on(f("vs.hf"), more={"readings": [a_reading("weight", 72), a_reading("weight", 70, days_ago=3)]}), "HOLD"),
        (past("weight", (0, 70), (7, 72)), "INFO"),
        (past("weight", (0, 70.1), (7, 72)), None),
        (past("weight", (0, 70), (8, 72)), None),
    ],
    "MON-06": [
        (past("fatigue_nrs", (0, 5), (7, 2)), "MOD"),
        (past("fatigue_nrs", (0, 4), (7, 2)), None),
        (past("rpe", (0, 15), (2, 15)), "MOD"),
        (past("rpe", (0, 15), (2, 14)), None),
    ],
    "MON-07": [
        (past("session_status", (0, "missed"), (3, "missed")), "INFO"),
        (past("session_status", (0, "missed"), (3, "completed")), None),
    ],
    "MON-08": [(on(spo2_ex=87.9), "SUP"), (on(spo2_ex=88), None)],
}

__all__ = ["CASES", "Case", "Reading", "When"]
