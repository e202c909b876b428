"""The named values that rules, models and prescription read: unit, plausible range, age limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Literal

from models.text import N_, Text

Kind = Literal["number", "boolean", "code"]


@dataclass(frozen=True, slots=True)
class Input:
    """One named value, in the only unit that rules and models see.

    A value older than its limit is never read as normal. `on_treatment` holds while the patient is on
    systemic therapy.

    Source: observations.md sections 2-6; where rules.md differs, the shorter limit (conventions.md 3).
    """

    alias: str
    label: Text
    unit: str
    plausible: tuple[float, float] | None
    on_treatment: timedelta
    otherwise: timedelta
    kind: Kind = "number"

    def is_plausible(self, value: float) -> bool:
        """True when the value can belong to a living person; others are rejected, never clipped."""
        return self.plausible is None or self.plausible[0] <= value <= self.plausible[1]


_ANSWER_DAYS: Final = 14


def _number(
    alias: str,
    label: Text,
    unit: str,
    low: float,
    high: float,
    days: float,
    on_treatment: float | None = None,
) -> Input:
    treated = days if on_treatment is None else on_treatment
    return Input(alias, label, unit, (low, high), timedelta(days=treated), timedelta(days=days))


def _said(alias: str, label: Text, days: float = _ANSWER_DAYS) -> Input:
    limit = timedelta(days=days)
    return Input(alias, label, "", None, limit, limit, "boolean")


def _coded(alias: str, label: Text, days: float) -> Input:
    limit = timedelta(days=days)
    return Input(alias, label, "", None, limit, limit, "code")


SAFETY_QUESTIONS: Final[tuple[str, ...]] = (
    "chest-pain",
    "syncope",
    "new-dyspnoea",
    "back-red-flags",
    "bleeding",
    "fever",
)

_HOURS_2: Final = 2 / 24

_LABORATORY: Final = (
    _number("platelets", N_("Platelets"), "10*9/L", 1, 2000, 90, 7),
    _number("hb", N_("Haemoglobin"), "g/L", 20, 250, 90, 7),
    _number("anc", N_("Neutrophils"), "10*9/L", 0, 100, 90, 7),
    _number("wbc", N_("White blood cells"), "10*9/L", 0, 500, 90, 7),
    _number("crp", N_("C-reactive protein"), "mg/L", 0, 600, 30),
    _number("albumin", N_("Albumin"), "g/L", 5, 70, 90),
    _number("ck", N_("Creatine kinase"), "U/L", 5, 200000, 14),
    _number("troponin", N_("Troponin"), "ng/L", 0, 100000, 14),
    _number("ntprobnp", N_("NT-proBNP"), "ng/L", 0, 100000, 90),
    _number("bnp", N_("BNP"), "ng/L", 0, 100000, 90),
    _number("ddimer", N_("D-dimer"), "mg/L", 0, 50, 30),
    _number("k", N_("Potassium"), "mmol/L", 1.5, 9, 30, 7),
    _number("na", N_("Sodium"), "mmol/L", 100, 180, 30),
    _number("ca", N_("Calcium, total"), "mmol/L", 1, 5, 30, 7),
    _number("ca_ion", N_("Calcium, ionised"), "mmol/L", 0.5, 3, 30, 7),
    _number("ca_corr", N_("Calcium, corrected for albumin"), "mmol/L", 1, 5, 30, 7),
    _number("mg", N_("Magnesium"), "mmol/L", 0.2, 5, 30),
    _number("glucose", N_("Glucose"), "mmol/L", 0.5, 80, 30),
    _number("ketone_blood", N_("Ketones in blood"), "mmol/L", 0, 20, _HOURS_2),
    _number("ketone_urine", N_("Ketones in urine"), "{score}", 0, 4, _HOURS_2),
    _number("hba1c", N_("HbA1c"), "%", 3, 20, 180),
    _number("creat", N_("Creatinine"), "umol/L", 10, 2500, 90),
    _number("egfr", N_("Estimated kidney filtration"), "mL/min/{1.73_m2}", 0, 200, 90),
    _number("bili", N_("Bilirubin"), "umol/L", 0, 1500, 90),
    _number("ast", N_("AST"), "U/L", 0, 50000, 90),
    _number("alt", N_("ALT"), "U/L", 0, 50000, 90),
    _number("chol", N_("Cholesterol, total"), "mmol/L", 0, 50, 365),
    _number("ldl", N_("LDL cholesterol"), "mmol/L", 0, 40, 365),
    _number("hdl", N_("HDL cholesterol"), "mmol/L", 0, 10, 365),
    _number("tg", N_("Triglycerides"), "mmol/L", 0, 100, 365),
    _number("ferritin", N_("Ferritin"), "ug/L", 0, 100000, 180),
    _number("tsh", N_("Thyroid-stimulating hormone"), "m[IU]/L", 0, 500, 180),
    _number("inr", N_("INR"), "{INR}", 0.5, 20, 14),
    _said("hcg", N_("Pregnancy test positive")),
)

_VITAL: Final = (
    _number("sbp", N_("Systolic blood pressure"), "mm[Hg]", 50, 300, 30, 7),
    _number("dbp", N_("Diastolic blood pressure"), "mm[Hg]", 20, 200, 30, 7),
    _number("hr_rest", N_("Resting heart rate"), "/min", 25, 250, 7),
    _number("spo2", N_("Oxygen saturation at rest"), "%", 50, 100, 30, 7),
    _number("spo2_ex", N_("Oxygen saturation in exercise"), "%", 50, 100, 90),
    _number("o2_flow", N_("Oxygen flow"), "L/min", 0, 80, 30),
    _number("rr", N_("Breathing rate"), "/min", 4, 70, 7),
    _number("temp", N_("Body temperature"), "Cel", 30, 43, 3),
    _number("weight", N_("Weight"), "kg", 20, 400, 183),
    _number("height", N_("Height"), "cm", 100, 250, 5 * 365),
    _number("bmi", N_("Body mass index"), "kg/m2", 8, 90, 90),
    _number("bsa", N_("Body surface area"), "m2", 0.5, 4, 90),
    _number("lean_mass", N_("Lean mass"), "kg", 10, 150, 180),
    _number("body_fat", N_("Body fat"), "%", 1, 80, 180),
)

_FUNCTION: Final = (
    _number("ecog", N_("ECOG performance status"), "{score}", 0, 5, 90, 30),
    _number("kps", N_("Karnofsky performance status"), "{score}", 0, 100, 90, 30),
    _number("6mwd", N_("Six-minute walk distance"), "m", 0, 1000, 90),
    _number("sts30", N_("Sit-to-stand in 30 seconds"), "{count}", 0, 60, 90),
    _number("tug", N_("Timed Up and Go"), "s", 3, 120, 90),
    _number("grip_r", N_("Grip strength, right"), "kg", 0, 100, 180),
    _number("grip_l", N_("Grip strength, left"), "kg", 0, 100, 180),
    _number("vo2peak", N_("Peak oxygen uptake"), "mL/kg/min", 5, 90, 180),
    _number("gait", N_("Gait speed"), "m/s", 0.1, 3, 90),
    _number("arm_curl", N_("Arm curls in 30 seconds"), "{count}", 0, 60, 90),
    _number("step2", N_("Two-minute step test"), "{count}", 0, 250, 90),
    _number("1rm_leg_press", N_("Leg press, one-repetition maximum"), "kg", 0, 500, 90),
    _number("1rm_chest_press", N_("Chest press, one-repetition maximum"), "kg", 0, 500, 90),
    _number("1rm_row", N_("Seated row, one-repetition maximum"), "kg", 0, 500, 90),
    _number("fev1", N_("FEV1"), "L", 0.2, 8, 365),
    _number("fvc", N_("FVC"), "L", 0.2, 8, 365),
    _number("fev1_fvc", N_("FEV1/FVC"), "%", 10, 100, 365),
    _number("lvef", N_("Left-ventricular ejection fraction"), "%", 5, 85, 365, 183),
    _number("qtc", N_("Corrected QT interval"), "ms", 250, 800, 90),
    _number("cfs", N_("Clinical Frailty Scale"), "{score}", 1, 9, 180),
    _number("tscore", N_("Bone density T-score"), "{T-score}", -8, 5, 3 * 365),
    _number("mirels", N_("Mirels score"), "{score}", 4, 12, 90),
    _number("sins", N_("Spinal instability score"), "{score}", 0, 18, 90),
    _number("falls_12_months", N_("Falls in the last 12 months"), "{count}", 0, 365, 90),
)

_ACTIVITY: Final = (
    _number("evs_days", N_("Active days a week"), "d/wk", 0, 7, 90),
    _number("evs_min_day", N_("Active minutes on an active day"), "min/d", 0, 600, 90),
    _number("evs_min_week", N_("Active minutes a week"), "min/wk", 0, 2100, 90),
    _number("evs_strength", N_("Strength days a week"), "d/wk", 0, 7, 90),
    _number("act_mod", N_("Moderate minutes of an activity"), "min", 0, 600, 28),
    _number("act_vig", N_("Vigorous minutes of an activity"), "min", 0, 600, 28),
    _coded("act_type", N_("Kind of activity"), 28),
    _number("act_dur", N_("Length of an activity"), "min", 0, 600, 28),
    _number("act_hr_mean", N_("Mean heart rate in an activity"), "/min", 40, 240, 28),
    _number("act_hr_max", N_("Highest heart rate in an activity"), "/min", 40, 240, 28),
    _number("act_kcal", N_("Energy used in an activity"), "kcal", 0, 10000, 28),
    _number("kcal_day", N_("Energy used in a day"), "kcal/d", 0, 20000, 28),
    _coded("experience", N_("How the activity felt"), 28),
    _number("steps", N_("Steps a day"), "/d", 0, 60000, 28),
    _number("hr_rest_d", N_("Resting heart rate, daily"), "/min", 30, 150, 28),
    _number("hr_max_day", N_("Highest heart rate of a day"), "/min", 60, 240, 28),
    _number("hrv", N_("Heart-rate variability, SDNN"), "ms", 1, 400, 28),
    _number("hrv_rmssd", N_("Heart-rate variability, RMSSD"), "ms", 1, 400, 28),
    _number("sleep", N_("Sleep"), "h", 0, 20, 28),
    _number("sedentary", N_("Sedentary minutes a day"), "min/d", 0, 1440, 28),
    _number("rpe", N_("Exertion in a session"), "{score}", 0, 20, 28),
    _coded("session_status", N_("How a session ended"), 365),
    _coded("adverse_event", N_("Adverse event in a session"), 28),
)

_REPORTED: Final = (
    _number("fatigue_nrs", N_("Fatigue, 0-10"), "{score}", 0, 10, 14),
    _number("facit_f", N_("FACIT-Fatigue"), "{score}", 0, 52, 90),
    _number("bfi", N_("Brief Fatigue Inventory"), "{score}", 0, 10, 90),
    _number("promis_fatigue", N_("PROMIS fatigue"), "{T}", 10, 90, 90),
    _number("promis_pf", N_("PROMIS physical function"), "{T}", 10, 90, 90),
    _number("promis_pain", N_("PROMIS pain interference"), "{T}", 10, 90, 90),
    _number("promis_sleep", N_("PROMIS sleep disturbance"), "{T}", 10, 90, 90),
    _number("promis_dep", N_("PROMIS depression"), "{T}", 10, 90, 90),
    _number("promis_anx", N_("PROMIS anxiety"), "{T}", 10, 90, 90),
    _number("promis_social", N_("PROMIS social roles"), "{T}", 10, 90, 90),
    _number("promis_gph", N_("PROMIS global physical health"), "{T}", 10, 90, 90),
    _number("promis_gmh", N_("PROMIS global mental health"), "{T}", 10, 90, 90),
    _number("pain_nrs", N_("Pain, 0-10"), "{score}", 0, 10, 14),
    _number("dyspnoea_mmrc", N_("Breathlessness, mMRC"), "{score}", 0, 4, 30),
    _number("dyspnoea_borg", N_("Breathlessness at rest, Borg"), "{score}", 0, 10, 30),
    _number("phq9", N_("PHQ-9"), "{score}", 0, 27, 90),
    _number("phq9_item9", N_("PHQ-9, thoughts of self-harm"), "{score}", 0, 3, 90),
    _number("phq2", N_("PHQ-2"), "{score}", 0, 6, 90),
    _number("gad7", N_("GAD-7"), "{score}", 0, 21, 90),
    _number("eortc_c30", N_("EORTC QLQ-C30"), "{score}", 0, 100, 90),
    _number("cipn20", N_("EORTC CIPN20"), "{score}", 0, 100, 90),
    _number("factg", N_("FACT-G"), "{score}", 0, 108, 90),
    _number("ctcae_neuropathy", N_("Numbness or tingling, CTCAE grade"), "{grade}", 0, 4, 90),
    _number("gi_ctcae", N_("Vomiting or diarrhoea, CTCAE grade"), "{grade}", 0, 4, 1.5),
    _coded("com_b", N_("Barriers to being active"), 180),
    _number("self_eff", N_("Confidence to be active"), "{score}", 0, 100, 180),
    _coded("prefs", N_("Wishes for the programme"), 365),
    _number("digital_access", N_("Confidence with phone and internet"), "{score}", 0, 10, 365),
)

# Boolean symptoms keep the word of the code system; the six safety questions are those of conventions.md 1.
_SAID: Final = (
    _said("chest-pain", N_("Chest pain")),
    _said("syncope", N_("Fainting")),
    _said("new-dyspnoea", N_("New breathlessness")),
    _said("back-red-flags", N_("Back pain with warning signs")),
    _said("bleeding", N_("Bleeding")),
    _said("fever", N_("Fever")),
    _said("weakness", N_("Muscle weakness")),
    _said("numbness", N_("Numbness or tingling")),
    _said("swelling-new", N_("New swelling of a limb"), 3),
    _said("calf-pain", N_("Calf pain"), 3),
    _said("pleuritic-pain", N_("Pain on breathing"), 3),
    _said("neuro-deficit-new", N_("New weakness, speech or vision trouble, severe headache, confusion"), 7),
    _said("dizziness", N_("Dizziness")),
    _said("chills", N_("Shivering"), 3),
    _said("cough", N_("Cough"), 7),
    _said("dysuria", N_("Pain on passing urine"), 7),
    _said("line-redness", N_("Redness at the line"), 7),
    *(_said(f"parq-{n}", N_("PAR-Q+ question {number}", number=n), 365) for n in range(1, 8)),
    _said("parq-follow-up-clear", N_("PAR-Q+ follow-up pages all no"), 365),
    _said("parq-health-changed", N_("Health has changed since the PAR-Q+"), 365),
    _said("pregnancy", N_("Pregnant"), 90),
)

_HISTORY: Final = (
    _coded("stage", N_("Cancer stage"), 3650),
    _coded("disease_status", N_("Disease status"), 180),
    _coded("smoking", N_("Smoking"), 3650),
)

INPUTS: Final[Mapping[str, Input]] = MappingProxyType(
    {
        entry.alias: entry
        for group in (_LABORATORY, _VITAL, _FUNCTION, _ACTIVITY, _REPORTED, _SAID, _HISTORY)
        for entry in group
    }
)


def label_of(alias: str) -> Text:
    """What people call an input; the alias itself when it is not one of ours."""
    known = INPUTS.get(alias)
    return known.label if known else N_("{name}", name=alias)
