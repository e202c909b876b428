"""Which coded observation feeds which input, and how: the table of observations, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import msgspec

from mappings.canonical import STRIDE_OBSERVATIONS
from mappings.codes import LOINC, OTHER_NAMES, PHYSICAL_ACTIVITY, SNOMED, table_of
from mappings.decoders import concept_decoder
from mappings.structs import BareConcept
from mappings.units import Conversion, Factor
from models.inputs import INPUTS

Value = float | bool | str


@dataclass(frozen=True, slots=True)
class Measure:
    """How observations of one code become readings of one input."""

    alias: str
    query: str
    kind: str  # "number", "boolean", "code"
    unit: str
    plausible: tuple[float, float] | None
    conversion: Conversion
    answers: Mapping[tuple[str, str], Value]
    unanswered: frozenset[str]
    steps: tuple[tuple[float, float], ...] | None = None  # strip bands: (at least, score)
    step_unit: str = ""
    whole_day: Conversion | None = None  # units that count only over a whole day
    graded_as: str | None = None  # input of what comes under this code on another scale: grades, the whole body
    told_as: str | None = None  # input of what a device or the patient says under this code
    whole: bool = False  # only whole numbers are possible
    clinic_vital: bool = False
    dimensionless: bool = False
    note_code: bool = False

    plain: bool = field(init=False, default=False)  # a quantity needs no more than its factor and its range
    low: float = field(init=False, default=float("-inf"))
    high: float = field(init=False, default=float("inf"))

    def __post_init__(self) -> None:
        simple = self.kind == "number" and self.steps is None and self.told_as is None
        object.__setattr__(self, "plain", simple and not self.whole and not self.note_code)
        if self.plausible:
            object.__setattr__(self, "low", self.plausible[0])
            object.__setattr__(self, "high", self.plausible[1])


class _Unseen:
    pass


UNSEEN: Final[Any] = _Unseen()  # "not looked into yet", as against "none of ours"


@dataclass(frozen=True, slots=True)
class Observed:
    """All codes of observations that we read: code -> system -> measure."""

    by_code: Mapping[str, Mapping[str, Measure]]
    panels: frozenset[str]
    by_alias: Mapping[str, Measure]
    asked: Mapping[str, tuple[str, ...]]  # query key -> "system|code"
    by_text: dict[bytes, Measure | None] = field(default_factory=dict)  # Observation.code as written

    def measure_of(self, text: bytes) -> Measure | None:
        """What an `Observation.code` means, given as JSON; the same text is looked into once.

        Nothing when it is none of ours or cannot be read.
        """
        try:
            found = self.measure_of_concept(concept_decoder.decode(text) if text else None)
        except msgspec.MsgspecError:
            found = None
        if len(text) < 2000 and len(self.by_text) < 5000:  # texts come from outside
            self.by_text[text] = found
        return found

    def measure_of_concept(self, concept: BareConcept | None) -> Measure | None:
        """What a concept means by any of its codings; a code that is exact before one that needs context."""
        doubtful = None
        for coding in concept.coding or () if concept else ():
            measure = self.by_code.get(coding.code or "", {}).get(coding.system or "")
            if measure is not None and not measure.clinic_vital:
                return measure
            doubtful = doubtful or measure
        return doubtful


@cache
def observed() -> Observed:
    """The table of observations. Source: mappings/value_sets/observations.yaml."""
    table = table_of("observations.yaml")
    reader = _MeasureReader(table["families"], table["yes_no"])
    by_code: dict[str, dict[str, Measure]] = {}
    asked: dict[str, list[str]] = {}
    by_alias: dict[str, Measure] = {}
    for alias, row in table["inputs"].items():
        for variant in [row, *row.get("variants", ())]:
            measure = reader.measure(alias, row, variant)
            by_alias.setdefault(alias, measure)
            for system, code in _codes_of(variant):
                by_code.setdefault(code, {})[system] = measure
                asked.setdefault(row["query"], []).append(f"{system}|{code}")
    asked["vitals"] = [f"{LOINC}|{code}" for code in table["panels"]] + asked["vitals"]
    for code in by_code:
        for other, name in OTHER_NAMES.items():
            if name in by_code[code]:
                by_code[code][other] = by_code[code][name]
    return Observed(
        by_code,
        frozenset(table["panels"]),
        by_alias,
        {key: tuple(dict.fromkeys(codes)) for key, codes in asked.items()},
    )


_SYSTEMS: Final = (
    ("loinc", LOINC),
    ("snomed", SNOMED),
    ("stride", STRIDE_OBSERVATIONS),
    ("pa", PHYSICAL_ACTIVITY),
)


def _codes_of(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, system in _SYSTEMS:
        for code in row.get(name, ()):
            yield system, str(code)


class _MeasureReader:
    def __init__(self, families: Mapping[str, Any], yes_no: Mapping[str, Any]) -> None:
        self.families = families
        self.yes_no = _pairs(yes_no)

    def measure(self, alias: str, row: Mapping[str, Any], variant: Mapping[str, Any]) -> Measure:
        known = INPUTS.get(alias)
        kind = known.kind if known else row["kind"]
        plausible = known.plausible if known else tuple(row["range"]) if "range" in row else None
        answers = _pairs(variant.get("answers", row.get("answers", {})))
        steps = variant.get("steps")
        canonical = known.unit if known else row.get("unit", "")
        dimensionless = canonical == "" or canonical.startswith("{")
        return Measure(
            alias=alias,
            query=row["query"],
            kind=kind,
            unit=known.unit if known else row.get("unit", ""),
            plausible=plausible,
            conversion=self.conversion(variant.get("units", {"1": 1}), dimensionless),
            answers=self.yes_no | answers if kind == "boolean" else answers,
            unanswered=frozenset(str(code) for code in row.get("unanswered", ())),
            steps=tuple((limit, score) for limit, score in steps["limits"]) if steps else None,
            step_unit=steps["unit"] if steps else "",
            whole_day=self.conversion(row["whole_day_units"]) if "whole_day_units" in row else None,
            graded_as=row.get("graded_as"),
            told_as=variant.get("told_as"),
            whole=row.get("whole", False),
            clinic_vital=variant.get("clinic_vital", False),
            dimensionless=dimensionless,
            note_code=row.get("note_code", False),
        )

    def conversion(self, units: str | Mapping[str, Any], dimensionless: bool = False) -> Conversion:
        table: Mapping[str, Any] = self.families[units] if isinstance(units, str) else units
        factors = {str(code): _factor(given) for code, given in table.items()}
        return Conversion(factors, without_unit=dimensionless)


def _factor(given: object) -> Factor:
    if isinstance(given, list):
        return Factor(float(given[0]), float(given[1]))
    return Factor(float(given))  # type: ignore[arg-type]


def _pairs(by_system: Mapping[str, Mapping[str, Value]]) -> dict[tuple[str, str], Value]:
    return {(system, str(code)): value for system, codes in by_system.items() for code, value in codes.items()}
