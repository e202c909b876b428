"""The committed reports are those of the models in use: nobody wrote a figure by hand."""

from __future__ import annotations

import json
import re

import pytest

from models.artifact import INSTALLED, open_artifact
from models.catalogue import SPECS
from models.training.recipe import RECIPES
from tools.model_reports import REPORTS, overview

MOST_BYTES = 300_000


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_report_has_the_figures_of_the_card_and_the_recipe_is_that_of_the_model_in_use(name):
    artifact = open_artifact(SPECS[name])
    figures = json.loads((REPORTS / name / "figures.json").read_text(encoding="utf-8"))
    assert figures == artifact.meta["figures"]
    assert artifact.version == RECIPES[name].version


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_report_and_all_its_pictures_are_there(name):
    text = (REPORTS / name / "report.md").read_text(encoding="utf-8")
    pictures = re.findall(r"\((\w+\.svg)\)", text)
    assert len(pictures) == 6
    assert all((REPORTS / name / picture).exists() for picture in pictures)
    assert all(line in text for line in RECIPES[name].may_not_say)


def test_the_overview_is_what_the_reports_say():
    assert (REPORTS / "README.md").read_text(encoding="utf-8") == overview()


def test_the_benchmark_stands_beside_what_was_published():
    text = (REPORTS / "risk" / "report.md").read_text(encoding="utf-8")
    assert "0.838" in text
    assert "0.771" in text


@pytest.mark.parametrize("name", sorted(SPECS))
def test_an_artifact_is_small_and_the_only_one_of_its_model(name):
    versions = sorted((INSTALLED / name).iterdir())
    assert len(versions) == 1
    assert sum(path.stat().st_size for path in versions[0].iterdir()) < MOST_BYTES


# What issue 4 asks for, on people whom the scoring trees never saw.
def test_the_models_reach_what_was_asked():
    figures = {name: open_artifact(spec).meta["figures"] for name, spec in SPECS.items()}
    risk, groups = figures["risk"], {group["group"]: group for group in figures["risk"]["groups"]}
    assert risk["overall"]["auc"][0] >= 0.855
    assert risk["overall"]["brier"] <= 0.071
    assert 0.90 <= risk["overall"]["calibration_slope"] <= 1.10
    assert risk["missing"]["no patient-reported answers"]["auc"] >= 0.845
    assert 0.85 <= 1 / risk["missing"]["only age and sex"]["observed_over_expected"] <= 1.20
    assert groups["cancer survivors"]["auc"][0] >= 0.79
    assert figures["adherence"]["overall"]["auc"][0] >= 0.675
    assert figures["persistence"]["overall"]["auc"][0] >= 0.79
    for name in ("adherence", "persistence"):
        assert 0.85 <= figures[name]["overall"]["calibration_slope"] <= 1.15
