"""Training from a Bulk Data export finds what is true of a made-up hospital, and no more than was known on the day."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from fhirapp.commands import synth
from fhirapp.site_training import people_of, train_site
from fhirapp.synth import write_hospital
from fhirapp.synth_people import DEATH, log_odds_of_death, people
from mappings.bulk import files_in, histories
from models.adherence import ADHERENCE
from models.artifact import INSTALLED, open_artifact, promote, promoted_versions
from models.booster import Model, load_estimators
from models.errors import TrainingRefused
from models.purpose import Purpose
from models.risk import RISK
from models.training.metrics import auc
from models.training.recipe import ADHERENCE_RECIPE, RISK_RECIPE, Settings
from tests.builders import a_snapshot
from tests.models.training.builders import a_recipe

QUICK = a_recipe(
    RISK_RECIPE,
    candidates=(Settings(leaves=4, rounds=200, min_leaf=60, l2=5, rate=0.05),),
    inner_folds=2,
    outer_folds=2,
)
COUNT, SEED = 6000, 3
FIVE_YEARS = Purpose("risk", "death-5y")


def quiet(*told: object) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospital")
    write_hospital(folder, COUNT, SEED)
    return folder


@pytest.fixture(scope="module")
def result(export, tmp_path_factory):
    root = shutil.copytree(INSTALLED, tmp_path_factory.mktemp("site") / "artifacts")
    found = train_site("risk", str(export), root, version="site", seed=1, progress=quiet, recipe=QUICK)
    return root, found


def lost_from_sight(history, day):
    """The same person, of whom nothing is known after a day on which they were seen."""
    seen = {"resourceType": "Encounter", "status": "finished", "period": {"start": day.isoformat()}}
    began = [one for one in history.lines if one[0].get("period", {}).get("start", "") <= day.isoformat()]
    died = history.patient.get("deceasedDateTime", "9999") <= day.isoformat()
    patient = {name: value for name, value in history.patient.items() if died or not name.startswith("deceased")}
    return replace(history, patient=patient, lines=[*began, (seen, json.dumps(seen).encode())])


def test_of_deaths_who_stayed_in_sight_counts_for_who_was_lost_and_of_other_labels_each_for_one(export):
    found = histories(files_in(str(export)), quiet)
    whole, days, _ = people_of(FIVE_YEARS, found, "x")
    for number, (person, index) in enumerate(zip(whole.person, days, strict=True)):
        if number % 2:
            found[person] = lost_from_sight(found[person], index + timedelta(days=200 + number * 37 % 1500))
    left, _, why = people_of(FIVE_YEARS, found, "x")
    assert why["what became of them is not known"] > len(whole) // 3
    assert left.label.mean() > whole.label.mean() * 1.15, "to leave them out counts the dead too often"
    assert np.average(left.label, weights=left.weight) == pytest.approx(whole.label.mean(), rel=0.1)
    begins, _, _ = people_of(Purpose("adherence", "uptake"), found, "x")
    assert begins.weight is None


def test_training_finds_the_coefficients_of_the_hospital(export, result):
    root, _ = result
    model = Model(open_artifact(RISK, root, "site"))
    table, _, _ = people_of(FIVE_YEARS, histories(files_in(str(export)), quiet), "x")
    names = list(RISK.features)
    for name, low, high in [("mobility_limitation", 0, 1), ("dx_heart_failure", 0, 1), ("sex_female", 0, 1),
                            ("smoking", 0, 2), ("age_years", 52, 72)]:  # fmt: skip
        odds = []
        for value in (low, high):
            rows = table.rows.copy()
            rows[:, names.index(name)] = value
            raw = model.booster.predict(rows, raw_score=True, num_threads=1)
            odds.append(float((model.artifact.intercept + model.artifact.slope * raw).mean()))
        truth = DEATH[name] * (high - low)
        # Penalised trees draw an effect towards nothing; a third is as much as these settings take.
        assert 0.55 * abs(truth) < (odds[1] - odds[0]) * np.sign(truth) < 1.3 * abs(truth), name
    told = np.abs(model.booster.predict(table.rows, pred_contrib=True, num_threads=1)[:, :-1]).mean(axis=0)
    strongest = {names[i] for i in np.argsort(-told)[:5]}
    assert strongest == set(DEATH)


def test_it_sorts_new_people_nearly_as_well_as_the_truth_itself(export, result):
    root, _ = result
    model = Model(open_artifact(RISK, root, "site"))
    everybody = {person.id: person for person in people(COUNT, SEED)}
    table, days, _ = people_of(FIVE_YEARS, histories(files_in(str(export)), quiet), "x")
    late = np.array([day >= sorted(days)[int(0.7 * len(days))] for day in days])
    truth = np.array([log_odds_of_death(everybody[one].truth) for one in table.person])[late]
    found = model.booster.predict(table.rows[late], raw_score=True, num_threads=1)
    best, ours = auc(table.label[late], truth).value, auc(table.label[late], found).value
    assert best - 0.025 < ours <= best + 0.01


def test_a_better_model_is_promoted_with_each_rule_and_its_figures(result):
    root, found = result
    assert found.judgement.promote, found.judgement.lines
    assert promoted_versions(root)["risk"] == "site"
    assert all(line.startswith("yes:") for line in found.judgement.lines)
    assert any("log loss falls by" in line for line in found.judgement.lines)
    assert "new trees" in found.how
    card = (found.folder / "CARD.md").read_text(encoding="utf-8")
    assert "The site's own records" in card
    assert "sealed quarter" not in card


def test_nothing_recorded_after_the_day_changes_a_row(export):
    """A leak is planted in everybody who died: a disease of long ago, written down after the day."""
    some = dict(list(histories(files_in(str(export)), quiet).items())[:1500])
    before, _, _ = people_of(FIVE_YEARS, some, "x")
    planted = some
    for person in people(COUNT, SEED):
        if person.died and person.id in planted:
            late = (person.index + timedelta(days=30)).isoformat()
            for code in ("I50.9", "J44.9", "I63.9"):
                planted[person.id].lines.append(_leak(person.id, code, late))
    after, _, _ = people_of(FIVE_YEARS, planted, "x")
    np.testing.assert_array_equal(before.rows, after.rows)
    caught, _, _ = people_of(FIVE_YEARS, {**planted}, "x", last_updated=False)
    np.testing.assert_array_equal(before.rows, caught.rows)


def _leak(patient: str, code: str, late: str):
    record = {
        "resourceType": "Condition",
        "id": f"leak-{code}",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]},
        "onsetDateTime": "2001-01-01",
        "recordedDate": late,
        "meta": {"lastUpdated": late},
    }
    return record, json.dumps(record).encode()


def test_too_few_events_move_little_and_promote_nothing(tmp_path):
    write_hospital(tmp_path / "small", 400, 5)
    root = shutil.copytree(INSTALLED, tmp_path / "artifacts")
    in_use = promoted_versions(root)["risk"]
    found = train_site("risk", str(tmp_path / "small"), root, version="site", seed=1, progress=quiet, recipe=QUICK)
    assert not found.judgement.promote
    assert "are needed to compare" in found.judgement.lines[0]
    assert "the trees in use, intercept moved" in found.how
    assert promoted_versions(root)["risk"] == in_use
    new, old = (open_artifact(RISK, root, version) for version in ("site", in_use))
    assert new.slope == old.slope
    assert new.intercept != old.intercept


def test_who_cannot_be_used_is_counted_by_the_reason(export):
    found = histories(files_in(str(export)), quiet)
    first, second, third = list(found)[:3]
    found[first].lines = [pair for pair in found[first].lines if pair[0]["resourceType"] != "ServiceRequest"]
    found[second].lines = [pair for pair in found[second].lines if pair[0]["resourceType"] != "Encounter"]
    found[second].patient = {k: v for k, v in found[second].patient.items() if k != "deceasedDateTime"}
    found[third].patient = {k: v for k, v in found[third].patient.items() if k != "gender"}
    table, _, left = people_of(FIVE_YEARS, found, "x")
    assert left == {
        "no referral to exercise": 1,
        "what became of them is not known": 1,
        "the model must not score them": 1,
    }
    assert len(table) == COUNT - 3


def test_a_model_without_a_label_in_a_record_is_refused(export, tmp_path):
    with pytest.raises(TrainingRefused, match="no label is defined"):
        train_site("attendance", str(export), tmp_path, version="site", seed=1, progress=quiet)


def test_the_same_seed_makes_the_same_hospital_and_the_truth_is_written_beside_it(tmp_path):
    for name in ("a", "b"):
        write_hospital(tmp_path / name, 30, 2)
    write_hospital(tmp_path / "c", 30, 4)
    told = {name: (tmp_path / name / "Patient.ndjson").read_text() for name in "abc"}
    assert told["a"] == told["b"] != told["c"]
    assert json.loads((tmp_path / "a" / "truth.json").read_text())["death"]["age_years"] == DEATH["age_years"]
    assert synth._count("3") == 3


def test_a_site_s_own_label_is_what_the_estimate_says_it_is_of(export, tmp_path):
    root = shutil.copytree(INSTALLED, tmp_path / "artifacts")
    recipe = a_recipe(ADHERENCE_RECIPE, candidates=QUICK.candidates)
    train_site("adherence", str(export), root, version="site", seed=1, progress=quiet, recipe=recipe)
    promote(ADHERENCE, "site", root)
    found = load_estimators(root).adherence(a_snapshot())
    assert found.version == "site"
    assert found.meaning.render() == "Begins the exercise programme within 60 days of the referral"
    assert load_estimators().adherence(a_snapshot()).meaning == ADHERENCE.meaning
