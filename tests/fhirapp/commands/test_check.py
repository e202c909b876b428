"""`stride check`, `keys` and `db`: what a person at a terminal is told."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from fhirapp.cli import main
from fhirapp.demo.settings import tenants_toml


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
    (folder / "tenants.toml").write_text(tenants_toml("https://ehr.example.org", expires))


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
