"""Reads a training table; each row becomes a snapshot, so that training and serving share one feature code."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import TrainingRefused
from models.features import EDUCATION, PARTNER, SMOKING, features_named, row_of
from models.snapshot import Fact, Gap, PatientSnapshot, Reading, Sex, When

Record = Mapping[str, str]
Column = NDArray[np.float64]

AS_OF: Final = datetime(2020, 1, 1, tzinfo=UTC)  # every row is looked at on one day; its values are of that day
_NOW: Final = When(AS_OF, AS_OF)

# column: alias, lowest, highest that a person can have. A chart's own limits are narrower: what lies between is
# a real person whom a chart would not show, and so unknown to the model.
_NUMBERS: Final = {
    "weight_kg": ("weight", 10.0, 700.0),
    "height_cm": ("height", 50.0, 280.0),
    "body_mass_index": ("bmi", 5.0, 250.0),
    "waist_circumference_cm": ("waist", 20.0, 400.0),
    "self_rated_health_1_excellent_5_poor": ("self_rated_health", 1.0, 5.0),
    "income_to_poverty_ratio": ("income_to_poverty_ratio", 0.0, 5.0),
    "gym_days_prior_year": ("attended_days_past_year", 0.0, 366.0),
}
_ANSWERS: Final = {
    "mobility_limitation": "mobility_limitation",
    "uses_walking_equipment": "walking_aid",
    "hospital_overnight_past_year": "hospital_overnight",
}
# Tables that tell less of a person: the column that stands in, and what its words stand for. The middles are chosen so
# that the trees cut where the bands meet, at 37 and at 50.
_INSTEAD: Final = {"person_id": "row_id", "age_years": "age_band"}
_AGE_BANDS: Final = {"under_37": 30.0, "37_to_49": 43.0, "50_and_over": 56.0}
_ENROLLED: Final = "completed_risk_assessment_2016"  # who never enrolled has finished nothing and broken nothing off
_COURSE: Final = "completed_fall_2016_activity"
_CODES: Final = {
    "smoking_status": ("smoking", SMOKING),
    "education_level": ("education", EDUCATION),
    "marital_status": ("marital_status", PARTNER),
}
_DIAGNOSES: Final = {
    "dx_heart_failure": "vs.hf",
    "dx_coronary_heart_disease": "vs.cad",
    "dx_stroke": "vs.stroke",
    "dx_diabetes": "vs.diabetes",
    "dx_copd": "vs.copd",
    "dx_hypertension": "vs.hypertension",
    "dx_hypercholesterolaemia": "vs.hypercholesterolaemia",
    "dx_asthma": "vs.asthma",
    "dx_arthritis": "vs.arthritis",
    "dx_liver_disease": "vs.liver_disease",
    "dx_thyroid_disease": "vs.thyroid_disease",
    "dx_cancer": "vs.cancer",
    "on_insulin": "vs.insulin",
}
# Asked beside coronary disease in some survey cycles only: a yes counts, a blank is not a doubt.
_MORE_DIAGNOSES: Final = {"dx_angina": "vs.cad", "dx_myocardial_infarction": "vs.mi"}

# feature: the columns it is made of; where the name differs
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "waist_cm": ("waist_circumference_cm",),
    "smoking": ("smoking_status",),
    "dx_coronary_disease": ("dx_coronary_heart_disease", *_MORE_DIAGNOSES),
    "years_since_cancer_diagnosis": ("dx_cancer", "years_since_cancer_diagnosis"),
    "self_rated_health": ("self_rated_health_1_excellent_5_poor",),
    "mobility_limitation": ("mobility_limitation", "uses_walking_equipment"),
    "walking_aid": ("uses_walking_equipment",),
    "lives_with_partner": ("marital_status",),
    "education": ("education_level",),
    "course_finished": (_ENROLLED, _COURSE),
    "attended_days_past_year": ("gym_days_prior_year",),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table as a model sees it; row `i` of everything is the same person."""

    rows: NDArray[np.float64]  # (n, features), unknown is NaN
    label: Column  # (n,), 0 or 1; empty when no label was asked for
    person: tuple[str, ...]
    records: tuple[Record, ...]  # as read; for subgroups and weights only
    sha256: str  # of the file
    weight: Column | None = None  # (n,), mean 1: what each counts for where others went out of sight

    def __len__(self) -> int:
        return len(self.records)


def read_table(path: Path, features: Sequence[str], label: str | None = None) -> Table:
    """A table in the layout of the data dictionary.

    When a label is asked for, rows without one are left out, and those of people who never enrolled in a programme.

    Raises `TrainingRefused` for a missing column, an unknown word or an impossible value, with its row.
    """
    content = _content(path)
    records = _records(path, content, features, label)
    columns = features_named(features)
    rows = [row_of(columns, snapshot_of(record, where))[0] for where, record in records]
    return Table(
        rows=np.array(rows, dtype=np.float64).reshape(len(rows), len(features)),
        label=np.array([_flag(r, label, where) for where, r in records] if label else [], dtype=np.float64),
        person=tuple(id_of(record) for _, record in records),
        records=tuple(record for _, record in records),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def records_of(path: Path, features: Sequence[str]) -> Iterator[tuple[str, Record]]:
    """The place and the cells of each row of a table that has the columns for these features."""
    yield from _records(path, _content(path), features, None)


def columns_for(features: Sequence[str], header: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns that a table with this header must have for these features."""
    wanted = ["person_id", *(column for name in features for column in _COLUMNS.get(name, (name,)))]
    found = (_INSTEAD[c] if c not in header and _INSTEAD.get(c) in header else c for c in wanted)
    return tuple(dict.fromkeys(found))


def id_of(record: Record) -> str:
    """Who a row is of."""
    return record.get("person_id") or record.get("row_id", "")


def snapshot_of(record: Record, where: str = "row") -> PatientSnapshot:
    """The chart that would hold exactly what this row holds; a blank is unknown, never "no"."""
    readings = {reading.alias: (reading,) for reading in _readings(record, where)}
    facts, faults = _facts(record, where)
    return PatientSnapshot(
        patient_id=id_of(record) or where,
        as_of=AS_OF,
        birth=_birth(record, where),
        sex=_sex(record, where),
        values=readings,
        facts=facts,
        faults=faults,
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrainingRefused(f"{path}: cannot be read ({error.strerror})") from error


def _records(path: Path, content: bytes, features: Sequence[str], label: str | None) -> list[tuple[str, Record]]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        found = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise TrainingRefused(f"{path}: not a CSV table in UTF-8 ({error})") from error
    wanted = [*columns_for(features, reader.fieldnames or ()), *([label] if label else [])]
    absent = [column for column in wanted if column not in (reader.fieldnames or ())]
    if absent:
        raise TrainingRefused(f"{path}: columns are missing: {', '.join(absent)}")
    numbered = [(f"{path.name}, row {n}", record) for n, record in enumerate(found, start=2)]
    for where, record in numbered:
        if None in record or None in record.values():
            raise TrainingRefused(f"{where}: has more or fewer cells than the header")
    return [(where, r) for where, r in numbered if not label or (r[label] != "" and r.get(_ENROLLED, "1") == "1")]


def _readings(record: Record, where: str) -> Iterator[Reading]:
    for column, (alias, low, high) in _NUMBERS.items():
        number = _number(record, column, where, low, high)
        if number is not None:
            yield Reading(alias, number, "", _NOW, f"{where}#{column}")
    for column, alias in _ANSWERS.items():
        flag = _flag(record, column, where)
        if flag == flag:
            yield Reading(alias, bool(flag), "", _NOW, f"{where}#{column}", patient_reported=True)
    if record.get(_ENROLLED) == "1" and (course := _flag(record, _COURSE, where)) == course:
        yield Reading("course_finished", bool(course), "", _NOW, f"{where}#{_COURSE}")
    for column, (alias, scale) in _CODES.items():
        word = record.get(column, "")
        if word and word not in scale:
            raise TrainingRefused(f"{where}: {column} does not know {word!r}")
        if word:
            yield Reading(alias, word, "", _NOW, f"{where}#{column}")


def _facts(record: Record, where: str) -> tuple[dict[str, tuple[Fact, ...]], tuple[Gap, ...]]:
    facts: dict[str, tuple[Fact, ...]] = {}
    faults = []
    for column, value_set in (*_DIAGNOSES.items(), *_MORE_DIAGNOSES.items()):
        flag = _flag(record, column, where)
        if flag == 1:
            facts.setdefault(value_set, (_fact(value_set, column, record, where),))
        elif flag != flag and column in _DIAGNOSES:
            faults.append(Gap(value_set, "unread", text=f"{column} is blank"))
    return facts, tuple(faults)


def _fact(value_set: str, column: str, record: Record, where: str) -> Fact:
    source, start = f"{where}#{column}", None
    if value_set == "vs.insulin":
        return Fact(value_set, "order", "", column, column, source, details={"drug": "insulin"})
    if value_set == "vs.cancer":
        years = _number(record, "years_since_cancer_diagnosis", where, 0, 120)
        start = None if years is None else _years_ago(years)
    return Fact(value_set, "condition", "", column, column, source, start=start)


def _birth(record: Record, where: str) -> When | None:
    band = record.get("age_band", "")
    if band and band not in _AGE_BANDS:
        raise TrainingRefused(f"{where}: age_band does not know {band!r}")
    age = _AGE_BANDS.get(band) or _number(record, "age_years", where, 0, 120)
    return None if age is None else _years_ago(age)


def _sex(record: Record, where: str) -> Sex | None:
    flag = _flag(record, "sex_female", where)
    return None if flag != flag else ("female" if flag else "male")


def _years_ago(years: float) -> When:
    day = AS_OF.replace(year=AS_OF.year - int(years))
    return When(day, day)


def _number(record: Record, column: str, where: str, low: float, high: float) -> float | None:
    text = record.get(column, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise TrainingRefused(f"{where}: {column} is {text!r}, not a number") from None
    if not low <= value <= high:
        raise TrainingRefused(f"{where}: {column} is {text}, outside {low:g} to {high:g}")
    return value


def _flag(record: Record, column: str, where: str) -> float:
    value = _number(record, column, where, 0, 1)
    if value is not None and value not in (0, 1):
        raise TrainingRefused(f"{where}: {column} is {value:g}, neither 0 nor 1")
    return float("nan") if value is None else value
