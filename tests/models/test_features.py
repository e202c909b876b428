"""What a model sees of one patient: unknown stays unknown, and training and serving see the same."""

from __future__ import annotations

import dataclasses
import math
import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.adherence import ADHERENCE
from models.features import EDUCATION, FEATURES, PARTNER, SMOKING, features_named, row_of
from models.risk import RISK
from models.snapshot import Gap
from models.training.table import snapshot_of
from tests.builders import a_fact, a_reading, a_snapshot, a_when


def value(name: str, *readings, **more) -> float:
    return FEATURES[name].read(a_snapshot(*readings, **more))


def unknown(number: float) -> bool:
    return math.isnan(number)


def test_an_empty_chart_has_age_and_sex_and_nothing_else_but_its_empty_problem_list():
    known = {
        name: feature.read(a_snapshot(cancer=False, answered=False))
        for name, feature in FEATURES.items()
        if not unknown(feature.read(a_snapshot(cancer=False, answered=False)))
    }
    assert known.pop("age_years") == 58
    assert known.pop("sex_female") == 1
    assert set(known) == {name for name in FEATURES if name.startswith("dx_")} | {"on_insulin"}
    assert set(known.values()) == {0}


def test_an_unread_problem_list_is_not_a_healthy_one():
    snapshot = a_snapshot(cancer=False, unread=frozenset({"conditions"}))
    assert all(unknown(FEATURES[name].read(snapshot)) for name in FEATURES if name.startswith("dx_"))


def test_a_diagnosis_found_in_a_partly_read_problem_list_counts():
    assert value("dx_stroke", facts=[a_fact("vs.stroke")], unread=frozenset({"conditions"})) == 1


def test_an_unread_medication_list_leaves_insulin_unknown():
    assert unknown(value("on_insulin", unread=frozenset({"medications"})))


def test_a_diagnosis_that_could_not_be_read_is_unknown_while_others_are_not():
    faults = (Gap("vs.copd", "unread"),)
    assert unknown(value("dx_copd", faults=faults))
    assert value("dx_stroke", faults=faults) == 0


def test_a_broken_entry_of_the_problem_list_might_have_been_any_diagnosis():
    assert unknown(value("dx_copd", faults=(Gap("conditions", "unread"),)))
    assert value("dx_copd", faults=(Gap("conditions", "conflict"),)) == 0


@pytest.mark.parametrize(
    ("word", "more", "expected"),
    [
        ("active", {}, 1.0),
        ("history", {"state": "history"}, 1.0),
        ("planned", {"state": "planned"}, 0.0),
        ("provisional", {"confirmed": False}, math.nan),
        ("in the future", {"start": a_when(days_ago=-40)}, 0.0),
    ],
)
def test_which_condition_counts_as_ever_diagnosed(word, more, expected):
    found = value("dx_heart_failure", facts=[a_fact("vs.hf", **more)])
    assert found == pytest.approx(expected, nan_ok=True), word


@pytest.mark.parametrize(
    ("word", "more", "expected"),
    [
        ("insulin now", {"details": {"drug": "insulin glargine"}}, 1.0),
        ("a tablet of the same value set", {"details": {"drug": "glipizide"}}, 0.0),
        ("the set alone", {}, 1.0),
        ("ended", {"details": {"drug": "insulin glargine"}, "end": a_when(days_ago=3)}, 0.0),
        ("was on it", {"details": {"drug": "insulin glargine"}, "state": "history"}, 0.0),
    ],
)
def test_insulin_is_insulin_that_is_taken_now(word, more, expected):
    assert value("on_insulin", facts=[a_fact("vs.insulin", kind="order", **more)]) == expected, word


@pytest.mark.parametrize(
    ("word", "reading", "expected"),
    [
        ("fresh", a_reading("weight", 70, days_ago=30), 70.0),
        ("on the last day", a_reading("weight", 70, days_ago=182), 70.0),
        ("too old", a_reading("weight", 70, days_ago=200), math.nan),
        ("impossible", a_reading("weight", 700), math.nan),
        ("preliminary", a_reading("weight", 70, status="preliminary"), math.nan),
        ("more than", a_reading("weight", 70, comparator=">"), math.nan),
        ("a word", a_reading("weight", "heavy"), math.nan),
        ("a yes", a_reading("weight", True), math.nan),
        ("tomorrow", a_reading("weight", 70, hours_ago=-20), math.nan),
    ],
)
def test_which_reading_a_model_may_use(word, reading, expected):
    assert value("weight_kg", reading) == pytest.approx(expected, nan_ok=True), word


def test_an_unusable_newest_reading_does_not_hide_the_one_before():
    before = a_reading("weight", 70, days_ago=20)
    assert value("weight_kg", a_reading("weight", 71, status="preliminary"), before) == 70


def test_body_mass_index_comes_from_weight_and_height_only_when_they_belong_together():
    weight = a_reading("weight", 80, days_ago=10)
    assert value("body_mass_index", weight, a_reading("height", 200, days_ago=60)) == 20
    assert unknown(value("body_mass_index", weight, a_reading("height", 200, days_ago=300)))
    assert value("body_mass_index", a_reading("bmi", 23, days_ago=1), weight) == 23


@pytest.mark.parametrize(("name", "alias", "scale"), [("smoking", "smoking", SMOKING),
    ("education", "education", EDUCATION), ("lives_with_partner", "marital_status", PARTNER)])  # fmt: skip
def test_a_code_is_its_place_on_the_scale_and_an_unknown_code_is_no_place(name, alias, scale):
    assert all(value(name, a_reading(alias, code)) == place for code, place in scale.items())
    assert unknown(value(name, a_reading(alias, "266927001")))


def test_a_walking_aid_is_a_limitation_and_its_absence_says_nothing():
    assert value("mobility_limitation", a_reading("walking_aid", True)) == 1
    assert unknown(value("mobility_limitation", a_reading("walking_aid", False)))
    assert value("mobility_limitation", a_reading("mobility_limitation", False), a_reading("walking_aid", True)) == 0


def test_a_hospital_stay_counts_for_a_year_and_its_absence_must_be_told():
    def stay(days_ago):
        return [a_fact("vs.inpatient", kind="encounter", days_ago=days_ago)]

    assert value("hospital_overnight_past_year", facts=stay(300)) == 1
    assert unknown(value("hospital_overnight_past_year", facts=stay(400)))
    assert value("hospital_overnight_past_year", a_reading("hospital_overnight", False)) == 0


def test_years_since_cancer_run_from_the_latest_dated_diagnosis():
    first, second = a_fact("vs.cancer", days_ago=4000), a_fact("vs.cancer", days_ago=900)
    assert value("years_since_cancer_diagnosis", facts=[first, second], cancer=False) == 2
    assert unknown(value("years_since_cancer_diagnosis", facts=[a_fact("vs.cancer", days_ago=None)], cancer=False))


def test_everybody_of_eighty_and_over_is_eighty_as_in_training():
    snapshot = a_snapshot()
    old = dataclasses.replace(snapshot, as_of=snapshot.as_of + timedelta(days=40 * 366))
    assert FEATURES["age_years"].read(old) == 80
    assert FEATURES["age_years"].say(80).render() == "80 years or older"


@pytest.mark.parametrize("sex", ["other", None])
def test_a_sex_that_was_not_in_training_is_unknown(sex):
    assert unknown(FEATURES["sex_female"].read(a_snapshot(sex=sex)))


def test_race_and_ethnicity_are_no_features():
    assert not [name for name in FEATURES if "race" in name or "ethnic" in name]


@pytest.mark.parametrize("spec", [RISK, ADHERENCE], ids=lambda spec: spec.name)
def test_a_model_names_only_features_of_the_table_and_each_once(spec):
    assert len(set(spec.features)) == len(spec.features)
    assert set(spec.monotone) <= set(spec.features) <= set(FEATURES)
    assert set(spec.needed) <= set(spec.features)


@pytest.mark.parametrize("feature", FEATURES.values(), ids=lambda feature: feature.name)
def test_every_feature_is_said_in_words_for_every_value_it_can_have(feature):
    for number in (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 27.5, 80.0):
        said = feature.say(number).render()
        assert said
        assert "{" not in said
        assert "nan" not in said


ROWS = st.fixed_dictionaries(
    {
        "person_id": st.integers(1, 10**6).map(str),
        "age_years": st.integers(20, 80).map(str),
        "sex_female": st.sampled_from(["0", "1"]),
        "weight_kg": st.one_of(st.just(""), st.floats(30, 300).map(lambda v: f"{v:.1f}")),
        "height_cm": st.one_of(st.just(""), st.floats(120, 220).map(lambda v: f"{v:.1f}")),
        "body_mass_index": st.one_of(st.just(""), st.floats(12, 80).map(lambda v: f"{v:.2f}")),
        "smoking_status": st.sampled_from(["", "never", "former", "current"]),
        "marital_status": st.sampled_from(["", "married", "widowed"]),
        "education_level": st.sampled_from(["", *EDUCATION]),
        "income_to_poverty_ratio": st.one_of(st.just(""), st.floats(0, 5).map(lambda v: f"{v:.2f}")),
        "self_rated_health_1_excellent_5_poor": st.sampled_from(["", "1", "3", "5"]),
        **{
            column: st.sampled_from(["", "0", "1"])
            for column in (
                "dx_heart_failure",
                "dx_coronary_heart_disease",
                "dx_angina",
                "dx_myocardial_infarction",
                "dx_stroke",
                "dx_diabetes",
                "dx_copd",
                "dx_cancer",
                "on_insulin",
                "mobility_limitation",
                "uses_walking_equipment",
                "hospital_overnight_past_year",
            )
        },
        "years_since_cancer_diagnosis": st.sampled_from(["", "0", "1", "7", "19"]),
    }
)

PLAIN = {
    "age_years": "age_years",
    "sex_female": "sex_female",
    "weight_kg": "weight_kg",
    "height_cm": "height_cm",
    "dx_heart_failure": "dx_heart_failure",
    "dx_stroke": "dx_stroke",
    "dx_diabetes": "dx_diabetes",
    "dx_copd": "dx_copd",
    "dx_cancer": "dx_cancer",
    "on_insulin": "on_insulin",
    "self_rated_health": "self_rated_health_1_excellent_5_poor",
    "walking_aid": "uses_walking_equipment",
    "hospital_overnight_past_year": "hospital_overnight_past_year",
    "income_to_poverty_ratio": "income_to_poverty_ratio",
}


@given(record=ROWS)
def test_a_row_of_a_table_gives_its_own_values_through_the_serving_code(record):
    row = dict(zip(FEATURES, row_of(tuple(FEATURES.values()), snapshot_of(record))[0], strict=True))
    for name, column in PLAIN.items():
        told = float(record[column]) if record[column] else math.nan
        assert row[name] == pytest.approx(told, nan_ok=True), name
    assert row["smoking"] == pytest.approx(SMOKING.get(record["smoking_status"], math.nan), nan_ok=True)


@pytest.mark.parametrize(
    ("heart", "angina", "infarction", "expected"),
    [("0", "", "", 0.0), ("0", "1", "", 1.0), ("0", "0", "1", 1.0), ("", "0", "0", math.nan), ("", "", "1", 1.0)],
)
def test_coronary_disease_is_any_of_three_and_unknown_only_without_the_first(heart, angina, infarction, expected):
    record = {
        "age_years": "60",
        "dx_coronary_heart_disease": heart,
        "dx_angina": angina,
        "dx_myocardial_infarction": infarction,
    }
    assert FEATURES["dx_coronary_disease"].read(snapshot_of(record)) == pytest.approx(expected, nan_ok=True)


def test_the_row_of_a_model_has_its_features_in_its_own_order():
    features = features_named(("sex_female", "age_years"))
    row = row_of(features, a_snapshot())
    assert row.shape == (1, 2)
    assert row.dtype == np.float64
    assert row[0].tolist() == [1, 58]


@pytest.mark.parametrize(
    "value_set", sorted({name for feature in FEATURES.values() for name in re.findall(r"vs\.\w+", feature.fhir)})
)
def test_the_reading_room_knows_every_value_set_that_a_feature_reads(value_set):
    # A set that nobody fills would read as "no such diagnosis": a false all-clear.
    room = Path(__file__).parents[2] / "mappings"
    files = [*room.rglob("*.yaml"), *room.rglob("*.py")]
    assert any(re.search(rf"{re.escape(value_set)}\b", path.read_text(encoding="utf-8")) for path in files)
