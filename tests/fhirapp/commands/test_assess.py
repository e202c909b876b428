"""The command `stride assess`: a chart in, the verdict out, or a plain reason why not."""

from __future__ import annotations

import copy
import gzip
import io
import json
import sys
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fhirapp.cli import main
from fhirapp.demo_ehr.patients import example_charts
from mappings.to_fhir.validate import checked
from models.inputs import INPUTS
from models.safety.inputs import DERIVED
from models.safety.rule import rule_set
from tests.fhirapp.commands.json_schema import problems
from tools.assess_page import SCHEMA

ROOT = Path(__file__).parents[3]
CHARTS = sorted((ROOT / "tests" / "fixtures" / "charts").glob("*.json"))
SHARED = ROOT.parent / "shared" / "fhir"
FIT = next(path for path in CHARTS if path.stem == "breast-adjuvant-fit")
DAY = "2026-11-25"
EXAMPLES = example_charts(date.fromisoformat(DAY))


def call(*words: object) -> int:
    return main(["assess", *map(str, words)])


def judged(capsys: pytest.CaptureFixture[str], path: Path, day: str = DAY) -> Any:
    assert call(path, "--json", "--as-of", day) == 0
    return json.loads(capsys.readouterr().out)


def check(result: Any) -> None:
    """Holds one result against the schema, and what the schema cannot say."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert list(problems(result, schema, schema)) == []
    for finding in result["findings"]:
        assert finding["rule"] in {rule.id for rule in rule_set().rules}
        for value in finding["inputs"]:
            assert value["name"] in INPUTS or value["name"] in DERIVED or value["name"].startswith("vs."), value["name"]
    for resource in result["would_write"]:
        assert checked(copy.deepcopy(resource)) is not None
    identifiers = [one["id"] for one in result["would_write"]]
    assert len(set(identifiers)) == len(identifiers)


# --- a chart that can be read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem)
def test_the_json_of_every_chart_is_as_its_schema_says(path, capsys):
    check(judged(capsys, path))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.patient_id)
def test_the_json_of_every_example_patient_is_as_its_schema_says(example, capsys, tmp_path):
    path = tmp_path / "chart.json"
    path.write_text(json.dumps(example.bundle))
    check(judged(capsys, path))


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared beside the checkout")
def test_the_json_of_the_test_population_is_as_its_schema_says(capsys):
    days = json.loads((SHARED / "as_of.json").read_text())
    for path in sorted([*SHARED.glob("synthea/*.json.gz"), *SHARED.glob("mcode/*.json")]):
        check(judged(capsys, path, days.get(path.name.split(".")[0], "2019-06-01")))


def test_all_verdicts_are_among_the_charts(capsys, tmp_path):
    said = {judged(capsys, path)["verdict"] for path in CHARTS}
    for example in EXAMPLES:
        (tmp_path / "chart.json").write_text(json.dumps(example.bundle))
        said.add(judged(capsys, tmp_path / "chart.json")["verdict"])
    assert said >= {"refer", "hold", "clearance", "incomplete", "ineligible"}


def test_the_text_tells_verdict_values_dates_sources_gaps_dose_and_what_would_be_written(capsys):
    assert call(FIT, "--as-of", DAY) == 0
    said = capsys.readouterr().out
    for words in (
        "Patient pat-1 as of 2026-11-25T23:59:59+00:00",
        "Refer - tier T3, supervision 2, D3",
        "sbp: 124 mm[Hg], 2026-11-17, Observation/bp",
        "Not checked",
        "Prescription, first week",
        "aerobic.minutes = ",
        "Referral may go out",
        "ServiceRequest",
    ):
        assert words in said


def test_the_text_tells_what_moved_an_estimate(capsys):
    assert call(FIT, "--as-of", DAY) == 0
    said = capsys.readouterr().out
    reasons = [driver["text"] for one in judged(capsys, FIT)["estimates"].values() for driver in one["drivers"]]
    assert reasons
    assert all(reason in said for reason in reasons)


def test_a_rule_whose_source_is_unconfirmed_says_so_and_no_other_does(capsys):
    assert call(FIT, "--as-of", DAY) == 0
    marked = {line.split()[1] for line in capsys.readouterr().out.splitlines() if "[rule not confirmed yet]" in line}
    assert "VIT-MISS" in marked
    assert marked == {rule.id for rule in rule_set().rules if rule.needs_review and rule.id in marked}
    assert "TRT-03" not in marked


def test_a_held_chart_writes_no_order(capsys):
    result = judged(capsys, next(path for path in CHARTS if path.stem == "platelets-critically-low"))
    assert result["verdict"] == "hold"
    assert result["prescription"] is None
    kinds = {one["resourceType"] for one in result["would_write"]}
    assert kinds == {"DetectedIssue", "RiskAssessment"}


def test_the_day_ends_in_the_zone_that_is_asked_for(capsys):
    assert call(FIT, "--as-of", DAY, "--zone", "Asia/Tokyo", "--json") == 0
    assert json.loads(capsys.readouterr().out)["as_of"] == "2026-11-25T23:59:59+09:00"


def test_an_earlier_day_knows_less(capsys):
    assert judged(capsys, FIT, "2026-01-01")["verdict"] != judged(capsys, FIT)["verdict"]


def test_a_packed_chart_and_one_on_standard_input_read_the_same(capsys, tmp_path, monkeypatch):
    packed = tmp_path / "chart.json.gz"
    packed.write_bytes(gzip.compress(FIT.read_bytes()))
    plain = judged(capsys, FIT)
    assert judged(capsys, packed) == plain
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FIT.read_bytes())))
    assert judged(capsys, Path("-")) == plain


def test_the_same_chart_gives_the_same_bytes(capsys):
    first, second = (call(FIT, "--json", "--as-of", DAY) or capsys.readouterr().out for _ in range(2))
    assert first == second


# --- one that cannot ---------------------------------------------------------------------------------------------


def _bundle(*resources: dict[str, Any]) -> bytes:
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


ME = {"resourceType": "Patient", "id": "a", "birthDate": "1960-01-01"}
YOU = {"resourceType": "Patient", "id": "b"}
YOURS = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/b"}}

BAD = {
    "not JSON": (b"%PDF-1.7 not a chart", "not a FHIR Bundle"),
    "empty": (b"", "not a FHIR Bundle"),
    "truncated": (FIT.read_bytes()[:-200], "not a FHIR Bundle"),
    "a list": (b"[]", "not a FHIR Bundle"),
    "a lone resource": (json.dumps(ME).encode(), "not a FHIR Bundle"),
    "an answer of refusal": (b'{"resourceType":"OperationOutcome","issue":[]}', "not a FHIR Bundle"),
    "two patients": (_bundle(ME, YOU), "belongs to another patient"),
    "a resource of somebody else": (_bundle(ME, YOURS), "Condition/c belongs to another patient"),
    "no patient": (_bundle(YOURS), "no Patient with an id"),
    "no entry": (_bundle(), "no Patient with an id"),
    "a megabyte of junk": (Random(1).randbytes(1_000_000), "not a FHIR Bundle"),
    "a megabyte of brackets": (b"[" * 1_000_000, "not a FHIR Bundle"),
    "deep nesting": (b'{"resourceType":"Bundle","entry":[' + b'{"a":' * 100_000, "not a FHIR Bundle"),
    "cut while packed": (gzip.compress(FIT.read_bytes())[:-20], "ended before"),
    "spoilt while packed": (gzip.compress(FIT.read_bytes())[:40] + b"\xff" * 400, ""),
    "another encoding": (FIT.read_text().encode("utf-16"), "not a FHIR Bundle"),
}


@pytest.mark.parametrize(("body", "reason"), BAD.values(), ids=list(BAD))
def test_input_that_cannot_be_used_ends_with_2_and_the_reason(body, reason, tmp_path, capsys):
    path = tmp_path / "chart.json"
    path.write_bytes(body)
    assert call(path, "--as-of", DAY) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"{path}: ")
    assert reason in shown.err
    assert "Traceback" not in shown.err
    assert len(shown.err) < 400


def test_a_file_that_is_not_there_ends_with_2_and_its_name(tmp_path, capsys):
    assert call(tmp_path / "none.json") == 2
    assert "No such file" in capsys.readouterr().err


def test_a_folder_is_no_chart(tmp_path, capsys):
    assert call(tmp_path) == 2
    assert "directory" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--as-of", "25.11.2026"), ("--zone", "Mars/Base"), ("--as-of", "")])
def test_a_slip_in_an_option_ends_with_2_and_an_example(words, capsys):
    with pytest.raises(SystemExit) as ended:
        call(FIT, *words)
    assert ended.value.code == 2
    assert "write one like" in capsys.readouterr().err


def test_one_broken_resource_is_named_and_the_rest_is_judged(capsys, tmp_path):
    bundle = json.loads(FIT.read_bytes())
    broken = {"resourceType": "Observation", "id": "odd", "status": 7, "subject": {"reference": "Patient/pat-1"}}
    bundle["entry"].append({"resource": broken})
    path = tmp_path / "chart.json"
    path.write_text(json.dumps(bundle))
    result, before = judged(capsys, path), judged(capsys, FIT)
    assert any(gap["source"] == "Observation/odd" and gap["why"] == "missing" for gap in result["gaps"])
    assert result["findings"] == before["findings"]
