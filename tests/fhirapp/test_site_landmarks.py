"""Other labels and other days: each is trained on what was known on its day, and finds what is true of the hospital."""

from __future__ import annotations

import argparse
import json
import math
import shutil
from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest

from fhirapp.commands import models as models_command
from fhirapp.site_training import people_of, train_site
from fhirapp.synth import write_hospital
from fhirapp.synth_people import (
    DEATH,
    DEATH_IN_A_YEAR,
    DECLINE,
    SESSION_DAYS,
    chance_of_session,
    log_odds_of_death,
    log_odds_of_decline,
    people,
)
from mappings.bulk import files_in, histories
from mappings.landmarks import LANDMARKS
from models.artifact import INSTALLED, open_artifact, promote, promoted_versions
from models.booster import Model
from models.errors import ArtifactRefused, TrainingRefused
from models.purpose import Purpose, all_purposes, purpose_of, spec_at
from models.risk import RISK
from models.training.metrics import auc, expit
from models.training.recipe import PERSISTENCE_RECIPE, RISK_RECIPE, Settings
from tests.models.training.builders import a_recipe

SETTINGS = (Settings(leaves=4, rounds=200, min_leaf=60, l2=5, rate=0.05),)
QUICK = a_recipe(RISK_RECIPE, candidates=SETTINGS, inner_folds=2, outer_folds=2)
QUICK_SESSIONS = a_recipe(PERSISTENCE_RECIPE, candidates=SETTINGS, inner_folds=2, outer_folds=2)
COUNT, SEED = 6000, 7
EVERYBODY = {person.id: person for person in people(COUNT, SEED)}
DECLINE_180 = Purpose("risk", "decline-180")
AFTER_TWO = Purpose("risk", "decline-180", "session-2")
A_YEAR = Purpose("risk", "death-1y")
STAYS = Purpose("persistence", "persistence", "week-4")


def quiet(*told: object) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospital")
    write_hospital(folder, COUNT, SEED)
    return folder


@pytest.fixture(scope="module")
def found(export):
    return histories(files_in(str(export)), quiet)


@pytest.fixture
def root(tmp_path):
    return shutil.copytree(INSTALLED, tmp_path / "artifacts")


@pytest.fixture(scope="module")
def first(export, tmp_path_factory):
    """Decline from the referral on, trained once."""
    root = shutil.copytree(INSTALLED, tmp_path_factory.mktemp("decline") / "artifacts")
    return root, trained(DECLINE_180, export, root)


def trained(purpose, export, root, version="s1", recipe=QUICK):
    return train_site(
        purpose.model, str(export), root, version=version, seed=1, progress=quiet, recipe=recipe,
        label=purpose.label, landmark=purpose.landmark,
    )  # fmt: skip


def effect(model, table, name, low, high):
    """By how much the log-odds rise when everybody's value is moved from low to high."""
    odds = []
    for value in (low, high):
        rows = table.rows.copy()
        rows[:, model.artifact.spec.features.index(name)] = value
        raw = model.booster.predict(rows, raw_score=True, num_threads=1)
        odds.append(float((model.artifact.intercept + model.artifact.slope * raw).mean()))
    return odds[1] - odds[0]


def decline_truth(name, low, high, days=180):
    """The same, by the hospital's own coefficients."""
    odds = [
        np.mean([log_odds_of_decline({**person.truth, name: value}, days) for person in EVERYBODY.values()])
        for value in (low, high)
    ]
    return odds[1] - odds[0]


@pytest.mark.parametrize("purpose", [DECLINE_180, AFTER_TWO], ids=["at the referral", "after session 2"])
def test_decline_is_learnt_with_the_coefficients_of_the_hospital(purpose, export, found, root, first):
    root, result = first if purpose is DECLINE_180 else (root, trained(purpose, export, root))
    assert result.judgement.promote, result.judgement.lines
    assert promoted_versions(root)[purpose.place] == "s1"
    assert promoted_versions(root)["risk"] == promoted_versions(INSTALLED)["risk"]
    model = Model(open_artifact(purpose.spec, root, "s1"))
    table, _, _ = people_of(purpose, found, "x")
    for name, high in [("mobility_limitation", 1), ("dx_heart_failure", 1), ("smoking", 2)]:
        truth = decline_truth(name, 0, high)
        # Penalised trees draw an effect towards nothing; the smaller group after session 2 more so.
        assert 0.4 * truth < effect(model, table, name, 0, high) < 1.4 * truth, name
    assert "Decline of function within 180 days" in model.artifact.meaning.render()
    card = (result.folder / "CARD.md").read_text(encoding="utf-8")
    assert "The service does not ask it" in card


def test_death_within_one_year_is_learnt_as_such_and_not_as_five(export, found, root):
    result = trained(A_YEAR, export, root)
    model = Model(open_artifact(A_YEAR.spec, root, "s1"))
    table, _, _ = people_of(A_YEAR, found, "x")
    truth = np.array([log_odds_of_death(EVERYBODY[one].truth) + DEATH_IN_A_YEAR for one in table.person])
    said = model.artifact.intercept + model.artifact.slope * model.booster.predict(
        table.rows, raw_score=True, num_threads=1
    )
    assert table.label.mean() == pytest.approx(expit(truth).mean(), abs=0.01)
    assert expit(said).mean() == pytest.approx(expit(truth).mean(), abs=0.015)
    assert auc(table.label, said).value > auc(table.label, truth).value - 0.03
    assert result.how
    assert set(DEATH) >= {"mobility_limitation"}
    assert effect(model, table, "mobility_limitation", 0, 1) > 0.5 * DEATH["mobility_limitation"]


def test_who_came_so_far_tells_who_will_go_on_coming(export, found, root):
    trained(STAYS, export, root, recipe=QUICK_SESSIONS)
    model = Model(open_artifact(STAYS.spec, root, "s1"))
    table, _, left = people_of(STAYS, found, "x")
    assert left["no session on file"] == sum(not person.took_up for person in EVERYBODY.values())
    odds = model.artifact.intercept + model.artifact.slope * model.booster.predict(
        table.rows, raw_score=True, num_threads=1
    )
    said = expit(odds)
    truth = np.array([chance_of_staying(EVERYBODY[one]) for one in table.person])
    share = table.rows[:, model.artifact.spec.features.index("sessions_attended_share")]
    for low, high in [(0, 0.45), (0.45, 0.7), (0.7, 0.95), (0.95, 1.01)]:
        inside = (low <= share) & (share < high)
        assert inside.sum() > 50
        assert said[inside].mean() == pytest.approx(truth[inside].mean(), abs=0.06), (low, high)


def chance_of_staying(person):
    """The true probability of coming to seven in ten of the sessions after the fourth week."""
    rest = sum(day > 28 for day in SESSION_DAYS)
    p = chance_of_session(person.truth)
    return sum(math.comb(rest, n) * p**n * (1 - p) ** (rest - n) for n in range(rest + 1) if n / rest >= 0.7)


@pytest.mark.parametrize("purpose", [one for one in all_purposes() if one.model != "adherence"], ids=lambda p: p.place)
def test_nothing_written_after_the_landmark_changes_a_row_and_what_was_written_before_it_does(purpose, export, found):
    """A leak is planted in everybody: diseases and sessions of long ago, written down a day after the landmark."""
    few = dict(list(found.items())[:250])
    before, days, _ = people_of(purpose, few, "x")
    planted, known = (copied(few) for _ in range(2))
    for patient_id in few:
        if (day := LANDMARKS[purpose.landmark](few[patient_id])) is None:
            continue
        for records, written in ((planted, day + timedelta(hours=2)), (known, day - timedelta(hours=2))):
            records[patient_id].lines += leaks(patient_id, day, written)
    after, after_days, _ = people_of(purpose, planted, "x")
    assert (after.person, after_days) == (before.person, days)
    np.testing.assert_array_equal(before.rows, after.rows)
    by_other_dates, _, _ = people_of(purpose, planted, "x", last_updated=False)
    np.testing.assert_array_equal(before.rows, by_other_dates.rows)
    told, _, _ = people_of(purpose, known, "x")  # the same, written in time: this test can fail
    assert before.rows.shape != told.rows.shape or not np.array_equal(before.rows, told.rows, equal_nan=True)


def test_what_only_the_record_s_own_stamp_dates_later_does_not_enter(found):
    """An old result that was changed after the landmark: no other date tells, and no other check would catch it."""
    few = dict(list(found.items())[:150])
    before, _, _ = people_of(AFTER_TWO, few, "x")
    planted = copied(few)
    for patient_id in before.person:
        written = LANDMARKS["session-2"](few[patient_id]) + timedelta(hours=2)
        old = (written - timedelta(days=3)).isoformat()
        record = {
            "resourceType": "Observation", "id": "amended", "status": "amended", "effectiveDateTime": old,
            "subject": {"reference": f"Patient/{patient_id}"}, "meta": {"lastUpdated": written.isoformat()},
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "valueQuantity": {"value": 44.4, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        }  # fmt: skip
        planted[patient_id].lines.append((record, json.dumps(record).encode()))
    after, _, _ = people_of(AFTER_TWO, planted, "x")
    np.testing.assert_array_equal(before.rows, after.rows)
    let_in, _, _ = people_of(AFTER_TWO, planted, "x", last_updated=False)
    assert not np.array_equal(before.rows, let_in.rows, equal_nan=True)  # what --ignore-last-updated gives up


def copied(few):
    return {name: type(one)(name, one.patient, list(one.lines)) for name, one in few.items()}


def leaks(patient: str, day: datetime, written: datetime):
    about = {"subject": {"reference": f"Patient/{patient}"}, "meta": {"lastUpdated": written.isoformat()}}
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I50.9"}]}
    ours = {
        "system": "https://w3id.org/stride-referral/fhir/CodeSystem/stride-observations",
        "code": "mobility-limitation",
    }
    smoking = {"coding": [{"system": "http://loinc.org", "code": "72166-2"}]}
    smokes = {"coding": [{"system": "http://snomed.info/sct", "code": "449868002"}]}
    exercise = {"coding": [{"system": "http://snomed.info/sct", "code": "229065009"}]}
    past = (day - timedelta(days=3)).isoformat()
    records = [
        {"resourceType": "Condition", "id": "leak", "code": code, "onsetDateTime": "2001-01-01",
         "recordedDate": written.isoformat(), **about},
        {"resourceType": "Observation", "id": "leak-2", "status": "final", "code": smoking,
         "issued": written.isoformat(), "effectiveDateTime": past, "valueCodeableConcept": smokes, **about},
        {"resourceType": "Observation", "id": "leak-3", "status": "final", "code": {"coding": [ours]},
         "issued": written.isoformat(), "effectiveDateTime": past, "valueBoolean": True, **about},
        {"resourceType": "Observation", "id": "leak-4", "status": "final", "issued": written.isoformat(),
         "code": {"coding": [{**ours, "code": "course-finished"}]}, "effectiveDateTime": past, "valueBoolean": False,
         **about},
        {"resourceType": "Appointment", "id": "leak-5", "status": "noshow", "serviceType": [exercise], "start": past,
         "created": written.isoformat(), "participant": [{"actor": about["subject"]}], "meta": about["meta"]},
    ]  # fmt: skip
    return [(record, json.dumps(record).encode()) for record in records]


def test_the_first_version_of_a_purpose_must_beat_the_share_and_the_next_one_the_first(export, first, tmp_path):
    root, result = first
    assert "told to everybody" in result.against
    root = shutil.copytree(root, tmp_path / "artifacts")
    second = trained(DECLINE_180, export, root, version="s2")
    assert second.against == "version s1, in use"
    assert not second.judgement.promote  # the same people, the same trees: no gain beyond chance
    assert any(line.startswith("no: log loss") for line in second.judgement.lines)
    assert promoted_versions(root)[DECLINE_180.place] == "s1"


def test_a_place_of_its_own_is_listed_and_can_be_shown_and_retired(first, tmp_path, capsys):
    root = shutil.copytree(first[0], tmp_path / "artifacts")
    parser = argparse.ArgumentParser()
    models_command.add(parser.add_subparsers())

    def told(*words: str) -> str:
        args = parser.parse_args(["models", "--models", str(root), *words])
        assert args.run(args) == 0
        return str(capsys.readouterr().out)

    assert "* risk-decline-180-referral s1" in told("list")
    assert "the service does not ask it" in told("list")
    assert "Decline of function within 180 days" in told("show", "risk-decline-180-referral")
    told("retire", "risk-decline-180-referral")
    assert promoted_versions(root)["risk-decline-180-referral"] is None


def test_who_has_no_second_session_is_counted_and_left_out(found):
    table, _, left = people_of(AFTER_TWO, found, "x")
    never = Counter(sum(person.attends[1:]) == 0 for person in EVERYBODY.values())[True]
    assert left["no second session on file"] >= never
    assert 0 < len(table) < len(EVERYBODY)


def test_too_few_events_without_trees_to_begin_from_are_refused(tmp_path, root):
    write_hospital(tmp_path / "small", 300, 5)
    with pytest.raises(TrainingRefused, match="500 are needed where there are no trees"):
        trained(STAYS, tmp_path / "small", root, recipe=QUICK_SESSIONS)


def test_few_events_of_another_label_begin_from_the_trees_of_the_service(tmp_path, root):
    write_hospital(tmp_path / "small", 900, 5)
    result = trained(Purpose("risk", "decline-90"), tmp_path / "small", root)
    assert "the trees in use" in result.how
    assert not result.judgement.promote


def test_a_model_that_was_retired_is_not_put_back_by_a_training(export, root):
    promote(RISK, None, root)
    with pytest.raises(ArtifactRefused, match="no current version"):
        trained(Purpose("risk", "death-5y"), export, root)


@pytest.mark.parametrize(
    ("model", "label", "landmark"),
    [
        ("adherence", "uptake", "session-2"),
        ("adherence", "death-5y", None),
        ("risk", "uptake", None),
        ("x", None, None),
    ],
)
def test_words_that_do_not_go_together_are_refused(model, label, landmark):
    assert purpose_of(model, label, landmark) is None


def test_every_purpose_has_a_place_of_its_own_and_the_asked_ones_are_the_models():
    places = [purpose.place for purpose in all_purposes()]
    assert len(set(places)) == len(places)
    assert {purpose.place for purpose in all_purposes() if purpose.is_asked} == {"risk", "adherence", "persistence"}
    assert all(spec_at(place).name == place for place in places)
    assert set(DECLINE) <= set(next(iter(EVERYBODY.values())).truth)
