"""How each model is trained: table, label, settings to choose from, and what its card must say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from models.adherence import ADHERENCE
from models.model_spec import ModelSpec
from models.persistence import ATTENDANCE, PERSISTENCE
from models.risk import RISK
from models.training.table import Record

WEIGHT: Final = "survey_weight_mec_4cycle"


@dataclass(frozen=True, slots=True)
class Settings:
    """LightGBM settings of one candidate; the rest is fixed in `fit.py`."""

    leaves: int
    rounds: int
    min_leaf: int  # of thinned rows where blocks are blanked: four for each person
    l2: float
    rate: float = 0.05


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the bytes of an artifact, beside the table and the seed."""

    spec: ModelSpec
    version: str
    table: str
    label: str
    candidates: tuple[Settings, ...]
    title: str
    label_meaning: str
    data: str
    licence: str
    limits: tuple[str, ...]
    may_say: tuple[str, ...]
    may_not_say: tuple[str, ...]
    thresholds: tuple[float, ...]
    held_back: str = "A sealed quarter of the people was never looked at."
    repeats: int = 2  # of the cross-validation
    outer_folds: int = 5
    inner_folds: int = 3


def _age_band(record: Record, edges: tuple[int, ...]) -> str:
    if not record.get("age_years"):
        return f"age {record['age_band'].replace('_', ' ')}" if record.get("age_band") else ""
    age = float(record["age_years"])
    low = max(edge for edge in edges if edge <= age)
    above = [edge for edge in edges if edge > age]
    return f"age {low}-{above[0] - 1}" if above else f"age {low}+"


def _cancer_age(record: Record) -> str:
    """Product patients are the recent ones: their figures are looked at apart."""
    if not (years := record.get("years_since_cancer_diagnosis", "")):
        return ""
    return next((name for most, name in _CANCER_AGES if float(years) < most), "cancer 10 years ago or longer")


_CANCER_AGES: Final = ((2, "cancer under 2 years ago"), (5, "cancer 2-4 years ago"), (10, "cancer 5-9 years ago"))


_ATTENDED: Final = {"0": "never came last year", "0.0": "never came last year"}


def _yes_no(column: str, yes: str, no: str, unknown: str) -> Callable[[Record], str]:
    return lambda record: {"1": yes, "0": no}.get(record[column], unknown) if column in record else ""


# Subgroups of the audit; "" where a table cannot tell. Race and ethnicity are read here and nowhere else.
GROUPS: Final[Mapping[str, Callable[[Record], str]]] = MappingProxyType(
    {
        "sex": _yes_no("sex_female", "female", "male", "sex unknown"),
        "age": lambda record: _age_band(record, (20, 40, 55, 65, 75)),
        "race and ethnicity": lambda record: record.get("race_ethnicity", "").replace("_", " "),
        "race": _yes_no("race_white", "white", "not white", "race unknown"),
        "attendance before": lambda record: (
            _ATTENDED.get(record.get("gym_days_prior_year", ""), "came last year")
            if "gym_days_prior_year" in record
            else ""
        ),
        "cancer": _yes_no("dx_cancer", "cancer survivors", "no cancer", "cancer unknown"),
        "time since cancer": _cancer_age,
        "mobility": _yes_no("mobility_limitation", "mobility limited", "mobility not limited", "mobility unknown"),
        "cycle": lambda record: f"surveyed {record['survey_cycle']}" if "survey_cycle" in record else "",
    }
)

_NHANES: Final = (
    "US government work, in the public domain (CDC/NCHS); for statistical use only, with no attempt to identify "
    "anyone. The tables are not part of this repository."
)
_LIMITS: Final = (
    "US community dwellers, not people under cancer treatment: no stage, no treatment, no ECOG in the training data.",
    "Diagnoses and function are self-reported in the training data, coded in a hospital's record.",
    "Age is top-coded at 80: everybody of 80 or over counts as 80.",
    "Sex was recorded as female or male only; for anybody else nothing is estimated.",
    "Race and ethnicity are never read by the model; they serve the audit below only.",
    "Wearable columns were left out: their licence is for evaluation only.",
    "Intervals treat people as independent; the survey's clusters would widen them a little.",
    "Not a medical device; not validated in oncology or physiotherapy.",
)

RISK_RECIPE: Final = Recipe(
    spec=RISK,
    version="r2",
    table="risk_ehr_nhanes_2003_2014.csv",
    label="died_within_5_years",
    candidates=(
        Settings(leaves=3, rounds=500, min_leaf=160, l2=10, rate=0.03),
        Settings(leaves=4, rounds=500, min_leaf=160, l2=10, rate=0.03),
        Settings(leaves=4, rounds=600, min_leaf=240, l2=20, rate=0.03),
    ),
    title="Risk: death from any cause within five years",
    label_meaning=(
        "Death from any cause within 60 months of the survey examination, from the linked US death index. It is a "
        "stand-in: it marks people in whom decline is likely. It does not say who needs supervision; that is for "
        "the safety rules."
    ),
    data=(
        "US National Health and Nutrition Examination Survey 2003-2006 and 2011-2014, adults of 40 years and "
        "older, one row a person, with the 2019 public-use linked mortality files."
    ),
    licence=_NHANES,
    limits=(
        *_LIMITS,
        "Cancer survivors here are mostly years past treatment. With a secondary cancer in the record the figure "
        "is too low; confidence is then shown as low.",
        "Within an age band the AUC is clearly lower than over all ages, since much of it is age: see the table.",
    ),
    may_say=(
        "One input to caution beside the rules: a high figure may add supervision or a look by a clinician.",
        "AUC, calibration and subgroup figures of this card, with the words 'US survey participants'.",
    ),
    may_not_say=(
        "That it finds who needs supervision, or who is safe without it.",
        "That it is validated in people under cancer treatment or in physiotherapy.",
        "That it predicts harm from exercise, cost, or survival with exercise.",
        "A low figure never lifts a hold, a clearance or a supervision level that a rule has set.",
    ),
    thresholds=(0.05, 0.075, 0.10, 0.15, 0.20, 0.30),
)

ADHERENCE_RECIPE: Final = Recipe(
    spec=ADHERENCE,
    version="r2",
    table="adherence_uptake_nhanes_2011_2018.csv",
    label="took_up_exercise_corroborated_by_activity_report",
    candidates=(
        Settings(leaves=3, rounds=150, min_leaf=200, l2=20),
        Settings(leaves=4, rounds=120, min_leaf=200, l2=20),
        Settings(leaves=4, rounds=200, min_leaf=300, l2=40),
    ),
    title="Adherence: uptake of advised exercise",
    label_meaning=(
        "People whom a clinician told in the past year to exercise more, and who say that they now do, and who "
        "report some weekly leisure-time activity. Self-reported at one moment: in those who wore an accelerometer "
        "the 'yes' did not go with measurably more steps. It is not attendance."
    ),
    data=(
        "US National Health and Nutrition Examination Survey 2011-2012 and 2015-2018, adults of 20 years and older "
        "who were advised to exercise, one row a person."
    ),
    licence=_NHANES,
    limits=(
        *_LIMITS,
        "The estimate is weak: an AUC under 0.70 sorts two people rightly about two times in three.",
        "A model of this kind did not carry over to another population (AUC about 0.51 in a workplace trial); "
        "local attendance must replace it.",
        "Same-interview activity answers were left out: they describe the label itself.",
    ),
    may_say=(
        "At referral, adherence is weakly predictable; the figure is for offering support.",
        "A low figure may add a call, a reminder or help with travel.",
    ),
    may_not_say=(
        "That it predicts attendance at this hospital's programmes before local data exist.",
        "It may never block, delay or shorten a referral, nor lower anybody's place in a queue.",
    ),
    thresholds=(0.20, 0.25, 0.30, 0.40, 0.50),
)

_ILLINOIS: Final = (
    "CC0 1.0 (reifjulian/illinois-wellness-data); the authors ask to be cited, and that nobody tries to identify or "
    "link anyone. Cite: Jones, Molitor and Reif, Q J Econ 2019;134(4):1747-91. The tables are not part of this "
    "repository."
)
_ILLINOIS_LIMITS: Final = (
    "University employees in a workplace wellness trial, not patients; activities of several kinds, exercise among "
    "them. No diagnosis, no treatment.",
    "Nearly all of what it knows is the earlier attendance itself; age is known in three bands only.",
    "Pay and kind of job, which the table has, were left out: no record has them.",
    "Confidence is always shown as low; local attendance must replace it.",
    "Race is never read by the model.",
    "Not a medical device; not validated in oncology or physiotherapy.",
)
_ILLINOIS_MAY_SAY: Final = (
    "Who did not come before will less often come again: the figure is for offering support.",
    "AUC and calibration of this card, with the words 'employees in a workplace trial'.",
)
_ILLINOIS_MAY_NOT_SAY: Final = (
    "That it predicts attendance at this hospital's programmes before local data exist.",
    "It may never block, delay or shorten a referral, nor lower anybody's place in a queue.",
)
_PLAIN: Final = (
    Settings(leaves=3, rounds=60, min_leaf=30, l2=2),
    Settings(leaves=4, rounds=60, min_leaf=30, l2=2),
    Settings(leaves=3, rounds=120, min_leaf=40, l2=5),
)

PERSISTENCE_RECIPE: Final = Recipe(
    spec=PERSISTENCE,
    version="r1",
    table="adherence_programme_illinois_rct.csv",
    label="completed_spring_2017_activity",
    candidates=_PLAIN,
    title="Persistence: finishing the next course",
    label_meaning=(
        "Employees who had enrolled (screening and health assessment done) and finished a wellness activity in spring "
        "2017, by the programme's own record. It is known whether they finished the one of autumn 2016. Those who "
        "never enrolled are not counted: they could not finish anything, and would flatter the figures."
    ),
    data=(
        "Illinois Workplace Wellness Study, employees offered the programme by lot and enrolled in 2016, one row each."
    ),
    licence=_ILLINOIS,
    limits=_ILLINOIS_LIMITS,
    may_say=_ILLINOIS_MAY_SAY,
    may_not_say=_ILLINOIS_MAY_NOT_SAY,
    thresholds=(0.15, 0.20, 0.25, 0.50, 0.65),
    repeats=4,
)

ATTENDANCE_RECIPE: Final = Recipe(
    spec=ATTENDANCE,
    version="r1",
    table="adherence_gym_attendance_illinois.csv",
    label="attended_gym_12_or_more_days_following_year",
    candidates=_PLAIN,
    title="Attendance: coming on 12 or more days of the next year",
    label_meaning=(
        "Employees whose card was swiped at the campus gym on 12 or more days between August 2016 and July 2017. The "
        "days of the year before are known. Most never went at all, which makes the figure look better than it is "
        "among those who did."
    ),
    data="Illinois Workplace Wellness Study, employees of both arms of the trial, one row each.",
    licence=_ILLINOIS,
    limits=_ILLINOIS_LIMITS,
    may_say=_ILLINOIS_MAY_SAY,
    may_not_say=_ILLINOIS_MAY_NOT_SAY,
    thresholds=(0.05, 0.10, 0.20, 0.50),
)

RECIPES: Final = {
    recipe.spec.name: recipe for recipe in (RISK_RECIPE, ADHERENCE_RECIPE, PERSISTENCE_RECIPE, ATTENDANCE_RECIPE)
}
