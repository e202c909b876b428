"""The command `stride score`: a table in, a score or a reason a person out."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path

import pytest

from fhirapp.commands import score
from models.booster import load_estimators
from models.risk import RISK
from models.training.recipe import RECIPES
from models.training.table import columns_for, snapshot_of
from tests.models.training.builders import a_table

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    score.add(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["score", *words])
    code: int = arguments.run(arguments)
    return code


def scores(text: str) -> dict[str, str]:
    return {row["person_id"]: row["score"] for row in csv.DictReader(io.StringIO(text))}


@pytest.mark.parametrize("name", ["risk", "adherence"])
def test_everybody_gets_the_estimate_that_a_chart_would_give(tmp_path, capsys, name):
    path = a_table(tmp_path / "t.csv", people=20)
    assert call(name, str(path)) == 0
    shown = capsys.readouterr()
    found, estimators = scores(shown.out), load_estimators()
    with path.open(encoding="utf-8") as file:
        expected = {r["person_id"]: estimators.estimate(name, snapshot_of(r)).probability for r in csv.DictReader(file)}
    assert found == {person: f"{probability:.6f}" for person, probability in expected.items()}
    assert shown.out.startswith("person_id,score\n")
    assert "20 scored, 0 not" in shown.err


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("age_years", "", "row 2: Not estimated: the age is not known"),
        ("sex_female", "", "row 2: Not estimated: the model was trained on people recorded as female or male"),
        ("age_years", "39", "row 2: Not estimated: the model was trained on people of 40 years and older"),
        ("age_years", "-5", "row 2: age_years is -5, outside"),
        ("smoking_status", "pipe", "does not know 'pipe'"),
        ("dx_stroke", "7", "dx_stroke is 7"),
    ],
)
def test_a_person_who_must_not_be_scored_has_no_number_and_a_reason(tmp_path, capsys, column, cell, reason):
    assert call("risk", str(a_table(tmp_path / "t.csv", people=3, **{column: cell}))) == 0
    shown = capsys.readouterr()
    assert scores(shown.out)["100000"] == ""
    assert all(scores(shown.out)[person] for person in ("100001", "100002"))
    assert reason in shown.err
    assert "2 scored, 1 not" in shown.err


def test_columns_that_no_model_reads_need_not_be_there(tmp_path, capsys):
    wide = a_table(tmp_path / "wide.csv", people=4)
    with wide.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    narrow = tmp_path / "narrow.csv"
    with narrow.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns_for(RISK.features), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    assert call("risk", str(narrow)) == 0
    narrow_out = capsys.readouterr().out
    assert call("risk", str(wide)) == 0
    assert capsys.readouterr().out == narrow_out


def test_a_table_without_its_columns_is_refused_by_name_and_nothing_is_printed(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("person_id,age_years\n1,60\n", encoding="utf-8")
    assert call("risk", str(path)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "columns are missing: sex_female" in shown.err


def test_the_scores_can_go_to_a_file(tmp_path, capsys):
    path = a_table(tmp_path / "t.csv", people=3)
    assert call("risk", str(path), "--out", str(tmp_path / "s.csv")) == 0
    assert len(scores((tmp_path / "s.csv").read_text(encoding="utf-8"))) == 3
    assert call("risk", str(path), "--out", str(tmp_path / "nowhere" / "s.csv")) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.shared
@pytest.mark.parametrize("name", ["risk", "adherence"])
def test_nobody_of_the_training_tables_is_refused(tmp_path, capsys, name):
    path = SHARED / RECIPES[name].table
    if not path.exists():
        pytest.skip("needs ../shared beside the checkout")
    assert call(name, str(path), "--out", str(tmp_path / "s.csv")) == 0
    assert ", 0 not" in capsys.readouterr().err
