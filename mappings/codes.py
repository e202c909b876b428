"""The code tables: which codes mean which value set, drug or input, read once from the data files beside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from mappings.canonical import STRIDE_OBSERVATIONS
from mappings.structs import BareConcept, concept_decoder
from mappings.units import Conversion, Factor
from models.inputs import INPUTS

LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC: Final = "http://www.whocc.no/atc"
# ICD-10 and its national editions of diagnoses share their categories; ICD-10-PCS is another code for procedures.
ICD10: Final = frozenset(
    {
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://hl7.org/fhir/sid/icd-10",
        "http://hl7.org/fhir/sid/icd-10-am",
        "http://hl7.org/fhir/sid/icd-10-ca",
        "http://hl7.org/fhir/sid/icd-10-uk",
        "http://hl7.org/fhir/sid/icd-10-us",
        "http://hl7.org/fhir/sid/icd-10-nl",
        "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
        "urn:oid:2.16.840.1.113883.6.90",
        "urn:oid:2.16.840.1.113883.6.3",
    }
)
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "urn:oid:2.16.840.1.113883.6.73": ATC,
    "http://snomed.info/sct/": SNOMED,
    "https://loinc.org": LOINC,
    "http://fhir.de/CodeSystem/bfarm/atc": ATC,
}

_FOLDER: Final = Path(__file__).parent / "value_sets"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def system_of(system: str | None) -> str | None:
    """The canonical URL of a code system that is also known by an OID or an older URL."""
    return _OTHER_NAMES.get(system, system) if system else system


def _table(name: str) -> dict[str, Any]:
    text = (_FOLDER / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, in C where present
    return loaded


# --- diagnoses -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """Value sets of diagnoses by code."""

    snomed: Mapping[str, tuple[str, ...]]
    prefixes: Mapping[str, tuple[str, ...]]  # ICD-10 without dots
    history_prefixes: frozenset[str]
    history_codes: frozenset[str]
    together: Mapping[str, tuple[str, ...]]
    by_site: Mapping[str, str]  # site word -> value set
    _icd: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def sets_of(self, system: str | None, code: str | None) -> tuple[str, ...]:
        """All value sets that a coding belongs to; empty when none."""
        if not code:
            return ()
        system = system_of(system)
        if system == SNOMED:
            return self.snomed.get(code, ())
        return self._icd_sets(code) if system in ICD10 else ()

    @staticmethod
    def written(system: str | None, code: str | None) -> str:
        """A code as rules compare it: ICD-10 in capitals and with its dot, whatever the chart writes."""
        if not code or system_of(system) not in ICD10:
            return code or ""
        bare = code.strip().replace(".", "").upper()
        return bare if len(bare) <= 3 else f"{bare[:3]}.{bare[3:]}"

    def is_history(self, system: str | None, code: str | None) -> bool:
        """True for a code that itself says "history of"."""
        if system_of(system) == SNOMED:
            return code in self.history_codes
        bare = (code or "").replace(".", "").upper()
        return any(bare.startswith(prefix) for prefix in self.history_prefixes)

    def _icd_sets(self, code: str) -> tuple[str, ...]:
        try:
            return self._icd[code]
        except KeyError:
            bare = code.replace(".", "").strip().upper()
            found = dict.fromkeys(name for end in range(3, len(bare) + 1) for name in self.prefixes.get(bare[:end], ()))
            sets = tuple(found)
            if len(self._icd) < 10_000:
                self._icd[code] = sets
            return sets


@cache
def diagnoses() -> Diagnoses:
    """The table of diagnoses. Source: mappings/value_sets/conditions.yaml."""
    table = _table("conditions.yaml")
    snomed: dict[str, list[str]] = {}
    prefixes: dict[str, list[str]] = {}
    history: set[str] = {"Z85"}
    for name, entry in table.items():
        if not name.startswith(("vs.", "part.")):
            continue
        for code in entry["snomed"]:
            snomed.setdefault(str(code), []).append(name)
        past = [prefix for written in entry.get("history", ()) for prefix in expanded(written)]
        history.update(past)
        for prefix in [*past, *(p for written in entry["icd10"] for p in expanded(written))]:
            prefixes.setdefault(prefix, []).append(name)
    return Diagnoses(
        snomed={code: tuple(names) for code, names in snomed.items()},
        prefixes={prefix: tuple(names) for prefix, names in prefixes.items()},
        history_prefixes=frozenset(history),
        history_codes=frozenset(table["history_codes"]),
        together={name: tuple(parts) for name, parts in table["together"].items()},
        by_site={site: name for name, sites in table["by_site"].items() for site in sites},
    )


def expanded(written: str) -> Iterator[str]:
    """The ICD-10 prefixes of `C00-C96` or `C79.51`, without dots."""
    found = re.fullmatch(r"([A-Z])(\d\d)-([A-Z])(\d\d)", written)
    if found is None:
        yield written.replace(".", "")
        return
    for number in range(int(found[2]), int(found[4]) + 1):
        yield f"{found[1]}{number:02d}"


# --- procedures and sites --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProcedureCode:
    value_sets: tuple[str, ...]
    site: str | None


@cache
def procedures() -> Mapping[str, ProcedureCode]:
    """SNOMED CT code of a procedure -> its value sets and region. Source: value_sets/procedures.yaml."""
    sets: dict[str, list[str]] = {}
    sites: dict[str, str] = {}
    for name, codes in _table("procedures.yaml").items():
        for code, entry in codes.items():
            sets.setdefault(str(code), []).append(name)
            if "site" in entry:
                sites[str(code)] = entry["site"]
    return {code: ProcedureCode(tuple(names), sites.get(code)) for code, names in sets.items()}


@cache
def sites() -> Mapping[str, str]:
    """SNOMED CT code of a body structure -> our word for the region. Source: value_sets/sites.yaml."""
    return {str(code): word for code, word in _table("sites.yaml").items()}


# --- drugs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drug:
    name: str  # "" when only the group is known
    value_sets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drugs:
    """Drugs by RxNorm code (ingredient or product) and by ATC prefix."""

    rxnorm: Mapping[str, Drug]
    atc: Mapping[str, Drug]

    def of(self, system: str | None, code: str | None) -> Drug | None:
        """The drug that a coding means; `None` when it is none of ours."""
        system = system_of(system)
        if not code:
            return None
        if system == RXNORM:
            return self.rxnorm.get(code)
        if system == ATC:
            for end in range(len(code), 3, -1):
                found = self.atc.get(code[:end])
                if found is not None:
                    return found
            return self.atc.get(code[:3])
        return None


@cache
def drugs() -> Drugs:
    """The table of drugs. Source: mappings/value_sets/drugs.yaml."""
    table = _table("drugs.yaml")
    rxnorm: dict[str, Drug] = {}
    atc: dict[str, Drug] = {group: Drug("", tuple(names)) for group, names in table["groups"].items()}
    for name, entry in table["drugs"].items():
        drug = Drug(name, tuple(entry["sets"]))
        rxnorm.update(dict.fromkeys([*entry["rxnorm"], *entry.get("products", ())], drug))
        atc.update(dict.fromkeys(entry["atc"], drug))
    return Drugs(rxnorm, atc)


# --- observations ----------------------------------------------------------------------------------------------

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
    graded_as: str | None = None  # input of the grades that come under a yes-or-no code
    told_as: str | None = None  # input of what a device or the patient says under this code
    whole: bool = False  # only whole numbers are possible
    clinic_vital: bool = False
    dimensionless: bool = False
    note_code: bool = False

    plain: bool = field(init=False, default=False)  # a quantity needs no more than its factor and its range
    low: float = field(init=False, default=float("-inf"))
    high: float = field(init=False, default=float("inf"))

    def __post_init__(self) -> None:
        simple = self.kind == "number" and self.steps is None
        object.__setattr__(self, "plain", simple and not self.whole and not self.note_code and not self.clinic_vital)
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
    table = _table("observations.yaml")
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
        for other, name in _OTHER_NAMES.items():
            if name in by_code[code]:
                by_code[code][other] = by_code[code][name]
    return Observed(
        by_code,
        frozenset(table["panels"]),
        by_alias,
        {key: tuple(dict.fromkeys(codes)) for key, codes in asked.items()},
    )


def _codes_of(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, system in (("loinc", LOINC), ("snomed", SNOMED), ("stride", STRIDE_OBSERVATIONS)):
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
        return float(given[0]), float(given[1])
    return float(given), 0.0  # type: ignore[arg-type]


def _pairs(by_system: Mapping[str, Mapping[str, Value]]) -> dict[tuple[str, str], Value]:
    return {(system, str(code)): value for system, codes in by_system.items() for code, value in codes.items()}
