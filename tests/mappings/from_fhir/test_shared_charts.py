"""Every chart of the test population, looked at on its own day."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mappings.bundle import chart_of_bundle
from mappings.from_fhir.person import person_from
from mappings.from_fhir.snapshot import snapshot_from
from models.snapshot import PatientSnapshot

ZONE = ZoneInfo("America/New_York")
SHARED = Path(__file__).parents[4] / "shared" / "fhir"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared beside the checkout")

CHARTS = sorted([*SHARED.glob("synthea/*.json.gz"), *SHARED.glob("mcode/*.json")]) if SHARED.is_dir() else []
LATEST = {"cancer-patient-jenny-m": "2018-11-05", "cancer-patient-john-anyperson": "2019-06-01"}


def body_of(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def day_of(patient_id: str) -> str:
    days = json.loads((SHARED / "as_of.json").read_text())
    return days.get(patient_id) or LATEST.get(patient_id, "2024-01-01")


def snapshot_of(path: Path, day: str | None = None) -> PatientSnapshot:
    chart = chart_of_bundle(body_of(path))
    date = datetime.fromisoformat(day or day_of(chart.patient_id)).date()
    return snapshot_from(chart, as_of=datetime.combine(date, time(23, 59, 59), tzinfo=ZONE))


def named(part: str) -> Path:
    return next(path for path in CHARTS if part in path.name)


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.name[:12])
class TestEachChart:
    def test_nothing_is_broken_and_nothing_is_later_than_the_day(self, path):
        chart = chart_of_bundle(body_of(path))
        assert chart.faults == []
        assert person_from(chart).name
        snapshot = snapshot_of(path)
        for series in snapshot.values.values():
            assert all(one.when.earliest <= snapshot.as_of for one in series)
            assert [one.when.latest for one in series] == sorted((one.when.latest for one in series), reverse=True)
        for facts in snapshot.facts.values():
            known = [one for one in facts if one.state != "planned" and one.start is not None]
            assert all(one.start.earliest <= snapshot.as_of for one in known)
            assert all(one.end is None or one.end.earliest <= snapshot.as_of for one in facts)
        assert not snapshot.deceased
        assert snapshot.unread == frozenset()

    def test_every_fault_is_explained(self, path):
        faults = {(one.input, one.why) for one in snapshot_of(path).faults}
        # 3000 thousand neutrophils a microlitre; a body surface of 0.27 m2; Synthea's urine strips say none and three
        # pluses of one moment, and one of its laboratories two filtration rates
        twice = {("ketone_urine", "conflict"), ("egfr", "conflict")}
        assert faults - twice in (set(), {("anc", "implausible")}, {("bsa", "implausible")})

    def test_every_value_says_where_it_comes_from(self, path):
        snapshot = snapshot_of(path)
        for series in snapshot.values.values():
            assert all("/" in one.source for one in series)


@pytest.mark.parametrize("path", [path for path in CHARTS if path.suffix == ".gz"], ids=lambda path: path.name[:12])
def test_every_synthea_patient_has_an_active_cancer_on_the_day(path):
    assert any(one.state == "active" and one.confirmed for one in snapshot_of(path).having("vs.cancer"))


@pytest.mark.parametrize("path", [path for path in CHARTS if path.suffix == ".gz"], ids=lambda path: path.name[:12])
def test_the_cancer_is_not_there_before_it_was_found(path):
    assert not list(snapshot_of(path, "1950-01-01").having("vs.cancer"))


def test_stopped_chemotherapy_counts_on_the_day_it_was_given():
    snapshot = snapshot_of(named("84afbe27"))
    newest = next(iter(snapshot.having("vs.cytotoxic")))
    assert (newest.start.day, newest.state) == ("1985-09-25", "history")
    assert {fact.details["drug"] for fact in snapshot.having("vs.cytotoxic")} == {"cisplatin", "paclitaxel"}


def test_a_resolved_colon_cancer_lies_beside_an_active_one_of_the_prostate():
    states = [(fact.code, fact.state) for fact in snapshot_of(named("7e44533c")).having("vs.cancer")]
    assert ("109838007", "history") in states
    assert ("126906006", "active") in states


class TestMcode:
    def test_jenny(self):
        snapshot = snapshot_of(named("jenny"))
        assert next(iter(snapshot.having("vs.cancer"))).code == "353431000119107"
        assert snapshot.latest("ecog").value == 0
        assert snapshot.latest("stage").value == "IIB"
        assert snapshot.latest("anc") is None  # 3000 thousand a microlitre is implausible
        assert snapshot.latest("smoking").value == "current"
        assert {fact.details["drug"] for fact in snapshot.having("vs.cytotoxic")} >= {"doxorubicin", "paclitaxel"}
        assert any(fact.kind == "administration" for fact in snapshot.having("vs.anthracycline"))
        surgery = next(iter(snapshot.having("vs.surgery_major")))
        assert (surgery.start.day, surgery.details["body_site"]) == ("2018-04-01", "breast")
        assert list(snapshot.having("vs.radiotherapy"))

    def test_john(self):
        snapshot = snapshot_of(named("john"))
        assert {fact.code for fact in snapshot.having("vs.cancer")} >= {"254637007", "94225005"}
        assert next(iter(snapshot.having("vs.brain_tumour"))).start.day == "2019-05-01"
        assert list(snapshot.having("vs.hf"))
        assert snapshot.latest("kps") is not None
        assert {fact.details["drug"] for fact in snapshot.having("vs.qt")} == {"gefitinib"}

    def test_adam(self):
        assert next(iter(snapshot_of(named("adam")).having("vs.cancer"))).code == "92814006"
