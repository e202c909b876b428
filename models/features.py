"""The columns that models read: one row of this table names each one, its unit, its source and its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import feature_sources as given
from models.feature_sources import Source
from models.snapshot import PatientSnapshot
from models.text import N_, Text

Row = NDArray[np.float64]

_QUARTER: Final = timedelta(days=92)
_HALF_YEAR: Final = timedelta(days=183)
_YEAR: Final = timedelta(days=365)
_YEARS_3: Final = timedelta(days=3 * 365)
_YEARS_5: Final = timedelta(days=5 * 365)
_YEARS_10: Final = timedelta(days=10 * 365)


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: what it is, where the record has it, how a snapshot gives it, how it is said."""

    name: str
    unit: str  # UCUM; "0/1" for yes and no; the scale where there is one
    block: str  # what is asked, and so goes missing, together
    label: Text
    fhir: str  # where a record has it
    read: Source  # NaN is unknown
    say: Callable[[float], Text]  # one plain phrase with the patient's own value


def _yes_no(yes: Text, no: Text) -> Callable[[float], Text]:
    return lambda value: yes if value else no


def _scale(*steps: Text, first: int = 0) -> Callable[[float], Text]:
    return lambda value: steps[min(max(round(value) - first, 0), len(steps) - 1)]


def _years_of_cancer(years: float) -> Text:
    if years < 1:
        return N_("Cancer was diagnosed less than a year ago")
    if years < 2:
        return N_("Cancer was diagnosed about a year ago")
    return N_("Cancer was diagnosed {years} years ago", years=int(years))


# SNOMED CT beside the plain words; source: observations.md section 8, "smoking".
SMOKING: Final[Mapping[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("never", "266919005"), 0.0),
        **dict.fromkeys(("former", "8517006"), 1.0),
        **dict.fromkeys(("current", "449868002", "77176002"), 2.0),
    }
)
EDUCATION: Final[Mapping[str, float]] = MappingProxyType(
    {
        "less_than_9th_grade": 1.0,
        "9th_to_11th_grade": 2.0,
        "high_school_or_ged": 3.0,
        "some_college": 4.0,
        "college_graduate": 5.0,
    }
)
# Words of the training tables beside the codes of HL7 v3 MaritalStatus (Patient.maritalStatus).
PARTNER: Final[Mapping[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("married", "living_with_partner", "M", "T", "C", "P"), 1.0),
        **dict.fromkeys(("widowed", "divorced", "never_married", "separated", "W", "D", "S", "L", "A"), 0.0),
    }
)

_PERSON: Final = (
    Feature(
        "age_years",
        "a",
        "person",
        N_("Age"),
        "Patient.birthDate",
        given.age_years,
        lambda v: N_("80 years or older") if v >= given.OLDEST_AGE_TOLD else N_("{age} years old", age=int(v)),
    ),
    Feature(
        "sex_female",
        "0/1",
        "person",
        N_("Sex"),
        "Patient.gender",
        given.sex_female,
        _yes_no(N_("Female"), N_("Male")),
    ),
)

_BODY: Final = (
    Feature(
        "weight_kg",
        "kg",
        "body",
        N_("Weight"),
        "Observation, LOINC 29463-7",
        given.number("weight", 20, 400, _HALF_YEAR),
        lambda v: N_("Weight {weight} kg", weight=f"{v:.0f}"),
    ),
    Feature(
        "height_cm",
        "cm",
        "body",
        N_("Height"),
        "Observation, LOINC 8302-2",
        given.number("height", 100, 250, _YEARS_5),
        lambda v: N_("Height {height} cm", height=f"{v:.0f}"),
    ),
    Feature(
        "body_mass_index",
        "kg/m2",
        "body",
        N_("Body mass index"),
        "Observation, LOINC 39156-5, or from weight and height",
        given.body_mass_index,
        lambda v: N_("Body mass index {bmi} kg/m²", bmi=f"{v:.1f}"),
    ),
    Feature(
        "waist_cm",
        "cm",
        "waist",  # a block of its own: measured far less often than weight
        N_("Waist"),
        "Observation, LOINC 8280-0",
        given.number("waist", 40, 250, _HALF_YEAR),
        lambda v: N_("Waist {waist} cm", waist=f"{v:.0f}"),
    ),
)

_HABITS: Final = (
    Feature(
        "smoking",
        "0 never, 1 former, 2 current",
        "smoking",
        N_("Smoking"),
        "Observation, LOINC 72166-2",
        given.coded("smoking", SMOKING, _YEARS_3),
        _scale(N_("Never smoked"), N_("Used to smoke"), N_("Smokes")),
    ),
)


def _dx(name: str, label: Text, fhir: str, yes: Text, no: Text, *value_sets: str) -> Feature:
    return Feature(name, "0/1", "diagnoses", label, fhir, given.diagnosis(*value_sets), _yes_no(yes, no))


_DIAGNOSES: Final = (
    _dx(
        "dx_heart_failure",
        N_("Heart failure"),
        "Condition, vs.hf, vs.hf_acute",
        N_("Heart failure is in the record"),
        N_("No heart failure in the record"),
        "vs.hf",
        "vs.hf_acute",
    ),
    _dx(
        "dx_coronary_disease",
        N_("Coronary disease"),
        "Condition or Procedure, vs.cad, vs.mi, vs.acs, vs.revasc",
        N_("Coronary disease or a heart attack is in the record"),
        N_("No coronary disease in the record"),
        "vs.cad",
        "vs.mi",
        "vs.acs",
        "vs.revasc",
    ),
    _dx(
        "dx_stroke",
        N_("Stroke"),
        "Condition, vs.stroke",
        N_("A stroke is in the record"),
        N_("No stroke in the record"),
        "vs.stroke",
    ),
    _dx(
        "dx_diabetes",
        N_("Diabetes"),
        "Condition, vs.diabetes",
        N_("Diabetes is in the record"),
        N_("No diabetes in the record"),
        "vs.diabetes",
    ),
    _dx(
        "dx_copd",
        N_("Chronic lung disease (COPD)"),
        "Condition, vs.copd, vs.chronic_bronchitis",
        N_("Chronic lung disease (COPD) is in the record"),
        N_("No chronic lung disease (COPD) in the record"),
        "vs.copd",
        "vs.chronic_bronchitis",
    ),
    _dx(
        "dx_hypertension",
        N_("High blood pressure"),
        "Condition, vs.hypertension",
        N_("High blood pressure is in the record"),
        N_("No high blood pressure in the record"),
        "vs.hypertension",
    ),
    _dx(
        "dx_hypercholesterolaemia",
        N_("High cholesterol"),
        "Condition, vs.hypercholesterolaemia",
        N_("High cholesterol is in the record"),
        N_("No high cholesterol in the record"),
        "vs.hypercholesterolaemia",
    ),
    _dx(
        "dx_asthma",
        N_("Asthma"),
        "Condition, vs.asthma",
        N_("Asthma is in the record"),
        N_("No asthma in the record"),
        "vs.asthma",
    ),
    _dx(
        "dx_arthritis",
        N_("Arthritis"),
        "Condition, vs.arthritis",
        N_("Arthritis is in the record"),
        N_("No arthritis in the record"),
        "vs.arthritis",
    ),
    _dx(
        "dx_liver_disease",
        N_("Liver disease"),
        "Condition, vs.liver_disease",
        N_("Liver disease is in the record"),
        N_("No liver disease in the record"),
        "vs.liver_disease",
    ),
    _dx(
        "dx_thyroid_disease",
        N_("Thyroid disease"),
        "Condition, vs.thyroid_disease",
        N_("Thyroid disease is in the record"),
        N_("No thyroid disease in the record"),
        "vs.thyroid_disease",
    ),
    _dx(
        "dx_cancer",
        N_("Cancer"),
        "Condition, vs.cancer, vs.cancer_secondary, vs.cancer_history",
        N_("Cancer is in the record"),
        N_("No cancer in the record"),
        "vs.cancer",
        "vs.cancer_secondary",
        "vs.cancer_history",
    ),
    Feature(
        "years_since_cancer_diagnosis",
        "a",
        "diagnoses",
        N_("Years since the cancer diagnosis"),
        "Condition.onset[x] of vs.cancer",
        given.years_since_cancer,
        _years_of_cancer,
    ),
)

_MEDICINES: Final = (
    Feature(
        "on_insulin",
        "0/1",
        "medicines",
        N_("Insulin"),
        "MedicationRequest, vs.insulin with drug insulin",
        given.medicine("vs.insulin", "insulin"),
        _yes_no(N_("Takes insulin"), N_("Takes no insulin")),
    ),
)

_REPORTED: Final = (
    Feature(
        "self_rated_health",
        "1 excellent to 5 poor",
        "self-rated health",
        N_("Self-rated health"),
        "Observation or QuestionnaireResponse, LOINC 61577-3 turned round",
        given.number("self_rated_health", 1, 5, _HALF_YEAR),
        _scale(
            N_("Calls own health excellent"),
            N_("Calls own health very good"),
            N_("Calls own health good"),
            N_("Calls own health fair"),
            N_("Calls own health poor"),
            first=1,
        ),
    ),
    Feature(
        "mobility_limitation",
        "0/1",
        "mobility",
        N_("Difficulty walking or climbing stairs"),
        "Observation, stride-observations mobility-limitation",
        given.first_known(
            given.answer("mobility_limitation", _HALF_YEAR),
            # A walking aid is a limitation by the definition of the training label; its absence is not.
            lambda s: 1.0 if given.answer("walking_aid", _HALF_YEAR)(s) == 1.0 else given.UNKNOWN,
        ),
        _yes_no(
            N_("Has difficulty walking or climbing stairs"),
            N_("Has no difficulty walking or climbing stairs"),
        ),
    ),
    Feature(
        "walking_aid",
        "0/1",
        "mobility",
        N_("Walking aid"),
        "Observation, stride-observations walking-aid; DeviceUseStatement",
        given.answer("walking_aid", _HALF_YEAR),
        _yes_no(N_("Uses a walking aid"), N_("Uses no walking aid")),
    ),
    Feature(
        "hospital_overnight_past_year",
        "0/1",
        "hospital stay",
        N_("Hospital stay in the last year"),
        "Encounter of class IMP, vs.inpatient; stride-observations hospital-overnight",
        given.stayed_overnight,
        _yes_no(
            N_("Stayed in hospital overnight in the last year"),
            N_("No hospital stay in the last year"),
        ),
    ),
)

_SOCIAL: Final = (
    Feature(
        "lives_with_partner",
        "0/1",
        "social",
        N_("Married or living with a partner"),
        "Patient.maritalStatus",
        given.coded("marital_status", PARTNER, _YEARS_10),
        _yes_no(N_("Married or living with a partner"), N_("Not living with a partner")),
    ),
    Feature(
        "education",
        "1 under 9th grade to 5 college degree",
        "social",
        N_("Education"),
        "Observation, LOINC 82589-3",
        given.coded("education", EDUCATION, _YEARS_10 * 5),
        _scale(
            N_("Went to school for less than nine years"),
            N_("Left school before the final examination"),
            N_("Finished school"),
            N_("Some years of college"),
            N_("College degree"),
            first=1,
        ),
    ),
    Feature(
        "income_to_poverty_ratio",
        "{ratio}",
        "social",
        N_("Family income over the poverty line"),
        "Observation, stride-observations income-to-poverty-ratio",
        given.number("income_to_poverty_ratio", 0, 5, _YEARS_3),
        lambda v: N_("Family income is {ratio} times the poverty line", ratio=f"{v:.1f}"),
    ),
)

_ATTENDANCE: Final = (
    Feature(
        "course_finished",
        "0/1",
        "attendance",
        N_("Last course of activity"),
        "Observation, stride-observations course-finished",
        given.answer("course_finished", _YEAR),
        _yes_no(N_("Finished the last course"), N_("Did not finish the last course")),
    ),
    Feature(
        "attended_days_past_year",
        "d/a",
        "attendance",
        N_("Days of exercise at the centre in the last year"),
        "Observation, stride-observations attended-days-past-year",
        given.number("attended_days_past_year", 0, 366, _QUARTER),
        lambda v: N_("Came to exercise on {days} days of the last year", days=int(v)),
    ),
    Feature(
        "sessions_attended_share",
        "1",
        "attendance",
        N_("Planned sessions attended so far"),
        "Appointment for exercise, fulfilled of fulfilled, no-show and cancelled",
        given.number("sessions_attended_share", 0, 1, _QUARTER),
        lambda v: N_("Came to {share} % of the sessions so far", share=round(100 * v)),
    ),
)

FEATURES: Final[Mapping[str, Feature]] = MappingProxyType(
    {
        feature.name: feature
        for group in (_PERSON, _BODY, _HABITS, _DIAGNOSES, _MEDICINES, _REPORTED, _SOCIAL, _ATTENDANCE)
        for feature in group
    }
)


def features_named(names: Sequence[str]) -> tuple[Feature, ...]:
    """The features of a model, in its own order. An unknown name is a `KeyError`."""
    return tuple(FEATURES[name] for name in names)


def row_of(features: Sequence[Feature], snapshot: PatientSnapshot) -> Row:
    """One patient as a model sees them: shape `(1, len(features))`, float64, unknown is NaN.

    Training and serving both come through here: a row of a table is made into a snapshot first.
    """
    return np.array([[feature.read(snapshot) for feature in features]])
