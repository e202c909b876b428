"""What a site may train a model for: a label, and the day on which its patients are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from models.adherence import ADHERENCE
from models.catalogue import SPECS
from models.model_spec import Bands, ModelSpec
from models.text import Text

REFERRAL: Final = "referral"
# The label of the model that the service asks, first, and others that may be trained on the same features.
LABELS_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "risk": ("death-5y", "death-1y", "decline-90", "decline-180"),
        "adherence": ("uptake",),
        "persistence": ("persistence",),
    }
)
# After the second session nobody can be asked any more whether somebody will begin.
LANDMARKS_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "risk": (REFERRAL, "session-2", "week-4"),
        "adherence": (REFERRAL,),
        "persistence": (REFERRAL, "session-2", "week-4"),
    }
)
LABEL_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "death-5y": "Death from any cause within five years",
        "death-1y": "Death from any cause within one year",
        "decline-90": "Decline of function within 90 days",
        "decline-180": "Decline of function within 180 days",
        "uptake": "A first exercise visit or a finished task within 60 days",
        "persistence": "At least 70 % attended of the sessions still planned in the first twelve weeks",
    }
)
LANDMARK_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        REFERRAL: "counted from the first referral to exercise",
        "session-2": "counted from the evening of the second session",
        "week-4": "counted from the end of the fourth week of the programme",
    }
)
# Of somebody who has begun: how often they came so far, and how they are. Nothing that only a survey asks.
_LATER: Final = (
    "age_years",
    "sex_female",
    "sessions_attended_share",
    "self_rated_health",
    "mobility_limitation",
    "walking_aid",
    "hospital_overnight_past_year",
    "smoking",
)


@dataclass(frozen=True, slots=True)
class Purpose:
    """One thing to learn. Versions of different purposes are never compared with each other."""

    model: str
    label: str
    landmark: str = REFERRAL

    @property
    def is_asked(self) -> bool:
        """Whether the service asks a model of this purpose; any other waits in a place of its own."""
        return self.label == LABELS_OF[self.model][0] and self.landmark == REFERRAL

    @property
    def place(self) -> str:
        """The name under which its versions lie and one of them is current."""
        return self.model if self.is_asked else f"{self.model}-{self.label}-{self.landmark}"

    @property
    def meaning(self) -> str:
        """What the probability is of, and from when."""
        return f"{LABEL_MEANINGS[self.label]}, {LANDMARK_MEANINGS[self.landmark]}"

    @property
    def spec(self) -> ModelSpec:
        """The contract of its versions."""
        spec = SPECS[self.model]
        if self.is_asked:
            return spec
        if self.model == "persistence" and self.landmark != REFERRAL:
            spec = _later_spec(spec)
        return replace(
            spec, name=self.place, meaning=Text(self.meaning), bands=Bands(0.10, 0.20), band_meaning=_NO_BANDS
        )


_NO_BANDS: Final = MappingProxyType(
    {"low": "under 10 %", "middle": "10 % to under 20 %", "high": "20 % and over; no rule and no page acts on a band"}
)


def _later_spec(spec: ModelSpec) -> ModelSpec:
    falls = {name: sign for name, sign in ADHERENCE.monotone.items() if name in _LATER}
    needed = ("age_years", "sex_female", "sessions_attended_share")
    return replace(
        spec, features=_LATER, monotone=MappingProxyType({**falls, "sessions_attended_share": 1}), needed=needed
    )


def purpose_of(model: str, label: str | None = None, landmark: str | None = None) -> Purpose | None:
    """The purpose with these words, the usual ones where none is given; `None` where they do not go together."""
    if model not in LABELS_OF:
        return None
    found = Purpose(model, label or LABELS_OF[model][0], landmark or REFERRAL)
    fits = found.label in LABELS_OF[model] and found.landmark in LANDMARKS_OF[model]
    return found if fits else None


def all_purposes() -> tuple[Purpose, ...]:
    """Every label at every day that goes with it."""
    return tuple(
        Purpose(model, label, landmark)
        for model, labels in LABELS_OF.items()
        for label in labels
        for landmark in LANDMARKS_OF[model]
    )


def spec_at(place: str) -> ModelSpec | None:
    """The contract of the versions that lie at a place: of a model of the service, or of another purpose."""
    others = {purpose.place: purpose.spec for purpose in all_purposes() if not purpose.is_asked}
    return SPECS.get(place) or others.get(place)
