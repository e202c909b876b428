"""The code tables: which codes mean which value set or drug, read once from the data files beside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC: Final = "http://www.whocc.no/atc"
PHYSICAL_ACTIVITY: Final = "http://hl7.org/fhir/us/physical-activity/CodeSystem/pa-temporary-codes"
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
OTHER_NAMES: Final[Mapping[str, str]] = {
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
    return OTHER_NAMES.get(system, system) if system else system


def table_of(name: str) -> dict[str, Any]:
    text = (_FOLDER / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, in C where present
    return loaded


# --- diagnoses -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one coding of a diagnosis says."""

    value_sets: tuple[str, ...]
    code: str  # as rules compare it
    history: bool
    icd10: str | None  # what a SNOMED CT code says in ICD-10, where it is known


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """Value sets of diagnoses by code."""

    snomed: Mapping[str, tuple[str, ...]]
    prefixes: Mapping[str, tuple[str, ...]]  # ICD-10 without dots
    history_prefixes: frozenset[str]
    history_codes: frozenset[str]
    together: Mapping[str, tuple[str, ...]]
    by_site: Mapping[str, str]  # site word -> value set
    same_as: Mapping[str, str]  # SNOMED code -> ICD-10 code that says the same
    _icd: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _known: dict[tuple[str | None, str | None], Meaning] = field(default_factory=dict)

    def meaning_of(self, system: str | None, code: str | None) -> Meaning:
        """All that a coding says, put together once a process."""
        key = (system, code)
        found = self._known.get(key)
        if found is None:
            same = self.same_as.get(code or "") if system_of(system) == SNOMED else None
            found = Meaning(self.sets_of(system, code), self.written(system, code), self.is_history(system, code), same)
            if len(self._known) < 10_000:  # codes come from outside: the memory of them must not grow for ever
                self._known[key] = found
        return found

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
    table = table_of("conditions.yaml")
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
        same_as=table["same_as"],
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
    for name, codes in table_of("procedures.yaml").items():
        for code, entry in codes.items():
            sets.setdefault(str(code), []).append(name)
            if "site" in entry:
                sites[str(code)] = entry["site"]
    return {code: ProcedureCode(tuple(names), sites.get(code)) for code, names in sets.items()}


@cache
def sites() -> Mapping[str, str]:
    """SNOMED CT code of a body structure -> our word for the region. Source: value_sets/sites.yaml."""
    return {str(code): word for code, word in table_of("sites.yaml").items()}


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
    table = table_of("drugs.yaml")
    rxnorm: dict[str, Drug] = {}
    atc: dict[str, Drug] = {group: Drug("", tuple(names)) for group, names in table["groups"].items()}
    for name, entry in table["drugs"].items():
        drug = Drug(name, tuple(entry["sets"]))
        rxnorm.update(dict.fromkeys([*entry["rxnorm"], *entry.get("products", ())], drug))
        atc.update(dict.fromkeys(entry["atc"], drug))
    return Drugs(rxnorm, atc)
