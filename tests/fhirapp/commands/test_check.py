"""`stride check`, `keys` and `db`: what a person at a terminal is told."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from fhirapp.cli import main
from fhirapp.demo.settings import tenants_toml

pytestmark = pytest.mark.only_sqlite("what a person at a terminal is told does not depend on the database")

MESSAGES = 'channels = ["letter"]\nreturn_address = ["City Hospital", "1 High Street"]'
BY_MAIL = """channels = ["email", "sms", "letter"]
return_address = ["City Hospital"]
[tenants.city.messages.smtp]
host = "mail.example.org"
sender = "exercise@example.org"
user = "stride"
password = "env:STRIDE_CREDENTIAL_SMTP"
"""


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh installation: keys made, tenants written, database not yet migrated."""
    assert main(["keys", str(tmp_path)]) == 0
    write_tenants(tmp_path, date.today() + timedelta(days=30))
    for name, value in {
        "STRIDE_TENANTS": tmp_path / "tenants.toml",
        "STRIDE_PUBLIC_URL": "https://stride.example.org",
        "STRIDE_SECRET_FILE": tmp_path / "secret",
        "STRIDE_KEYS": tmp_path / "keys",
        "STRIDE_DATABASE_URL": f"sqlite:///{tmp_path / 'stride.sqlite'}",
    }.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path


def write_tenants(folder: Path, expires: date) -> None:
    toml = tenants_toml("https://ehr.example.org", expires)
    (folder / "tenants.toml").write_text(toml.replace('channels = ["outbox"]', MESSAGES))


def test_a_complete_installation_is_ready(installation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "check"]) == 1
    assert main(["db", "upgrade"]) == 0
    assert main(["db", "check"]) == 0
    assert main(["check"]) == 0
    said = capsys.readouterr().out
    assert "Ready." in said
    assert "FIX" not in said


def test_an_unmigrated_database_is_said_with_what_to_do(installation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 1
    assert "run stride db upgrade" in capsys.readouterr().out


def test_a_lapsed_standing_order_must_be_renewed(installation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["db", "upgrade"])
    write_tenants(installation, date.today() - timedelta(days=2))
    assert main(["check"]) == 1
    assert "nothing will be released; renew it" in capsys.readouterr().out


def test_missing_keys_are_said_with_what_to_do(installation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["db", "upgrade"])
    for key in (installation / "keys").glob("*.json"):
        key.unlink()
    assert main(["check"]) == 1
    assert "run stride keys" in capsys.readouterr().out


def test_settings_that_cannot_be_read_are_listed_and_end_with_2(
    installation: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STRIDE_PUBLIC_URL")
    assert main(["check"]) == 2
    assert "STRIDE_PUBLIC_URL is not set" in capsys.readouterr().err
    monkeypatch.setenv("STRIDE_PUBLIC_URL", "https://stride.example.org")
    (installation / "tenants.toml").write_text("[tenants.city]\nname = 1\n")
    assert main(["check"]) == 2
    assert "tenants.city.time_zone" in capsys.readouterr().err


def test_new_keys_join_the_old_ones_and_only_the_owner_can_read_them(installation: Path) -> None:
    secret = (installation / "secret").read_bytes()
    (installation / "keys" / "20200101T000000.json").write_text(next((installation / "keys").glob("*")).read_text())
    for path in [installation / "secret", *(installation / "keys").glob("2026*.json")]:
        assert path.stat().st_mode & 0o077 == 0
    assert (installation / "secret").read_bytes() == secret


def test_what_is_missing_to_reach_patients_and_on_call_is_said(
    installation: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["db", "upgrade"])
    toml = (installation / "tenants.toml").read_text()
    (installation / "tenants.toml").write_text(toml.replace(MESSAGES, BY_MAIL))
    assert main(["check"]) == 1
    said = capsys.readouterr().out
    assert "FIX  tenant city: patients are reached by email; but STRIDE_CREDENTIAL_SMTP is not set" in said
    assert "FIX  tenant city: patients are reached by sms; but [tenants.city.messages.sms] is missing" in said
    assert "nobody stands for the texts in de" in said
    assert "an emergency hold at night wakes nobody" in said
    monkeypatch.setenv("STRIDE_CREDENTIAL_SMTP", "a secret")
    (installation / "tenants.toml").write_text(toml.replace(MESSAGES, BY_MAIL.replace('"sms", ', "")))
    assert main(["check"]) == 0
    assert "a secret" not in capsys.readouterr().out


def test_the_outbox_of_a_demonstration_is_refused_anywhere_else(
    installation: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["db", "upgrade"])
    toml = (installation / "tenants.toml").read_text()
    (installation / "tenants.toml").write_text(toml.replace('channels = ["letter"]', 'channels = ["outbox"]'))
    assert main(["check"]) == 2
    assert "for a demonstration on this machine only" in "".join(capsys.readouterr())
