from __future__ import annotations

import json
from pathlib import Path

import pytest

from fhirapp.demo_ehr.__main__ import parser, settings_of
from fhirapp.demo_ehr.keys import demo_keys
from tests.fhirapp.demo_ehr.conftest import a_bundle, a_patient


def test_without_options_it_holds_our_patients_and_trusts_stride_beside_it():
    settings = settings_of(parser().parse_args([]))
    assert settings.base_url == "http://127.0.0.1:8701"
    assert settings.launch_url == "http://localhost:8700/smart/launch"
    assert settings.clients[0].redirect_uris == ("http://localhost:8700/smart/callback",)
    assert settings.clients[1].kind == "backend"
    assert settings.require_token
    assert not settings.admin
    assert set(settings.stories) >= {"ada-refer", "dan-platelets"}


def test_charts_of_a_folder_take_the_place_of_ours_and_the_staff_stays(tmp_path: Path):
    (tmp_path / "a.json").write_text(json.dumps(a_bundle(a_patient("mine"))))
    settings = settings_of(parser().parse_args(["--charts", str(tmp_path), "--admin", "--open"]))
    found = [entry["resource"]["id"] for chart in settings.charts for entry in chart["entry"]]
    assert "mine" in found
    assert "dr-lind" in found
    assert "ada-refer" not in found
    assert settings.stories == {}
    assert (settings.admin, settings.require_token) == (True, False)


def test_keys_that_are_kept_are_the_same_after_a_restart(tmp_path: Path):
    first, second, fresh = demo_keys(tmp_path), demo_keys(tmp_path), demo_keys(None)
    assert first.cds_jwks() == second.cds_jwks()
    assert first.id_token_jwks() == second.id_token_jwks()
    assert fresh.cds_jwks() != first.cds_jwks()
    assert not {"d", "p", "q"} & set(first.cds_jwks()["keys"][0]) | {"d"} & set(first.id_token_jwks()["keys"][0])
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_help_says_what_it_is(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    assert "FHIR R4" in capsys.readouterr().out
