"""The command `stride train`, as somebody at a prompt meets it."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from fhirapp.commands import train
from models.training import recipe as recipes
from tests.models.training.builders import a_recipe, a_table


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    train.add(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["train", *words])
    code: int = arguments.run(arguments)
    return code


def test_it_trains_shows_its_progress_and_says_where_the_card_is(tmp_path, monkeypatch, capsys):
    quick = dataclasses.replace(a_recipe(), table="risk.csv")
    monkeypatch.setitem(recipes.RECIPES, "risk", quick)
    a_table(tmp_path / "risk.csv")
    assert call("risk", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--seed", "2") == 0
    shown = capsys.readouterr().out
    assert "fold 3 of 3" in shown
    assert "AUC" in shown
    assert (tmp_path / "out/risk/r1/CARD.md").exists()


def test_a_folder_without_the_table_is_said_in_one_line(tmp_path, capsys):
    assert call("risk", "--data", str(tmp_path), "--out", str(tmp_path)) == 2
    shown = capsys.readouterr()
    assert "risk_ehr_nhanes_2003_2014.csv: cannot be read" in shown.err
    assert "Traceback" not in shown.err


def test_an_unknown_model_is_refused_and_the_known_ones_are_named(capsys):
    with pytest.raises(SystemExit):
        call("weather", "--data", ".")
    assert "risk" in capsys.readouterr().err
