"""A made-up hospital as a Bulk Data export: people, charts and outcomes with coefficients that are known.

It is for testing that training from FHIR finds what is there. It says nothing about real people.
"""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mappings.canonical import BASE

Json = dict[str, Any]

# Log-odds of death within five years: one unit of each feature of models/features.py. Everything else does nothing.
DEATH: Final[Mapping[str, float]] = MappingProxyType(
    {"age_years": 0.08, "smoking": 0.5, "dx_heart_failure": 1.2, "mobility_limitation": 1.4, "sex_female": -0.6}
)
DEATH_AT_60: Final = -2.6  # log-odds of a man of 60 with none of these
UPTAKE: Final[Mapping[str, float]] = MappingProxyType({"mobility_limitation": -1.2, "self_rated_health": -0.5})
UPTAKE_BASE: Final = 1.6

_FIRST: Final = datetime(2010, 1, 4, 9, 0, tzinfo=UTC)
_DAYS: Final = 8 * 365  # over which people are referred
_SNOMED: Final = "http://snomed.info/sct"
_LOINC: Final = "http://loinc.org"
_OURS: Final = f"{BASE}/CodeSystem/stride-observations"
_ICD: Final = "http://hl7.org/fhir/sid/icd-10-cm"
_SMOKES: Final = ("266919005", "8517006", "449868002")


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up patient: what is true of them, and what became of them."""

    id: str
    index: datetime
    truth: Mapping[str, float]
    died: bool
    took_up: bool


def log_odds_of_death(truth: Mapping[str, float]) -> float:
    """The true log-odds of death within five years."""
    rest = sum(weight * truth[name] for name, weight in DEATH.items() if name != "age_years")
    return DEATH_AT_60 + DEATH["age_years"] * (truth["age_years"] - 60) + rest


def people(count: int, seed: int) -> list[Person]:
    """Made-up patients; the same seed makes the same ones."""
    dice = random.Random(seed)  # noqa: S311 - nothing here is a secret
    return [_person(dice, number) for number in range(count)]


def write_hospital(out: Path, count: int, seed: int) -> dict[str, int]:
    """Writes the export, a file for each type, and `truth.json`; how many resources of each type."""
    out.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = defaultdict(list)
    dice = random.Random(f"charts {seed}")  # noqa: S311 - nothing here is a secret
    for person in people(count, seed):
        for resource in resources_of(person, dice):
            lines[resource["resourceType"]].append(json.dumps(resource, separators=(",", ":")))
    for kind, found in lines.items():
        (out / f"{kind}.ndjson").write_text("\n".join(found) + "\n", encoding="utf-8")
    truth = {"death": {"at 60": DEATH_AT_60, **DEATH}, "uptake": {"base": UPTAKE_BASE, **UPTAKE}, "seed": seed}
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return {kind: len(found) for kind, found in lines.items()}


def resources_of(person: Person, dice: random.Random) -> Iterator[Json]:
    """The records of one patient, before and after the day of the referral."""
    before = person.index - timedelta(days=dice.randint(1, 60))
    yield _patient(person, dice)
    yield from _chart(person, before)
    yield _made(
        person, "ServiceRequest", "referral", before=person.index, status="active", intent="order",
        code=_concept(_SNOMED, "390893007"), authoredOn=person.index.isoformat(),
    )  # fmt: skip
    if person.took_up:
        start = person.index + timedelta(days=dice.randint(3, 55))
        yield _visit(person, "exercise", start, kind="229065009")
    if not person.died:
        yield _visit(person, "later", person.index + timedelta(days=5 * 366 + dice.randint(1, 200)))
    else:
        yield _visit(person, "soon", person.index + timedelta(days=61))


def _person(dice: random.Random, number: int) -> Person:
    truth = {
        "age_years": float(dice.randint(42, 79)),
        "sex_female": float(dice.random() < 0.5),
        "smoking": float(dice.choice((0, 0, 0, 1, 1, 2))),
        "dx_heart_failure": float(dice.random() < 0.12),
        "dx_diabetes": float(dice.random() < 0.2),
        "mobility_limitation": float(dice.random() < 0.3),
        "self_rated_health": float(dice.randint(1, 5)),
        "weight_kg": round(dice.gauss(78, 14), 1),
        "height_cm": round(dice.gauss(169, 9), 1),
    }
    uptake = UPTAKE_BASE + sum(weight * truth[name] for name, weight in UPTAKE.items())
    return Person(
        id=f"synth-{number}",
        index=_FIRST + timedelta(days=dice.randrange(_DAYS), minutes=dice.randrange(400)),
        truth=truth,
        died=_happens(dice, log_odds_of_death(truth)),
        took_up=_happens(dice, uptake),
    )


def _happens(dice: random.Random, log_odds: float) -> bool:
    return dice.random() < 1 / (1 + math.exp(-log_odds))


def _patient(person: Person, dice: random.Random) -> Json:
    born = person.index - timedelta(days=365.25 * person.truth["age_years"] + dice.randint(10, 350))
    found: Json = {
        "resourceType": "Patient",
        "id": person.id,
        "gender": "female" if person.truth["sex_female"] else "male",
        "birthDate": born.date().isoformat(),
    }
    if person.died:
        found["deceasedDateTime"] = (person.index + timedelta(days=dice.randint(65, 5 * 365))).date().isoformat()
    return found


def _chart(person: Person, before: datetime) -> Iterator[Json]:
    truth = person.truth
    for name, code, unit in (("weight_kg", "29463-7", "kg"), ("height_cm", "8302-2", "cm")):
        quantity = {"value": truth[name], "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
        yield _result(person, before, _LOINC, code, valueQuantity=quantity)
    smoking = _concept(_SNOMED, _SMOKES[int(truth["smoking"])])
    yield _result(person, before, _LOINC, "72166-2", valueCodeableConcept=smoking)
    yield _result(person, before, _OURS, "mobility-limitation", valueBoolean=bool(truth["mobility_limitation"]))
    yield _result(person, before, _OURS, "self-rated-health", valueInteger=int(truth["self_rated_health"]))
    told = {"C50.919": 1.0, "I50.9": truth["dx_heart_failure"], "E11.9": truth["dx_diabetes"]}
    status = "http://terminology.hl7.org/CodeSystem/condition-"
    for code in (code for code, present in told.items() if present):
        yield _made(
            person, "Condition", code.replace(".", "-"), before=before, code=_concept(_ICD, code),
            clinicalStatus=_concept(f"{status}clinical", "active"),
            verificationStatus=_concept(f"{status}ver-status", "confirmed"), recordedDate=before.isoformat(),
        )  # fmt: skip


def _result(person: Person, when: datetime, system: str, code: str, **value: Any) -> Json:
    return _made(
        person, "Observation", code, before=when, status="final", code=_concept(system, code),
        effectiveDateTime=when.isoformat(), issued=when.isoformat(), **value,
    )  # fmt: skip


def _visit(person: Person, name: str, start: datetime, kind: str = "185349003") -> Json:
    classed = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    period = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
    return _made(
        person, "Encounter", name, before=start, status="finished", type=[_concept(_SNOMED, kind)], period=period,
        **{"class": classed},
    )  # fmt: skip


def _made(person: Person, kind: str, name: str, *, before: datetime, **content: Any) -> Json:
    return {
        "resourceType": kind,
        "id": f"{person.id}-{name.lower()}",
        "meta": {"lastUpdated": before.isoformat()},
        "subject": {"reference": f"Patient/{person.id}"},
        **content,
    }


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}
