"""What a model is, apart from its trees: inputs, constraints, bands, and where it must not speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.text import Text


@dataclass(frozen=True, slots=True)
class Bands:
    """Where the probability is called middle and high; below `middle` it is low."""

    middle: float
    high: float

    def of(self, probability: float) -> str:
        """`low`, `middle` or `high`."""
        if probability >= self.high:
            return "high"
        return "middle" if probability >= self.middle else "low"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The contract of one model. An artifact that does not keep it is refused."""

    name: str  # "risk" | "adherence" | "persistence" | "attendance"
    meaning: Text  # what the probability is of
    features: tuple[str, ...]  # names of models/features.py, in the order of the columns
    monotone: Mapping[str, int]  # +1: the estimate never falls as the value rises; -1: never rises
    min_age_years: int  # the youngest in the training table
    refuse_age: Text
    bands: Bands
    band_meaning: Mapping[str, str]  # for the card: what each band is for
    # Value sets that change the outlook and that the training table did not know: confidence is low.
    blind_to: tuple[str, ...] = ()
    needed: tuple[str, ...] = ("age_years", "sex_female")  # without them: no number
    optional_blocks: frozenset[str] = field(default_factory=lambda: frozenset({"social", "waist"}))
    at_most: str = "full"  # confidence never says more: "low" where those of the training were not patients
