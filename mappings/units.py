"""Units: from what a quantity says of itself to the factor that makes it canonical, or to nothing at all."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from models.quick import quick_to_make

UCUM: Final = "http://unitsofmeasure.org"

_EXACT: Final = 1e9  # below it a million of them is a whole number that a float holds


@quick_to_make
@dataclass(frozen=True, slots=True)
class Factor:
    """How a number in one unit becomes one in the canonical unit: `times` it, `plus` an offset."""

    times: float
    plus: float = 0.0

    def of(self, value: float) -> float:
        """The number in the canonical unit, to six decimals: 4.1 g/dL are 41 g/L and nothing beside them."""
        exact = value * self.times + self.plus
        if -_EXACT < exact < _EXACT:  # a fifth of the time of `round`
            return math.floor(exact * 1e6 + 0.5) / 1e6
        return round(exact, 6)


# How people and analysers write units that are not UCUM. A closed list: what is not here is refused.
# Source: observations.md sections 1 and 9; the variants are those of laboratory and device feeds.
_WRITTEN: Final[Mapping[str, tuple[str, ...]]] = {
    "10*9/L": ("10^9/L", "10^9/l", "10*9/l", "x10^9/L", "x10*9/L", "x10E9/L", "10E9/L", "x 10^9/L", "10e9/L",
               "10⁹/L", "x10⁹/L", "Gpt/L", "G/L", "G/l", "bil/L", "billion/L", "x10(9)/L"),
    "10*3/uL": ("10^3/uL", "10*3/ul", "10^3/ul", "x10^3/uL", "x10*3/uL", "x10E3/uL", "10E3/uL", "10e3/uL",
                "x 10^3/uL", "10³/µL", "10^3/µL", "10*3/µL", "K/uL", "K/ul", "k/uL", "K/µL", "K/mcL", "K/cumm",
                "thou/uL", "thou/mm3", "thousand/uL", "Thousand/uL", "x10(3)/uL", "10*3/mm3", "10^3/mm3",
                "k/mm3", "K/mm3", "th/mm3"),
    "/uL": ("/ul", "/µL", "/mcL", "cells/uL", "cells/µL", "cells/mcL", "/mm3", "/cumm", "cells/mm3", "1/uL"),
    "g/L": ("g/l", "gm/L"),
    "g/dL": ("g/dl", "gm/dL", "gm/dl", "G/DL", "g%", "g/100mL"),
    "mg/dL": ("mg/dl", "MG/DL", "mg%"),
    "mg/L": ("mg/l",),
    "ug/L": ("µg/L", "mcg/L", "ug/l"),
    "ug/mL": ("µg/mL", "mcg/mL", "ug/ml"),
    "ng/mL": ("ng/ml", "NG/ML"),
    "ng/L": ("ng/l",),
    "pg/mL": ("pg/ml", "PG/ML"),
    "ug/mL{FEU}": ("ug/mL FEU", "mcg/mL FEU", "µg/mL FEU", "ug/ml FEU"),
    "mg/L{FEU}": ("mg/L FEU", "mg/l FEU"),
    "ng/mL{FEU}": ("ng/mL FEU", "ng/ml FEU"),
    "ng/mL{DDU}": ("ng/mL DDU", "ng/ml DDU"),
    "ug/mL{DDU}": ("ug/mL DDU", "mcg/mL DDU"),
    "mmol/L": ("mmol/l", "mM", "mMol/L"),
    "umol/L": ("µmol/L", "umol/l", "mcmol/L", "micromol/L"),
    "meq/L": ("mEq/L", "meq/l", "MEQ/L", "mEq/l"),
    "mmol/mol": ("mmol/mol Hb", "mmol/mol{Hb}"),
    "U/L": ("u/L", "U/l", "IU/L", "units/L", "[iU]/L", "IU/l"),
    "ukat/L": ("µkat/L", "ukat/l"),
    "m[IU]/L": ("mIU/L", "mIU/l", "mU/L", "m[iU]/L"),
    "u[IU]/mL": ("uIU/mL", "µIU/mL", "uIU/ml", "mcIU/mL", "u[iU]/mL", "uU/mL"),
    "mL/min/{1.73_m2}": ("mL/min/1.73m2", "mL/min/1.73 m2", "mL/min/1.73m^2", "mL/min/1.73 m²",
                         "mL/min/1.73m²", "ml/min/1.73m2", "mL/min/1.73sqm"),
    "mL/min": ("ml/min",),
    "%": ("percent", "pct", "Percent"),
    "mm[Hg]": ("mmHg", "mm Hg", "mmhg", "mm(hg)", "MMHG"),
    "/min": ("bpm", "beats/min", "beats/minute", "beats per minute", "breaths/min", "breaths/minute",
             "per minute", "1/min", "BPM", "/minute", "br/min"),
    "Cel": ("°C", "degC", "C", "deg C", "Celsius", "℃"),
    "[degF]": ("°F", "degF", "F", "deg F", "Fahrenheit", "℉"),
    "kg": ("kgs", "Kg", "KG", "kilogram", "kilograms"),
    "[lb_av]": ("lb", "lbs", "pound", "pounds", "[lb_us]"),
    "g": ("grams", "gram"),
    "cm": ("centimeter", "centimeters", "centimetres"),
    "m": ("meter", "meters", "metres", "metre"),
    "[in_i]": ("in", "inch", "inches", "[in_us]"),
    "[ft_i]": ("ft", "feet", "foot", "[ft_us]"),
    "kg/m2": ("kg/m^2", "kg/m²", "kg/(m^2)", "kg/sq m"),
    "m2": ("m^2", "m²"),
    "s": ("sec", "secs", "second", "seconds"),
    "min": ("mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
    "ms": ("msec", "milliseconds"),
    "d/wk": ("days/week", "day/week", "days per week", "days/wk", "d/week"),
    "min/d": ("min/day", "minutes/day", "minutes per day", "mins/day"),
    "min/wk": ("min/week", "minutes/week", "minutes per week", "mins/week"),
    "/d": ("steps/day", "steps/d", "per day", "/day"),
    "mL/kg/min": ("ml/kg/min", "mL/(kg.min)", "mL/kg.min", "ml·kg-1·min-1"),
    "mL/min/kg": ("mL/(min.kg)",),
    "[MET]": ("MET", "METs", "MET's"),
    "m/s": ("meters/second", "m/sec"),
    "cm/s": ("cm/sec",),
    "L": ("l", "liter", "liters", "litres"),
    "mL": ("ml",),
    "L/min": ("l/min", "LPM", "lpm", "L/minute"),
    "kcal": ("Calories", "Cal", "kilocalories"),
    "1": ("score", "{score}", "points", "count", "grade", "ratio", "steps", "times", "reps", "repetitions",
          "stands", "INR", "falls", "(score)", "T-score"),
}  # fmt: skip

SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {text: code for code, texts in _WRITTEN.items() for text in texts} | {code: code for code in _WRITTEN}
)

_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")


def plain(code: str) -> str:
    """A UCUM code without its annotations, which carry no value: `{beats}/min` is `/min`, `{score}` is `1`.

    Source: UCUM section 2.1.1, annotations.
    """
    return (_ANNOTATION.sub("", code) or "1") if "{" in code else code


SAME: Final = Factor(1.0)  # the unit is the canonical one already


Written = tuple[str | None, str | None, str | None]  # system, code and text of a unit, as a quantity has them


class Conversion:
    """The units in which one input may come, and how each becomes the canonical one."""

    def __init__(self, accepted: Mapping[str, Factor], *, without_unit: bool = False) -> None:
        self.accepted = {code: SAME if factor == SAME else factor for code, factor in accepted.items()}
        self.without_unit = without_unit  # scores and counts: there is no unit that could be missing
        self._known: dict[Written, Factor | None] = {}
        # Units with reference ranges, as written: a laboratory writes the same ones for every patient.
        self.looked_into: dict[tuple[Written, bytes], tuple[Factor | None, float | None]] = {}

    def factor(self, system: str | None, code: str | None, unit: str | None) -> Factor | None:
        """Factor and offset for a quantity's system, code and unit text; `None` when the unit is not known.

        UCUM code first; without one the unit text by the closed list of synonyms; never a guess.
        """
        key = (system, code, unit)
        try:
            return self._known[key]
        except KeyError:
            found = self._find(system, code, unit)
            if len(self._known) < 1000:  # texts come from outside: the memory of them must not grow for ever
                self._known[key] = found
            return found

    def _find(self, system: str | None, code: str | None, unit: str | None) -> Factor | None:
        if system == UCUM and code:
            return self._by_code(code)
        text = (unit or code or "").strip()
        if not text:
            return self.accepted.get("1") if self.without_unit else None
        return self._by_code(SYNONYMS.get(text, text))

    def _by_code(self, code: str) -> Factor | None:
        found = self.accepted.get(code)
        if found is None:
            bare = plain(code)
            found = self.accepted.get(bare)
            if found is None and bare in SYNONYMS:  # 10*3/mm3, [in_us]: other UCUM spellings of the same unit
                found = self.accepted.get(SYNONYMS[bare])
        return found
