"""A made-up hospital as a Bulk Data export: people, charts and outcomes with coefficients that are known.

It is for testing that training from FHIR finds what is there. It says nothing about real people.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from fhirapp import synth_people as truths
from fhirapp.synth_later import later_resources
from fhirapp.synth_people import Person, people
from fhirapp.synth_resources import (
    LOINC,
    OURS,
    PHYSICAL_FUNCTION,
    SNOMED,
    Json,
    concept,
    condition,
    made,
    points,
    result,
    visit,
)

_SMOKES: Final = ("266919005", "8517006", "449868002")


def write_hospital(out: Path, count: int, seed: int) -> dict[str, int]:
    """Writes the export, a file for each type, and `truth.json`; how many resources of each type."""
    out.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = defaultdict(list)
    dice = random.Random(f"charts {seed}")  # noqa: S311 - nothing here is a secret
    for person in people(count, seed):
        for resource in (*resources_of(person, dice), *later_resources(person)):
            lines[resource["resourceType"]].append(json.dumps(resource, separators=(",", ":")))
    for kind, found in lines.items():
        (out / f"{kind}.ndjson").write_text("\n".join(found) + "\n", encoding="utf-8")
    truth = {
        "death": {"at 60": truths.DEATH_AT_60, **truths.DEATH},
        "death in a year": {"under the log-odds of five years": -truths.DEATH_IN_A_YEAR},
        "uptake": {"base": truths.UPTAKE_BASE, **truths.UPTAKE},
        "decline, log of signs a day": {"base": truths.DECLINE_BASE, **truths.DECLINE},
        "one session": {"base": truths.SESSION_BASE, **truths.SESSION},
        "seed": seed,
    }
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return {kind: len(found) for kind, found in lines.items()}


def resources_of(person: Person, dice: random.Random) -> Iterator[Json]:
    """The records of one patient, before and after the day of the referral."""
    before = person.index - timedelta(days=dice.randint(1, 60))
    yield _patient(person)
    yield from _chart(person, before)
    yield made(
        person, "ServiceRequest", "referral", before=person.index, status="active", intent="order",
        code=concept(SNOMED, "390893007"), authoredOn=person.index.isoformat(),
    )  # fmt: skip
    if person.took_up:
        yield visit(person, "exercise", person.index + timedelta(days=person.start_day, hours=1), kind="229065009")
    if not person.died:
        yield visit(person, "later", person.index + timedelta(days=5 * 366 + dice.randint(1, 200)))
    else:
        yield visit(person, "soon", person.index + timedelta(days=61))
        yield visit(person, "last", person.index + timedelta(days=person.death_day - 1))


def _patient(person: Person) -> Json:
    born = person.index - timedelta(days=365.25 * person.truth["age_years"] + person.birthday)
    found: Json = {
        "resourceType": "Patient",
        "id": person.id,
        "gender": "female" if person.truth["sex_female"] else "male",
        "birthDate": born.date().isoformat(),
    }
    if person.died:
        found["deceasedDateTime"] = (person.index + timedelta(days=person.death_day)).date().isoformat()
    return found


def _chart(person: Person, before: datetime) -> Iterator[Json]:
    truth = person.truth
    for name, code, unit in (("weight_kg", "29463-7", "kg"), ("height_cm", "8302-2", "cm")):
        quantity = {"value": truth[name], "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
        yield result(person, before, LOINC, code, valueQuantity=quantity)
    smoking = concept(SNOMED, _SMOKES[int(truth["smoking"])])
    yield result(person, before, LOINC, "72166-2", valueCodeableConcept=smoking)
    yield result(person, before, OURS, "mobility-limitation", valueBoolean=bool(truth["mobility_limitation"]))
    yield result(person, before, OURS, "self-rated-health", valueInteger=int(truth["self_rated_health"]))
    yield result(person, before, OURS, "walking-aid", valueBoolean=bool(truth["walking_aid"]))
    yield result(person, before, OURS, "course-finished", valueBoolean=bool(truth["course_finished"]))
    yield result(person, before, LOINC, PHYSICAL_FUNCTION, valueQuantity=points(46))
    told = {"C50.919": 1.0, "I50.9": truth["dx_heart_failure"], "E11.9": truth["dx_diabetes"]}
    for code in (code for code, present in told.items() if present):
        yield condition(person, code, before)
