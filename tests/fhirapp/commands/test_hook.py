"""The command `stride hook`: a saved request in, its cards and the time out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from fhirapp.cli import main
from tests.world import World, hospital

pytestmark = pytest.mark.only_sqlite("a saved request is answered by a service of its own")

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/cds-hooks.md").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "docs/examples/hooks").glob("*.json"))
PATIENT_VIEW = str(ROOT / "docs/examples/hooks/patient-view.json")
AS_OF = ("--as-of", "2026-11-25")


def shown(answer: dict[str, Any]) -> str:
    """An answer as one row of the page's table."""
    if not answer["cards"]:
        return "| | (no card) | |"
    (card,) = answer["cards"]
    actions = [action["resource"]["resourceType"] for one in card.get("suggestions", ()) for action in one["actions"]]
    return f"| `{card['indicator']}` | {card['summary']} | {', '.join(actions)} |".replace("|  |", "| |")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_gives_the_card_that_the_page_shows(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hook", str(example), *AS_OF, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert f"| `{example.name}` {shown(answer)}" in PAGE


def test_for_people_it_prints_the_card_its_suggestion_and_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hook", PATIENT_VIEW, *AS_OF, "--repeat", "3"]) == 0
    said = capsys.readouterr().out
    assert "[info] Exercise referral goes out on 2026-11-28" in said
    assert "suggestion: Refer: " in said
    assert re.search(r"3 calls: fastest [\d.]+, median [\d.]+, p99 [\d.]+ ms", said)


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"hook": "medication-refill"}, 400, "is for patient-view"),
        ({"context": {"patientId": "Patient/1", "userId": "Practitioner/1"}}, 400, "bare id"),
        ({"prefetch": {}, "fhirServer": "https://ehr.example/fhir"}, 412, "conditions"),
    ],
)
def test_a_refusal_is_shown_with_its_status_and_reason(
    change: dict[str, Any], status: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = json.loads(Path(PATIENT_VIEW).read_text()) | change
    (tmp_path / "r.json").write_text(json.dumps(request))
    assert main(["hook", str(tmp_path / "r.json")]) == 1
    out = capsys.readouterr().out
    assert f"status {status}" in out
    assert said in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["absent.json"], "No such file"),
        (["broken.json"], "not JSON"),
        (["list.json"], "outermost"),
        ([PATIENT_VIEW, "--key", "k.json"], "--url"),
        ([PATIENT_VIEW, "--url", "http://127.0.0.1:9"], "--key"),
        ([PATIENT_VIEW, "--url", "http://127.0.0.1:9", "--issuer", "x", "--key", "list.json"], "no JWK"),
        ([PATIENT_VIEW, "--url", "http://127.0.0.1:9", "--issuer", "x", "--key", "public.json"], "private"),
        ([PATIENT_VIEW, "--url", "http://127.0.0.1:9", "--issuer", "x", "--key", "private.json"], "did not answer"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = ECKey.generate_key("P-384", {"kid": "k"})
    written = {"broken.json": "{", "list.json": "[]", "public.json": key.as_dict(private=False)}
    for name, content in (written | {"private.json": key.as_dict(private=True)}).items():
        Path(name).write_text(content if isinstance(content, str) else json.dumps(content))
    assert main(["hook", *words]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[World]:
    with hospital(tmp_path) as world:
        yield world


@pytest.mark.database
def test_it_fires_at_a_running_service_with_a_key_that_the_service_knows(
    running: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key.json").write_text(json.dumps(running.ehr.hooks._keys.cds.as_dict(private=True)))
    request = json.loads(Path(PATIENT_VIEW).read_text()) | {"fhirServer": running.ehr.settings.fhir_base}
    (tmp_path / "r.json").write_text(json.dumps(request))
    signed = ("--key", str(tmp_path / "key.json"), "--issuer", running.ehr.settings.base_url)
    assert main(["hook", str(tmp_path / "r.json"), "--url", running.url, *signed]) == 0
    assert "patient-view: status 200" in capsys.readouterr().out
    assert main(["hook", str(tmp_path / "r.json"), "--url", running.url, *signed[:3], "https://somebody.else"]) == 1
    assert "status 401" in capsys.readouterr().out
