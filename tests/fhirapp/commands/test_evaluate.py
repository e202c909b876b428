"""The command `stride evaluate`, as somebody at a prompt meets it."""

from __future__ import annotations

import argparse

from fhirapp.commands import evaluate
from tests.models.training.builders import a_table


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    evaluate.add(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["evaluate", *words])
    code: int = arguments.run(arguments)
    return code


def test_it_writes_a_report_and_says_the_main_figures_and_where_it_is(tmp_path, capsys):
    path = a_table(tmp_path / "t.csv", people=200)
    assert call("risk", str(path), "--out", str(tmp_path / "report")) == 0
    shown = capsys.readouterr().out
    assert "AUC 0." in shown
    assert str(tmp_path / "report" / "report.md") in shown
    assert (tmp_path / "report" / "roc.svg").exists()


def test_a_table_that_cannot_be_used_is_said_in_one_line(tmp_path, capsys):
    assert call("risk", str(tmp_path / "none.csv"), "--out", str(tmp_path)) == 2
    assert "none.csv: cannot be read" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    path = a_table(tmp_path / "t.csv", people=200)
    assert call("risk", str(path), "--out", str(tmp_path / "file" / "report")) == 2
    assert "file" in capsys.readouterr().err
