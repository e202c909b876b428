"""Settings: all problems at once, in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhirapp.config import Config, ConfigInvalid

SECRET = "s" * 40


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "secret").write_text(SECRET)
    return {
        "STRIDE_TENANTS": str(tmp_path / "tenants.toml"),
        "STRIDE_PUBLIC_URL": "https://stride.example.org/",
        "STRIDE_SECRET_FILE": str(tmp_path / "secret"),
        "STRIDE_KEYS": str(tmp_path),
    }


def problems(env: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        Config.from_env(env)
    return caught.value.problems


def test_defaults_are_the_cautious_ones(env: dict[str, str]) -> None:
    config = Config.from_env(env)
    assert (config.demo, config.insecure_http, config.embedded_worker) == (False, False, True)
    assert config.public_url == "https://stride.example.org"


def test_an_empty_environment_names_everything_that_is_missing() -> None:
    said = problems({})
    for name in ("STRIDE_TENANTS", "STRIDE_PUBLIC_URL", "STRIDE_SECRET_FILE", "STRIDE_KEYS"):
        assert any(name in problem for problem in said)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"STRIDE_PUBLIC_URL": "http://stride.example.org"}, "https"),
        ({"STRIDE_DEMO": "1"}, "loopback"),
        ({"STRIDE_INSECURE_HTTP": "yes"}, "https"),
        ({"STRIDE_DEMO": "perhaps"}, "must be 1 or 0"),
        ({"STRIDE_LOG_LEVEL": "loud"}, "STRIDE_LOG_LEVEL"),
        ({"STRIDE_PREDICTION_FEATURES": "both"}, "hashed or stored"),
        ({"STRIDE_SECRET_FILE": "/nowhere"}, "cannot be read"),
    ],
)
def test_ch_g1_what_would_be_dangerous_is_refused(env: dict[str, str], change: dict[str, str], word: str) -> None:
    assert any(word in problem for problem in problems(env | change))


def test_a_short_secret_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    assert any("32 bytes" in problem for problem in problems(env))


def test_a_demo_may_run_on_loopback(env: dict[str, str]) -> None:
    config = Config.from_env(
        env | {"STRIDE_PUBLIC_URL": "http://localhost:8700", "STRIDE_DEMO": "1", "STRIDE_INSECURE_HTTP": "1"}
    )
    assert config.demo
