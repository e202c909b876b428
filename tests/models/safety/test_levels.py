"""What a fired rule asks for beside its effect, and limits that only show in one of its levels."""

from __future__ import annotations

import pytest

from models.findings import Finding
from models.safety.rule import rule_set
from models.safety.screen import fired
from models.safety.view import View
from models.snapshot import PatientSnapshot
from tests.builders import a_fact, a_reading, a_when
from tests.models.safety.cases import CHEMO, ck, drug, f, on, operated, ordered, past, wearables

RULES = {rule.id: rule for rule in rule_set().rules}


def _finding(rule_id: str, snapshot: PatientSnapshot) -> Finding | None:
    return fired(RULES[rule_id], View(snapshot))


def _cap(finding: Finding, kind: str) -> float | str | None:
    return next((cap.value for cap in finding.caps if cap.kind == kind), None)


@pytest.mark.parametrize(
    ("rule_id", "snapshot", "effect"),
    [
        ("HEM-08", on(hb=89.9, dyspnoea_mmrc=2), "CLEAR"),
        ("HEM-08", on(hb=89.9, dyspnoea_mmrc=1), None),
        ("HEM-14", past("anc", (1, 0.99), (3, 1.5), temp=38), "HOLD-E"),
        ("HEM-14", past("anc", (1, 1.0), (3, 1.5), temp=38), None),
        ("HEM-14", on(CHEMO, temp=37.9), None),
        ("HEM-14", on(CHEMO, fever=True), "HOLD-E"),
        ("CAR-01", on(f("vs.mi", None)), None),
        ("CAR-02", on(f("vs.revasc", 42, kind="procedure")), "CLEAR"),
        ("CAR-03", on(f("vs.hf_acute", 30), dyspnoea_mmrc=4), "HOLD-E"),
        ("CAR-03", on(f("vs.hf_acute", 30), dyspnoea_mmrc=3), "HOLD"),
        ("CAR-03", on(f("vs.hf_acute", 31), dyspnoea_mmrc=4), None),
        ("CAR-14", on(hr_rest=120, dizziness=True), None),
        ("CAR-16", on(hr_rest=50, dizziness=True), None),
        ("CAR-20", on(drug("vs.qt"), k=5.5), None),
        ("CAR-20", on(drug("vs.qt"), k=5.51), "CLEAR"),
        ("CAR-22", on(f("vs.svco", 30, state="history")), "HOLD-E"),
        ("CAR-22", on(f("vs.svco", 400)), "HOLD-E"),
        ("CAR-23", on(f("vs.mi", 42), evs_min_week=10), None),
        ("CAR-23", on(f("vs.mi", 43), evs_min_week=10), "CLEAR"),
        ("CAR-23", on(f("vs.mi", 42)), None),
        ("CAR-23", on(f("vs.mi", 43)), "CLEAR"),
        ("CAR-23", on(f("vs.tia", 90)), None),
        ("CAR-23", on(f("vs.tia", 91)), "CLEAR"),
        ("VTE-02", on(f("vs.dvt", None)), None),
        ("ELE-04", on(ca_corr=3.49, ca=3.6), "HOLD"),
        ("DIA-03", on(f("vs.diabetes", code="E10.9"), glucose=13.9), None),
        ("DIA-04", on(glucose=16.7, ketone_blood=1), "MOD"),
        ("NEU-02", on(f("vs.seizure", 400, state="history")), "MOD"),
        ("NEU-05", on(f("vs.falls"), drug("vs.neurotoxic", days=365), numbness=True), "SUP"),
        ("NEU-05", on(f("vs.falls"), drug("vs.neurotoxic", days=366), numbness=True), None),
        ("NEU-05", on(f("vs.falls"), drug("vs.neurotoxic", days=10)), None),
        ("TRT-07", ck(600, weakness=True, chest_pain=True), "HOLD-E"),
        ("TRT-07", ck(599, weakness=True, chest_pain=True), None),
        ("TRT-07", ck(600, chest_pain=True), None),
        ("TRT-07", ck(999, chest_pain=True), None),
        ("TRT-07", on(f("vs.myositis", 90), chest_pain=True), "HOLD-E"),
        ("TRT-07", on(f("vs.myositis", 91), chest_pain=True), None),
        ("TRT-07", on(f("vs.myositis"), drug("vs.ici", days=365)), "HOLD"),
        ("TRT-07", on(f("vs.myositis"), drug("vs.ici", days=366)), None),
        ("TRT-07", on(drug("vs.ici")), None),
        ("TRT-09", on(operated(None)), None),
        ("TRT-17", on(f("vs.cellulitis", 9, end=a_when(days_ago=1), state="history")), "HOLD"),
        ("TRT-17", on(f("vs.cellulitis", 9, end=a_when(days_ago=2), state="history")), None),
        ("CAC-03", past("weight", (1, 89.9), (150, 100), ecog=3), "SUP"),
        ("CAC-03", past("weight", (1, 90), (150, 100), ecog=3), None),
        ("FAT-02", on(promis_fatigue=69.9), "MOD"),
        ("RSP-01", past("spo2", (0, 88), (3, 95)), None),
        ("RSP-02", on(f("vs.copd"), spo2=87.9), None),
        ("RSP-02", on(f("vs.copd"), spo2=88), "SUP"),
        ("RSP-02", on(f("vs.copd"), spo2=95), None),
        ("PRG-01", on(f("vs.pregnant", 300, code="O44.11")), "HOLD"),
        ("PRG-01", on(f("vs.pregnant", 301, code="O44.11")), None),
        ("PRG-01", on(f("vs.pregnant", 300, code="Z33.1"), sbp=161), "HOLD"),
        ("PRG-01", on(f("vs.pregnant", 301, code="Z33.1"), sbp=161), None),
        ("PRG-01", on(f("vs.pregnant", 60, code="Z33.1"), dbp=110), None),
        ("PRG-01", on(f("vs.pregnant", 60, code="Z33.1"), dbp=111), "HOLD"),
        ("PRG-02", past("pregnancy", (300, True)), "CLEAR"),
        ("PRG-02", past("pregnancy", (301, True)), None),
        ("MSK-01", on(f("vs.back_pain", 15), more={"answered": False}), "MOD"),
        ("MSK-01", on(f("vs.back_pain", 14), temp=37.9, more={"cancer": False}), "MOD"),
        ("MSK-02", on(f("vs.rheumatoid_arthritis"), pain_nrs=6), "MOD"),
        ("MON-02", wearables((3600, 3600, 3600), (80,)), "MOD"),
        ("MON-02", wearables((3650, 3650, 3650), (80,)), None),
        ("MON-05", on(f("vs.hf"), weight=72), None),
        ("MON-06", past("pain_nrs", (0, 5), (7, 2)), "MOD"),
        ("MON-06", past("pain_nrs", (0, 4), (7, 2)), None),
        ("BON-02", on(f("vs.path_fracture", 180, code="M84.52XA")), "HOLD"),
        ("BON-02", on(f("vs.path_fracture", 181, code="M84.52XA")), None),
        ("VTE-05", on(ordered("vs.anticoag"), inr=5.1), "CLEAR"),
    ],
)
def test_a_limit_inside_a_level(rule_id: str, snapshot: PatientSnapshot, effect: str | None) -> None:
    finding = _finding(rule_id, snapshot)
    assert (finding.effect.label if finding else None) == effect


@pytest.mark.parametrize(
    ("rule_id", "snapshot", "supervision"),
    [
        ("HEM-02", on(platelets=15), 3),
        ("HEM-03", on(platelets=40), 2),
        ("HEM-10", on(anc=0.4), 1),
        ("CAR-04", on(f("vs.hf")), 4),
        ("CAR-05", on(lvef=35), 4),
        ("CAR-06", on(lvef=45), 3),
        ("CAR-18", on(f("vs.af")), 2),
        ("CAR-21", on(f("vs.pulm_htn")), 4),
        ("BON-04", on(f("vs.bone_mets")), 3),
        ("NEU-05", on(f("vs.neuropathy")), 0),
        ("NEU-05", on(f("vs.neuropathy"), falls_12_months=1), 2),
        ("NEU-06", on(f("vs.stroke", 50)), 4),
        ("NEU-06", on(f("vs.stroke", 100)), 3),
        ("TRT-11", on(operated(50, "breast")), 2),
        ("TRT-13", on(f("vs.stoma", 90)), 3),
        ("TRT-13", on(f("vs.stoma", 91)), 0),
        ("TRT-13", on(f("vs.stoma", 900), f("vs.parastomal_hernia")), 3),
        ("RSP-02", on(spo2=93), 0),
        ("RSP-02", on(f("vs.ild"), spo2=93), 3),
        ("RSP-03", on(dyspnoea_borg=6), 4),
        ("PS-01", on(ecog=3), 3),
        ("PS-02", on(ecog=2), 3),
        ("FAL-01", on(tug=13), 3),
        ("FAL-02", on(falls_12_months=1), 2),
        ("FAT-01", on(fatigue_nrs=8), 2),
        ("PQ-03", on(parq_1=True), 3),
        ("CPR-01", on(f("vs.cad"), more={"cancer": False}), 4),
    ],
)
def test_the_least_supervision(rule_id: str, snapshot: PatientSnapshot, supervision: int) -> None:
    finding = _finding(rule_id, snapshot)
    assert finding is not None
    assert finding.min_supervision == supervision


@pytest.mark.parametrize(
    ("rule_id", "snapshot", "kind", "value"),
    [
        ("HEM-03", on(platelets=29.9), "rpe_max", 11),
        ("HEM-03", on(platelets=30), "rpe_max", 12),
        ("HEM-03", on(platelets=30), "resistance", "bands"),
        ("HEM-07", on(hb=75), "rpe_max", 11),
        ("HEM-09", on(hb=90), "rpe_max", 13),
        ("CAR-05", on(lvef=30), "rpe_max", 12),
        ("CAR-12", on(sbp=190), "rpe_max", 11),
        ("CAR-15", on(hr_rest=110), "rpe_max", 12),
        ("TRT-01", on(drug("vs.cytotoxic", days=0)), "minutes_max", 20),
        ("TRT-01", on(drug("vs.cytotoxic", days=0)), "resistance", "none"),
        ("TRT-02", on(drug("vs.cytotoxic", days=1)), "rpe_max", 11),
        ("CAC-01", past("weight", (1, 94), (150, 100)), "minutes_max", 20),
        ("FAT-01", on(fatigue_nrs=8), "minutes_max", 10),
        ("NEU-01", on(f("vs.brain_tumour")), "rpe_max", 13),
        ("ELE-02", on(k=2.8), "rpe_max", 11),
        ("MON-03", on(*drug("vs.cytotoxic"), more={"readings": [
            a_reading("hr_rest_d", 80 if day < 2 else 68, days_ago=day) for day in range(14)]}),
         "volume_factor", 0.7),
    ],
)  # fmt: skip
def test_the_limits_on_the_plan(rule_id: str, snapshot: PatientSnapshot, kind: str, value: float | str) -> None:
    finding = _finding(rule_id, snapshot)
    assert finding is not None
    assert _cap(finding, kind) == value


@pytest.mark.parametrize(
    ("rule_id", "snapshot", "scope"),
    [
        ("BON-02", on(f("vs.fracture_recent", code="S52.501A")), "region"),
        ("BON-02", on(f("vs.fracture_recent", code="S32.010A")), "plan"),
        ("BON-02", on(a_fact("vs.fracture_recent", details={"body_site": "humerus"})), "region"),
        ("BON-02", on(a_fact("vs.fracture_recent", details={"body_site": "femur"})), "plan"),
        ("BON-02", on(a_fact("vs.fracture_recent")), "plan"),
        ("HEM-16", on(gi_ctcae=3), "day"),
        ("TRT-12", on(f("vs.wound_problem")), "region"),
        ("TRT-17", on(swelling_new=True), "region"),
        ("TRT-17", on(f("vs.cellulitis", 3)), "plan"),
        ("PRG-01", on(f("vs.pregnant", 60, code="O44.11")), "moderate-plus"),
        ("DIA-01", on(f("vs.diabetes"), ordered("vs.insulin"), glucose=3), "session"),
        ("CAC-02", on(bmi=15), "plan"),
        ("MON-04", on(hr_rest_d=110), "day"),
    ],
)
def test_what_a_finding_is_about(rule_id: str, snapshot: PatientSnapshot, scope: str) -> None:
    finding = _finding(rule_id, snapshot)
    assert finding is not None
    assert finding.scope == scope


@pytest.mark.parametrize(
    ("rule_id", "snapshot"),
    [
        ("HEM-14", on(CHEMO, temp=39)),
        ("HEM-MISS", on(CHEMO)),
        ("CAR-02", on(f("vs.mi", None))),
        ("CAR-06", on(f("vs.cardiomyopathy_drug"))),
        ("CAR-09", on(f("vs.pericarditis", None))),
        ("CAR-23", on(f("vs.cad"))),
        ("VTE-01", on(f("vs.pe", None))),
        ("BON-02", on(f("vs.fracture_recent", None))),
        ("NEU-06", on(f("vs.stroke", None))),
        ("TRT-10", on(operated(None))),
        ("CAC-01", on(f("vs.cachexia"))),
        ("FAT-02", on(f("vs.fatigue"))),
        ("PAI-02", on(f("vs.pain"))),
        ("FRA-01", on(f("vs.frailty"))),
        ("PQ-04", on()),
    ],
)
def test_a_rule_that_fires_because_something_is_missing_says_so(rule_id: str, snapshot: PatientSnapshot) -> None:
    finding = _finding(rule_id, snapshot)
    assert finding is not None
    assert finding.missing


@pytest.mark.parametrize("rule_id", ["HEM-MISS", "VIT-MISS", "FUN-MISS", "BON-04", "CAC-01", "FAT-01", "TRT-14"])
def test_a_rule_that_asks_somebody_to_do_something_names_the_task(rule_id: str) -> None:
    assert all(level.task for level in RULES[rule_id].levels)
