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
from tests.builders import a_snapshot


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
    assert "* risk       r1" in shown
    assert "* adherence  r1" in shown
    assert "AUC 0.86" in shown


def test_a_damaged_model_is_listed_as_refused_with_its_reason(root, capsys):
    (root / "risk/r1/model.txt").write_text("tree", encoding="ascii")
    assert call(root, "list") == 1
    assert "REFUSED" in capsys.readouterr().out


def test_show_prints_the_card(capsys):
    assert call(INSTALLED, "show", "risk") == 0
    assert capsys.readouterr().out == (INSTALLED / "risk/r1/CARD.md").read_text(encoding="utf-8")


def test_a_retired_model_answers_nothing_until_a_version_is_promoted_again(root, capsys):
    assert call(root, "retire", "risk") == 0
    assert load_estimators(root).risk(a_snapshot()) is None
    assert load_estimators(root).adherence(a_snapshot()) is not None
    assert call(root, "list") == 0
    assert "retired" in capsys.readouterr().out
    assert call(root, "promote", "risk", "r1") == 0
    assert load_estimators(root).risk(a_snapshot()) is not None


def test_a_version_that_is_not_fit_is_not_promoted(root, capsys):
    shutil.copytree(root / "risk/r1", root / "risk/r2")
    (root / "risk/r2/model.txt").write_text("tree", encoding="ascii")
    assert call(root, "promote", "risk", "r2") == 2
    assert "is not the file that was trained" in capsys.readouterr().err
    assert json.loads((root / "current.json").read_text(encoding="utf-8"))["risk"] == "r1"


def test_a_version_that_does_not_exist_is_said_to_be_missing(root, capsys):
    assert call(root, "show", "risk", "--version", "r9") == 2
    assert "cannot be read" in capsys.readouterr().err
