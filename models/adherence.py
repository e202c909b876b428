"""The adherence model: uptake of advised exercise. Weak; it may add support, never lower anybody's place."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from models.model_spec import Bands, ModelSpec
from models.text import N_

FEATURES: Final = (
    "age_years",
    "sex_female",
    "body_mass_index",
    "smoking",
    "dx_heart_failure",
    "dx_coronary_disease",
    "dx_stroke",
    "dx_diabetes",
    "dx_copd",
    "dx_cancer",
    "self_rated_health",
    "mobility_limitation",
    "walking_aid",
    "hospital_overnight_past_year",
    "lives_with_partner",
    "education",
    "income_to_poverty_ratio",
)

ADHERENCE: Final = ModelSpec(
    name="adherence",
    meaning=N_("Takes up exercise after advice to do so, by own report"),
    features=FEATURES,
    monotone=MappingProxyType(
        {
            "smoking": -1,
            "self_rated_health": -1,
            "mobility_limitation": -1,
            "walking_aid": -1,
            "dx_heart_failure": -1,
            "dx_stroke": -1,
            "dx_copd": -1,
            "education": 1,
        }
    ),
    min_age_years=20,
    refuse_age=N_("Not estimated: the model was trained on people of 20 years and older"),
    bands=Bands(middle=0.25, high=0.50),
    band_meaning=MappingProxyType(
        {
            "low": "under 25 %: offer more support (a call, a reminder, help with travel)",
            "middle": "25 % to under 50 %: usual support",
            "high": "50 % and over: usual support; nobody is left without it for a high figure",
        }
    ),
)
