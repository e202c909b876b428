"""Our own charts, by story (tests/fixtures/charts)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.bundle import chart_of_bundle
from mappings.from_fhir.person import person_from
from mappings.from_fhir.snapshot import snapshot_from
from models.inputs import SAFETY_QUESTIONS
from models.snapshot import PatientSnapshot
from tests.mappings.charts import AS_OF

FOLDER = Path(__file__).parents[2] / "fixtures" / "charts"


def story(name: str) -> PatientSnapshot:
    return snapshot_from(chart_of_bundle((FOLDER / f"{name}.json").read_bytes()), as_of=AS_OF)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_story_is_told_of_one_person(path):
    assert person_from(chart_of_bundle(path.read_bytes())).identifier == "MRN-1001"


def test_breast_adjuvant_fit():
    snapshot = story("breast-adjuvant-fit")
    shown = {alias: snapshot.latest(alias).value for alias in ("platelets", "hb", "anc", "lvef", "ecog", "sbp")}
    assert shown == {"platelets": 212, "hb": 118, "anc": 2.9, "lvef": 61, "ecog": 1, "sbp": 124}
    assert snapshot.latest("bmi").value == pytest.approx(25.4, abs=0.01)
    assert snapshot.latest("evs_min_week").value == 50
    assert {fact.details["drug"] for fact in snapshot.having("vs.cytotoxic")} == {"doxorubicin", "cyclophosphamide"}
    assert all(snapshot.latest(question).value is False for question in SAFETY_QUESTIONS)
    assert snapshot.faults == ()


def test_breast_adjuvant_unanswered():
    assert not any(story("breast-adjuvant-unanswered").series(question) for question in SAFETY_QUESTIONS)


def test_platelets_critically_low():
    assert story("platelets-critically-low").latest("platelets").value == 8


def test_bone_metastases():
    snapshot = story("bone-metastases")
    assert next(iter(snapshot.having("vs.bone_mets"))).details["body_site"] == "spine"
    assert list(snapshot.having("vs.hormonal"))


def test_no_cancer():
    assert set(story("no-cancer").facts) == {"vs.osteoarthritis", "vs.arthritis"}


def test_hospice():
    assert [fact.state for fact in story("hospice").having("vs.hospice")] == ["active"]


def test_odd_units():
    snapshot = story("odd-units")
    assert snapshot.latest("platelets").value == 150
    assert snapshot.latest("temp").value == pytest.approx(37)
    assert snapshot.latest("troponin").comparator == "<"
    assert {(gap.input, gap.why) for gap in snapshot.faults} == {("hb", "implausible"), ("anc", "unit")}


def test_one_broken_resource():
    snapshot = story("one-broken-resource")
    assert [gap.source for gap in snapshot.faults] == ["Condition/broken"]
    assert snapshot.latest("platelets").value == 212
    assert list(snapshot.having("vs.cancer"))
