"""`stride tenant check`: what a person reads about an EHR that answers, and about one that does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fhirapp.bootstrap import wall_clock
from fhirapp.cli import main
from fhirapp.closed_loop.subscriptions import EhrSubscription
from fhirapp.commands.keys import make_secrets
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.demo.settings import TENANT, tenants_toml
from fhirapp.ehr.capabilities import Capabilities
from tests.ehr.between import Between, Fault, Offer, between
from tests.ehr.conftest import demo
from tests.ehr.house import Server, seed_staff


@pytest.fixture
def proxy(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    """An EHR, and an installation that has it as its only tenant."""
    with demo() as base, between(base, Offer()) as running:
        seed_staff(Server("demo", base))
        make_secrets(tmp_path)
        toml = tenants_toml(running.base.removesuffix("/fhir"), date.today() + timedelta(days=30))
        (tmp_path / "tenants.toml").write_text(toml)
        for name, value in {
            "STRIDE_TENANTS": tmp_path / "tenants.toml",
            "STRIDE_PUBLIC_URL": "http://localhost:9",
            "STRIDE_SECRET_FILE": tmp_path / "secret",
            "STRIDE_KEYS": tmp_path / "keys",
            "STRIDE_DATABASE_URL": database,
            "STRIDE_INSECURE_HTTP": "1",
        }.items():
            monkeypatch.setenv(name, str(value))
        yield running


def test_an_ehr_that_can_be_used_is_said_so_and_what_it_can_is_kept(
    proxy: Between, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tenant", "check", TENANT]) == 0
    said = capsys.readouterr().out
    assert "FIX" not in said
    assert "City Hospital can be used." in said
    engine = engine_for(database)
    assert Capabilities(sessions_for(engine), wall_clock).of(TENANT).transaction
    engine.dispose()
    assert not proxy.asked("POST", "^(?!token)"), "nothing is written there"


def test_the_report_as_json_says_the_same(proxy: Between, capsys: pytest.CaptureFixture[str]) -> None:
    proxy.offer = replace(proxy.offer, transactions=False)
    assert main(["tenant", "check", TENANT, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["tenant"], report["ready"]) == (TENANT, True)
    (line,) = [one for one in report["lines"] if one["topic"] == "transactions"]
    assert (line["level"], line["said"]) == ("note", "not offered")


@pytest.mark.parametrize(
    ("fault", "topic"),
    [
        (Fault("GET", "^metadata", times=9, status=503), "capabilities"),
        (Fault("GET", "^Task", times=9, status=403), "searching Task"),
        (Fault("GET", "^Goal", times=9, status=200, body={"resourceType": "Bundle", "entry": [
            {"resource": {"resourceType": "Goal", "id": "1"}, "search": {"mode": "match"}}]}), "searching Goal"),
    ],
)  # fmt: skip
def test_what_does_not_work_is_to_be_mended(
    proxy: Between, capsys: pytest.CaptureFixture[str], fault: Fault, topic: str
) -> None:
    proxy.faults.append(fault)
    assert main(["tenant", "check", TENANT]) == 1
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"FIX  {topic}: ")]


def test_an_ehr_that_was_asked_to_knock_and_does_not_is_said(
    proxy: Between, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, now = engine_for(database), datetime.now(UTC)
    with sessions_for(engine).begin() as session:
        for kind, reference, state in (
            ("Task", "Subscription/1", "requested"),
            ("CarePlan", "Subscription/2", "active"),
        ):
            session.add(
                EhrSubscription(
                    tenant_id=TENANT, criteria=f"{kind}?identifier=x", path_hash=kind, secret_hash="", state=state,
                    reference=reference, ends_at=now, checked_at=now,
                )
            )  # fmt: skip
    engine.dispose()
    assert main(["tenant", "check", TENANT]) == 0
    assert "note changes there: asked to tell us of Task, and does not" in capsys.readouterr().out


def test_a_patient_who_is_not_there_is_said(proxy: Between, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tenant", "check", TENANT, "--patient", "nobody"]) == 1
    assert "FIX  test chart: the patient is not there" in capsys.readouterr().out


def test_a_tenant_that_is_not_in_the_file_is_no_tenant(proxy: Between, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tenant", "check", "nowhere"]) == 2
    assert "there is no tenant nowhere; there are: city" in capsys.readouterr().err
