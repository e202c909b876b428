"""The published benchmark: its folds, its weights, and figures near what was published."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np
import pytest

from models.errors import TrainingRefused
from models.training import benchmark
from models.training.benchmark import FOLDS, SETS, WITH_ACTIVITY, benchmark_text, read_people

TABLE = Path(__file__).parents[3].parent / "shared" / "data" / "risk_benchmark_nhanes_2003_2006.csv"


def a_benchmark_table(path: Path, people: int = 300) -> Path:
    """Made-up people of whom the inactive die."""
    dice = random.Random(5)
    rows = []
    for _ in range(people):
        activity = dice.uniform(0, 10)
        row = {name: f"{dice.random():.3f}" for names in SETS.values() for name in names}
        row |= {"smoking_status": "never", "alcohol_status": "missing", "education_level_3": "high_school"}
        row |= {"bmi_category": "obese", WITH_ACTIVITY[0]: f"{activity:.3f}"}
        row |= {
            "died_within_5_years": str(int(activity < 3)),
            "survey_weight_adjusted": f"{dice.uniform(0.5, 1.5):.3f}",
        }
        rows.append(row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_what_decides_is_found_and_what_does_not_is_not(tmp_path):
    people = read_people(a_benchmark_table(tmp_path / "t.csv"))
    found = benchmark.benchmark(people, seed=1)
    assert set(found) == set(SETS)
    for way in ("logistic", "trees"):
        assert found["total activity alone"][way][0] > 0.98
        assert 0.3 < found["age alone"][way][0] < 0.7
    text = benchmark_text(people, found)
    assert "0.838" in text
    assert "not a model that is shipped" in text


def test_each_fold_has_its_share_of_deaths():
    label = np.array([1.0] * 40 + [0.0] * 400)
    fold = benchmark._blocks(label, seed=3)
    assert [int(label[fold == one].sum()) for one in range(FOLDS)] == [4] * FOLDS
    assert np.bincount(fold).tolist() == [44] * FOLDS


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "too few people"), ("a,b\n1,2\n", "is not the benchmark table"), (None, "cannot be read")],
)
def test_another_table_is_refused(tmp_path, content, message):
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(TrainingRefused, match=message):
        read_people(path)


@pytest.mark.shared
def test_the_shared_people_come_near_what_was_published():
    if not TABLE.exists():
        pytest.skip("needs ../shared beside the checkout")
    found = benchmark.benchmark(read_people(TABLE), seed=1)
    # Three quarters of the published people: the published figure lies in the interval of the trees.
    low, high = found["thirteen variables with activity"]["trees"][1:]
    assert low <= 0.838 <= high
    low, high = found["total activity alone"]["logistic"][1:]
    assert low <= 0.771 <= high
