"""The later stages of adherence: who has come before is scored on that; nobody else is."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path

import pytest

from mappings.bundle import chart_of_bundle
from mappings.from_fhir.snapshot import snapshot_from
from models.booster import load_estimators
from models.errors import TrainingRefused
from models.features import features_named, row_of
from models.persistence import ATTENDANCE, PERSISTENCE
from models.training.table import read_table, snapshot_of
from tests.builders import ZONE, a_reading, a_snapshot

ESTIMATORS = load_estimators()
STRIDE = "https://w3id.org/stride-referral/fhir/CodeSystem/stride-observations"
TRIAL = {
    "row_id": "7",
    "age_band": "50_and_over",
    "sex_female": "1",
    "completed_risk_assessment_2016": "1",
    "completed_fall_2016_activity": "1",
    "completed_spring_2017_activity": "0",
}
GYM = {"row_id": "7", "age_band": "under_37", "sex_female": "0", "gym_days_prior_year": "31"}


def a_table(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("word", "readings", "stage"),
    [
        ("nothing is known of earlier visits", (), "adherence"),
        ("a course behind", (a_reading("course_finished", True),), "persistence"),
        ("a course broken off", (a_reading("course_finished", False),), "persistence"),
        ("days were counted", (a_reading("attended_days_past_year", 30),), "attendance"),
        (
            "both: the count says more",
            (a_reading("course_finished", True), a_reading("attended_days_past_year", 3)),
            "attendance",
        ),
        ("a course long ago", (a_reading("course_finished", True, days_ago=800),), "adherence"),
    ],
)
def test_the_stage_follows_from_what_is_known_of_attendance(word, readings, stage):
    assert ESTIMATORS.adherence(a_snapshot(*readings)).name == stage, word


def test_who_finished_is_likelier_to_go_on_and_the_reason_is_said():
    finished, broken = (
        ESTIMATORS.adherence(a_snapshot(a_reading("course_finished", told), sex="male")) for told in (True, False)
    )
    assert broken.probability < 0.25 < 0.5 < finished.probability
    assert (broken.band, finished.band) == ("low", "high")
    explained = ESTIMATORS.with_drivers(broken, a_snapshot(a_reading("course_finished", False), sex="male"))
    assert explained.drivers[0].text.render() == "Did not finish the last course"


def test_more_days_never_lower_the_estimate():
    found = [ESTIMATORS.adherence(a_snapshot(a_reading("attended_days_past_year", n))).probability for n in range(120)]
    assert found == sorted(found)
    assert found[0] < 0.05 < 0.5 < found[-1]


def test_employees_are_not_patients_so_confidence_is_always_low():
    assert ESTIMATORS.adherence(a_snapshot(a_reading("course_finished", True))).confidence == "low"


def test_a_row_of_the_trial_and_a_chart_say_the_same():
    def chart(code: str, **value: object) -> bytes:
        patient = {"resourceType": "Patient", "id": "p", "birthDate": "1964-01-01", "gender": "female"}
        told = {
            "resourceType": "Observation",
            "id": "o",
            "status": "final",
            "subject": {"reference": "Patient/p"},
            "code": {"coding": [{"system": STRIDE, "code": code}]},
            "effectiveDateTime": "2019-12-20",
            **value,
        }
        entries = [{"resource": patient}, {"resource": told}]
        return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()

    charts = (
        (PERSISTENCE, chart("course-finished", valueBoolean=True), TRIAL),
        (
            ATTENDANCE,
            chart("attended-days-past-year", valueInteger=31),
            {**GYM, "age_band": "50_and_over", "sex_female": "1"},
        ),
    )
    for spec, body, record in charts:
        columns = features_named(spec.features)
        from_chart = snapshot_from(chart_of_bundle(body), as_of=datetime(2020, 1, 1, 9, 30, tzinfo=ZONE))
        assert row_of(columns, from_chart).tolist() == row_of(columns, snapshot_of(record)).tolist()


def test_who_never_enrolled_is_not_trained_on_and_gets_no_number(tmp_path):
    path = a_table(tmp_path / "t.csv", TRIAL, {**TRIAL, "row_id": "8", "completed_risk_assessment_2016": "0"})
    assert read_table(path, PERSISTENCE.features, "completed_spring_2017_activity").person == ("7",)
    whole = read_table(path, PERSISTENCE.features)
    assert whole.person == ("7", "8")
    refused = ESTIMATORS.estimate("persistence", snapshot_of(whole.records[1]))
    assert refused.probability is None
    assert refused.refusal.render() == "Not estimated: no earlier course is on file"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({"age_band": "young"}, "age_band does not know 'young'"),
        ({"gym_days_prior_year": "400"}, "outside 0 to 366"),
        ({"gym_days_prior_year": "-1"}, "outside 0 to 366"),
    ],
)
def test_a_cell_that_cannot_be_is_refused(tmp_path, cell, message):
    with pytest.raises(TrainingRefused, match=message):
        read_table(a_table(tmp_path / "t.csv", {**GYM, **cell}), ATTENDANCE.features)
