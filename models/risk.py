"""The risk model: death from any cause within five years, a stand-in for frailty, never for a clinical judgement."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from models.model_spec import Bands, ModelSpec
from models.text import N_

FEATURES: Final = (
    "age_years",
    "sex_female",
    "weight_kg",
    "height_cm",
    "body_mass_index",
    "waist_cm",
    "smoking",
    "dx_heart_failure",
    "dx_coronary_disease",
    "dx_stroke",
    "dx_diabetes",
    "dx_copd",
    "dx_hypertension",
    "dx_hypercholesterolaemia",
    "dx_asthma",
    "dx_arthritis",
    "dx_liver_disease",
    "dx_thyroid_disease",
    "dx_cancer",
    "years_since_cancer_diagnosis",
    "on_insulin",
    "self_rated_health",
    "mobility_limitation",
    "walking_aid",
    "hospital_overnight_past_year",
    "lives_with_partner",
)

# No constraint on body size (both ends are worse), sex and partnership; none on what is found in people who see a
# doctor often (cholesterol, asthma, arthritis, thyroid).
_RISES_WITH: Final = (
    "age_years",
    "smoking",
    "dx_heart_failure",
    "dx_coronary_disease",
    "dx_stroke",
    "dx_diabetes",
    "dx_copd",
    "dx_hypertension",
    "dx_liver_disease",
    "dx_cancer",
    "on_insulin",
    "self_rated_health",
    "mobility_limitation",
    "walking_aid",
    "hospital_overnight_past_year",
)

RISK: Final = ModelSpec(
    name="risk",
    meaning=N_("Death from any cause within five years"),
    features=FEATURES,
    monotone=MappingProxyType({**dict.fromkeys(_RISES_WITH, 1), "years_since_cancer_diagnosis": -1}),
    min_age_years=40,
    refuse_age=N_("Not estimated: the model was trained on people of 40 years and older"),
    bands=Bands(middle=0.10, high=0.20),
    band_meaning=MappingProxyType(
        {
            "low": "under 10 %: less than one in ten died within five years",
            "middle": "10 % to under 20 %: look at function and comorbidity before unsupervised exercise",
            "high": "20 % and over: more caution (supervision is considered); never a reason not to refer",
        }
    ),
    # The survey had no stage: with spread cancer the figure is too low, and says so.
    blind_to=("vs.cancer_secondary",),
)
