"""Training writes an artifact that can be loaded, says how good it is, and comes out the same twice."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from models.artifact import open_artifact, promoted_versions
from models.errors import TrainingRefused
from models.risk import RISK
from models.training.recipe import ADHERENCE_RECIPE, RISK_RECIPE
from models.training.train import train
from tests.models.training.builders import a_recipe, a_table


def quiet(done: int, total: int, what: str) -> None:
    """Nobody watches."""


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    a_table(folder / "risk.csv")
    a_table(folder / "adherence.csv")
    return folder


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    return train(a_recipe(), data, tmp_path_factory.mktemp("artifacts"), seed=3, progress=quiet)


def test_the_same_table_and_seed_write_the_same_bytes(data, folder, tmp_path):
    again = train(a_recipe(), data, tmp_path, seed=3, progress=quiet)
    assert files_of(again) == files_of(folder)
    assert set(files_of(again)) == {"model.txt", "meta.json", "CARD.md"}


def test_another_seed_is_another_model_and_does_not_write_over_the_first(data, folder):
    before = files_of(folder)
    with pytest.raises(TrainingRefused, match="never changed"):
        train(a_recipe(), data, folder.parents[1], seed=4, progress=quiet)
    assert files_of(folder) == before


def test_training_again_over_the_same_artifact_is_harmless(data, folder):
    before = files_of(folder)
    train(a_recipe(), data, folder.parents[1], seed=3, progress=quiet)
    assert files_of(folder) == before


def test_the_first_version_becomes_current_and_a_second_waits(data, tmp_path):
    recipe = a_recipe()
    train(recipe, data, tmp_path, seed=3, progress=quiet)
    train(recipe, data, tmp_path, seed=4, version="r2", progress=quiet)
    train(a_recipe(ADHERENCE_RECIPE), data, tmp_path, seed=3, progress=quiet)
    assert promoted_versions(tmp_path) == {"risk": "r1", "adherence": "r1"}
    assert open_artifact(RISK, tmp_path, "r2").version == "r2"


def test_the_artifact_opens_and_finds_the_truth_of_its_table(folder):
    artifact = open_artifact(RISK, folder.parents[1])
    figures = artifact.meta["figures"]
    assert figures["people"] == 400
    assert 0.60 < figures["overall"]["auc"][0] < 0.95
    pushes = artifact.meta["importance"]
    assert sorted(pushes, key=pushes.get)[-2:] in (
        ["mobility_limitation", "age_years"],
        ["age_years", "mobility_limitation"],
    )


def test_a_group_too_small_for_a_figure_has_none(folder):
    groups = {group["group"]: group for group in open_artifact(RISK, folder.parents[1]).meta["figures"]["groups"]}
    assert groups["female"]["people"] + groups["male"]["people"] == 400
    assert all(("auc" in g) == (min(g["events"], g["people"] - g["events"]) >= 20) for g in groups.values())


def test_the_numbers_say_where_they_came_from(folder):
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    assert meta["seed"] == 3
    assert meta["code"] == version("stride-referral")
    assert len(meta["data"]["sha256"]) == 64
    assert [column["name"] for column in meta["features"]] == list(RISK.features)
    assert {"middle", "high", "meaning"} == set(meta["bands"])


def test_the_card_states_what_a_reader_must_know(folder):
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    for heading in ("Data and licence", "Groups", "When the chart is thin", "Limits", "What may not be claimed"):
        assert f"## {heading}" in card
    assert RISK_RECIPE.label_meaning in card
    assert all(line in card for line in (*RISK_RECIPE.limits, *RISK_RECIPE.may_not_say))


def test_the_trees_keep_every_constraint(folder):
    text = (folder / "model.txt").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("[monotone_constraints:"))
    given = [int(sign) for sign in line.strip("[]").split(":")[1].split(",")]
    assert given == [RISK.monotone.get(name, 0) for name in RISK.features]
