"""The command `stride models`, as somebody at a prompt meets it."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import pytest

from fhirapp.commands import models
from models.artifact import INSTALLED
from models.booster import load_estimators
from models.training.recipe import RECIPES
from models.training.table import columns_for
from tests.builders import a_snapshot
from tests.models.training.builders import a_table

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def call(root: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    models.add(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["models", "--models", str(root), *words])
    code: int = arguments.run(arguments)
    return code


@pytest.fixture
def root(tmp_path) -> Path:
    return Path(shutil.copytree(INSTALLED, tmp_path / "artifacts"))


def test_the_installed_models_are_listed_with_the_one_in_use_marked(capsys):
    assert call(INSTALLED, "list") == 0
    shown = capsys.readouterr().out
    assert "* risk       r2" in shown
    assert "* adherence  r2" in shown
    assert "AUC 0.86" in shown


def test_a_damaged_model_is_listed_as_refused_with_its_reason(root, capsys):
    (root / "risk/r2/model.txt").write_text("tree", encoding="ascii")
    assert call(root, "list") == 1
    assert "REFUSED" in capsys.readouterr().out


def test_show_prints_the_card(capsys):
    assert call(INSTALLED, "show", "risk") == 0
    assert capsys.readouterr().out == (INSTALLED / "risk/r2/CARD.md").read_text(encoding="utf-8")


def test_a_retired_model_answers_nothing_until_a_version_is_promoted_again(root, capsys):
    assert call(root, "retire", "risk") == 0
    assert load_estimators(root).risk(a_snapshot()) is None
    assert load_estimators(root).adherence(a_snapshot()) is not None
    assert call(root, "list") == 0
    assert "retired" in capsys.readouterr().out
    assert call(root, "promote", "risk", "r2") == 0
    assert load_estimators(root).risk(a_snapshot()) is not None


def test_a_version_that_is_not_fit_is_not_promoted(root, capsys):
    shutil.copytree(root / "risk/r2", root / "risk/r3")
    (root / "risk/r3/model.txt").write_text("tree", encoding="ascii")
    assert call(root, "promote", "risk", "r3") == 2
    assert "is not the file that was trained" in capsys.readouterr().err
    assert json.loads((root / "current.json").read_text(encoding="utf-8"))["risk"] == "r2"


def test_a_version_that_does_not_exist_is_said_to_be_missing(root, capsys):
    assert call(root, "show", "risk", "--version", "r9") == 2
    assert "cannot be read" in capsys.readouterr().err


def test_people_like_those_of_the_training_are_alike_and_others_are_not(root, tmp_path, capsys):
    assert call(root, "drift", "risk", str(a_table(tmp_path / "t.csv", people=300))) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("risk r2, 300 people")
    # In the made-up table three in ten have any one disease or aid; in the training far fewer.
    assert next(line for line in lines if "walking_aid" in line).split()[0] != "alike"
    assert any(" score " in line for line in lines)
    indices = [float(line.split()[1]) for line in lines[1:]]
    assert indices == sorted(indices, reverse=True)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["risk", "adherence"])
def test_the_training_table_has_not_drifted_from_itself(capsys, name):
    path = SHARED / RECIPES[name].table
    if not path.exists():
        pytest.skip("needs ../shared beside the checkout")
    assert call(INSTALLED, "drift", name, str(path)) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    # The uptake table has people without a label, who were not in the training: alike, but not the same.
    assert {line.split()[0] for line in lines} == {"alike"}


def test_a_table_of_nobody_is_refused(root, tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text(",".join(columns_for(RECIPES["risk"].spec.features)) + "\n", encoding="utf-8")
    assert call(root, "drift", "risk", str(path)) == 2
    assert "nobody is in it" in capsys.readouterr().err
