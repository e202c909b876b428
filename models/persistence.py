"""The second stage of adherence: who goes on, once a first course or a year of visits is known."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from models.model_spec import Bands, ModelSpec
from models.text import N_

_PERSON: Final = ("age_years", "sex_female")
_REFUSE_AGE: Final = N_("Not estimated: the model was trained on adults of working age")
_SUPPORT: Final = "usual support; nobody is left without it for a high figure"

PERSISTENCE: Final = ModelSpec(
    name="persistence",
    meaning=N_("Finishes the next course of activity, having begun a programme"),
    features=(*_PERSON, "course_finished"),
    monotone=MappingProxyType({"course_finished": 1}),
    min_age_years=18,
    refuse_age=_REFUSE_AGE,
    bands=Bands(middle=0.25, high=0.50),
    band_meaning=MappingProxyType(
        {
            "low": "under 25 %: offer more support (a call, a reminder, help with travel)",
            "middle": "25 % to under 50 %: usual support",
            "high": f"50 % and over: {_SUPPORT}",
        }
    ),
    needed=(*_PERSON, "course_finished"),
    at_most="low",
)

ATTENDANCE: Final = ModelSpec(
    name="attendance",
    meaning=N_("Exercises at the centre on 12 or more days of the coming year"),
    features=(*_PERSON, "attended_days_past_year"),
    monotone=MappingProxyType({"attended_days_past_year": 1}),
    min_age_years=18,
    refuse_age=_REFUSE_AGE,
    bands=Bands(middle=0.20, high=0.50),
    band_meaning=MappingProxyType(
        {
            "low": "under 20 %: offer more support (a call, a reminder, help with travel)",
            "middle": "20 % to under 50 %: usual support",
            "high": f"50 % and over: {_SUPPORT}",
        }
    ),
    needed=(*_PERSON, "attended_days_past_year"),
    at_most="low",
)

# The most telling first: counted days, then a course finished or not; without either it is the stage of uptake.
LATER_STAGES: Final = ((ATTENDANCE, "attended_days_past_year"), (PERSISTENCE, "course_finished"))
