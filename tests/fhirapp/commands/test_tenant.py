"""`stride tenant add|list`: hospitals come into the file as text, and nothing else in it changes."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from fhirapp.cli import main
from fhirapp.demo.settings import tenants_toml
from fhirapp.tenants import read_tenants

pytestmark = pytest.mark.only_sqlite("a file and a terminal: no database in it")

FLAGS = (
    "--name", 'North "N" Hospital', "--time-zone", "Australia/Adelaide",
    "--fhir-base", "https://north.example.org/fhir/", "--client-id", "app", "--backend-client-id", "service",
    "--exercise-service", "Organization/12=Exercise Service", "--responsible-clinician", "Practitioner/34=Dr Lind",
    "--on-call", "Practitioner/56=On call", "--on-call-phone", "+61 555 0100",
    "--navigator", "Practitioner/78=Tamsin Ray",
)  # fmt: skip
ORDER = ("--authoriser", "Practitioner/7=Dr Okafor", "--destinations", "D2,D4", "--expires", "2030-06-30")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "tenants.toml"
    path.write_text("# the first one\n" + tenants_toml("https://ehr.example.org", date.today() + timedelta(days=30)))
    path.chmod(0o600)
    monkeypatch.setenv("STRIDE_TENANTS", str(path))
    return path


def test_a_hospital_is_appended_and_everything_else_stays(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_text()
    assert main(["tenant", "add", "north", *FLAGS, *ORDER]) == 0
    after = file.read_text()
    assert after.startswith(before)
    (copy,) = file.parent.glob("tenants.toml.*.bak")
    assert copy.read_text() == before
    assert str(copy) in capsys.readouterr().out
    assert (file.stat().st_mode & 0o777, copy.stat().st_mode & 0o777) == (0o600, 0o600)
    north = read_tenants(file)["north"]
    assert (north.name, north.zone.key) == ('North "N" Hospital', "Australia/Adelaide")
    assert north.ehr.fhir_base == "https://north.example.org/fhir"
    assert north.standing_order is not None
    assert north.standing_order.destinations == {"D2", "D4"}
    assert north.on_call.phone == "+61 555 0100"
    assert list(north.navigators) == ["Practitioner/78"]


def test_without_an_authoriser_clinicians_sign(file: Path) -> None:
    assert main(["tenant", "add", "north", *FLAGS]) == 0
    north = read_tenants(file)["north"]
    assert (north.release, north.standing_order) == ("clinician-signs", None)


def test_the_first_hospital_makes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIDE_TENANTS", str(tmp_path / "new.toml"))
    assert main(["tenant", "add", "north", *FLAGS]) == 0
    assert list(read_tenants(tmp_path / "new.toml").by_id) == ["north"]
    assert not list(tmp_path.glob("*.bak"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--time-zone", "Mars/Base"], "is not a time zone"),
        (["--fhir-base", "https://ehr.example.org/fhir"], "have the same FHIR base"),
        (["--on-call", "Dr Lind"], 'must look like "Practitioner/123"'),
        (["--authoriser", "Practitioner/7=Dr Okafor"], "--expires is needed"),
        (["--fhir-base", "not a url"], "Not a valid URL"),
    ],
)
def test_a_hospital_that_would_be_wrong_changes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str], change: list[str], said: str
) -> None:
    before = file.read_text()
    assert main(["tenant", "add", "north", *FLAGS, *change]) == 2
    assert said in capsys.readouterr().err
    assert file.read_text() == before
    assert [path.name for path in file.parent.iterdir()] == ["tenants.toml"]


@pytest.mark.parametrize(("name", "said"), [("city", "is there already"), ("North", "no name for a tenant")])
def test_names_are_plain_and_used_once(file: Path, capsys: pytest.CaptureFixture[str], name: str, said: str) -> None:
    assert main(["tenant", "add", name, *FLAGS]) == 2
    assert said in capsys.readouterr().err


def test_what_is_missing_is_asked_for_at_a_terminal_and_named_elsewhere(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["tenant", "add", "north", *FLAGS[2:]]) == 2
    assert "--name is needed" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    answers = iter(["", "North Hospital"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert main(["tenant", "add", "north", *FLAGS[2:]]) == 0
    assert read_tenants(file)["north"].name == "North Hospital"


def test_the_list_has_a_line_for_each(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tenant", "list"]) == 0
    assert "city" in capsys.readouterr().out
    assert main(["tenant", "list", "--json"]) == 0
    (city,) = json.loads(capsys.readouterr().out)
    assert city["release"] == "standing-order"
