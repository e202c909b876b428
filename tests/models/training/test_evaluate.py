"""A report on labelled people: cross-validated for those who were trained on, by the artifact itself for others."""

from __future__ import annotations

import csv
import json
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from models.artifact import open_artifact
from models.booster import Model
from models.errors import TrainingRefused
from models.risk import RISK
from models.training import curves, metrics
from models.training.evaluate import evaluate, write_report
from models.training.recipe import RISK_RECIPE
from models.training.report import auc_lost
from models.training.train import train
from tests.models.training.builders import a_recipe, a_table


def quiet(done: int, total: int, what: str) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    a_table(folder / "risk.csv")
    train(a_recipe(), folder, folder / "out", seed=3, progress=quiet)
    return folder, Model(open_artifact(RISK, folder / "out"))


def test_people_who_were_trained_on_get_the_cross_validated_figures_of_the_card(trained):
    folder, model = trained
    found = evaluate(a_recipe(), model, folder / "risk.csv", seed=3, progress=quiet)
    assert found.figures == model.artifact.meta["figures"]


def test_other_people_are_scored_by_the_model_as_it_is(trained, tmp_path):
    _, model = trained
    found = evaluate(a_recipe(), model, a_table(tmp_path / "new.csv", seed=99), seed=3, progress=quiet)
    assert "as it is" in found.figures["protocol"]
    assert "logistic_check" not in found.figures
    assert found.scores.probability[5] == pytest.approx(model.probability(found.table.rows[5:6]))
    assert 0.6 < found.figures["overall"]["auc"][0] < 0.95


def test_a_table_without_weights_and_audit_columns_is_measured_all_the_same(trained, tmp_path):
    _, model = trained
    rows = list(csv.DictReader(a_table(tmp_path / "new.csv", seed=99).open(encoding="utf-8")))
    with (tmp_path / "bare.csv").open("w", newline="", encoding="utf-8") as file:
        left = [name for name in rows[0] if not name.startswith(("survey", "race"))]
        writer = csv.DictWriter(file, left, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    found = evaluate(a_recipe(), model, tmp_path / "bare.csv", seed=3, progress=quiet)
    assert found.figures["overall"]["auc_survey_weighted"] is None
    assert {group["kind"] for group in found.figures["groups"]} == {"sex", "age", "cancer", "mobility"}
    report = write_report(a_recipe(), found, tmp_path / "report").read_text(encoding="utf-8")
    assert "no weights" in report


@pytest.mark.parametrize(("column", "cell"), [("age_years", "39"), ("age_years", ""), ("sex_female", "")])
def test_a_table_with_people_whom_the_model_must_not_score_is_refused(trained, tmp_path, column, cell):
    _, model = trained
    path = a_table(tmp_path / "new.csv", people=60, seed=99, **{column: cell})
    with pytest.raises(TrainingRefused, match="1 people must not be scored, such as: Not estimated"):
        evaluate(a_recipe(), model, path, seed=3, progress=quiet)


def test_a_table_in_which_nobody_has_the_outcome_is_refused(trained, tmp_path):
    _, model = trained
    path = a_table(tmp_path / "new.csv", people=1)
    with pytest.raises(TrainingRefused, match="needs people with and without died_within_5_years"):
        evaluate(a_recipe(), model, path, seed=3, progress=quiet)


def test_the_report_has_figures_pictures_and_what_may_not_be_claimed(trained, tmp_path):
    folder, model = trained
    found = evaluate(a_recipe(), model, folder / "risk.csv", seed=3, progress=quiet)
    report = write_report(a_recipe(), found, tmp_path)
    text = report.read_text(encoding="utf-8")
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")) == found.figures
    assert all(line in text for line in RISK_RECIPE.may_not_say)
    for name in ("roc.svg", "calibration.svg", "decision.svg", "groups.svg", "missing.svg", "importance.svg"):
        assert f"({name})" in text
        _check_picture(tmp_path / name)


def _check_picture(path: Path) -> None:
    """Well-formed, drawn with finite numbers only, and all of it inside the frame."""
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) >= 1
    for line in lines:
        for point in line.attrib["points"].split():
            x, y = (float(part) for part in point.split(","))
            assert math.isfinite(x)
            assert math.isfinite(y)
            assert -0.5 <= x <= width + 0.5
            assert -0.5 <= y <= height + 0.5


def test_shuffling_what_matters_costs_auc_and_shuffling_the_rest_does_not(trained):
    folder, model = trained
    for path in (folder / "risk.csv", a_table(folder / "new.csv", seed=99)):  # by folds, and by the model itself
        found = evaluate(a_recipe(), model, path, seed=3, progress=quiet)
        lost = auc_lost(found.table.label, found.scores)
        assert set(lost) == set(RISK.features)
        assert sorted(lost, key=lost.get)[-2:] in (
            ["mobility_limitation", "age_years"],
            ["age_years", "mobility_limitation"],
        )
        assert abs(lost["smoking"]) < 0.03 < lost["age_years"]


def test_the_area_under_the_drawn_roc_is_the_area_that_is_told():
    rng = np.random.default_rng(4)
    probability = np.round(rng.random(3000), 2)
    label = (rng.random(3000) < probability).astype(float)
    points = np.array(curves.roc(label, probability))
    drawn = np.sum(np.diff(points[:, 0]) * (points[1:, 1] + points[:-1, 1]) / 2)
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert drawn == pytest.approx(metrics.auc(label, probability).value, abs=0.002)


def test_a_tenth_of_people_has_its_rate_and_an_interval_around_it():
    label = np.array([0.0] * 50 + [1.0] * 50)
    bins = curves.calibration(label, np.linspace(0.01, 0.99, 100))
    assert [one.people for one in bins] == [10] * 10
    assert [one.observed for one in bins] == [0.0] * 5 + [1.0] * 5
    # Wilson's interval of 0 in 10 ends at 0.278.
    assert bins[0].low == 0
    assert bins[0].high == pytest.approx(0.2775, abs=0.001)
