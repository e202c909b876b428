"""`stride audit` at a terminal: words, exit codes, and the export."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from fhirapp.audit import AuditRow, audit, audit_key
from fhirapp.cli import main
from fhirapp.config import Config
from fhirapp.db.append_only import unguards
from fhirapp.db.base import Sessions, engine_for, sessions_for
from fhirapp.referrals.referral import Actor
from fhirapp.referrals.status import Role
from mappings.to_fhir.validate import checked
from tests.databases import a_database
from tests.world import CLINICIAN_WINDOW, World

NAVIGATOR = Role.NAVIGATOR


@pytest.fixture
def house(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A hospital with some history, and the commands pointed at its database."""
    import os

    config = world.stride.config
    monkeypatch.setattr(Config, "from_env", lambda environment: config if environment is os.environ else None)
    world.opened("ada-refer")
    world.opened("bea-override")
    return world


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["audit", *words])
    found = capsys.readouterr()
    return code, found.out + found.err


def sessions_of(world: World) -> Sessions:
    return world.stride.sessions


def test_the_whole_road_leaves_an_audit_that_is_whole(house: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = told(capsys, "verify")
    assert code == 0, said
    assert "whole" in said
    assert "wait for one" in said
    assert told(capsys, "seal")[0] == 0
    code, anchors = told(capsys, "anchor")
    tenant, number, digest = anchors.split()
    assert (tenant, number) == (house.tenant.id, "1")
    house.opened("eva-falls")
    code, said = told(capsys, "verify", "--tenant", tenant, "--since-anchor", digest)
    assert code == 0
    assert "the anchor stands; 0 rows were sealed after it" in said
    code, said = told(capsys, "verify", "--tenant", tenant, "--since-anchor", "0" * 64)
    assert code == 1
    assert "the chain was cut, or written anew" in said


def test_a_changed_row_ends_with_one_and_is_named(house: World, capsys: pytest.CaptureFixture[str]) -> None:
    with sessions_of(house).begin() as session:
        for statement in unguards("audit", sessions_of(house).engine.dialect.name):
            session.execute(sa.text(statement))
        first = session.scalar(sa.select(sa.func.min(AuditRow.id)))
        session.execute(sa.update(AuditRow).where(AuditRow.id == first).values(actor="Practitioner/somebody-else"))
    code, said = told(capsys, "verify")
    assert code == 1
    assert "NOT WHOLE" in said
    assert f"row {first}: was changed, or was not written by this service" in said


@pytest.mark.only_sqlite("the second database, which has no tables, is a file")
def test_an_anchor_without_a_hospital_and_a_database_without_tables_end_with_two(
    house: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert told(capsys, "verify", "--since-anchor", "x")[0] == 2
    (tmp_path / "empty").mkdir()
    with a_database(tmp_path / "empty", migrated=False) as url:
        empty = replace(house.stride.config, database_url=url)
        monkeypatch.setattr(Config, "from_env", lambda environment: empty)
        code, said = told(capsys, "verify")
    assert code == 2
    assert "cannot be read" in said


def test_the_export_is_audit_events_of_what_was_asked_for_and_is_audited_itself(
    house: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with sessions_of(house).begin() as session:
        actor = Actor(house.tenant.id, NAVIGATOR, "Practitioner/nav-ray")
        at = datetime.fromisoformat("2001-02-03T23:30:00+00:00")
        audit(session, actor, "page.referral", at=at, patient_id="ada-refer")
    assert main(["audit", "export", "--patient", "ada-refer"]) == 0
    found = capsys.readouterr()
    events = [json.loads(line) for line in found.out.splitlines()]
    assert len(events) >= 2
    assert all({"reference": "Patient/ada-refer"} in [one["what"] for one in event["entity"]] for event in events)
    for event in events:
        checked(event)
    assert "events of" in found.err
    assert "bea-override" not in found.out
    with sessions_of(house)() as session:
        last = session.scalars(sa.select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert last is not None
    assert (last.action, last.patient_id, last.details["rows"]) == ("audit.export", "ada-refer", len(events))
    zone = house.tenant.zone
    day = at.astimezone(zone).date().isoformat()
    assert main(["audit", "export", "--from", day, "--to", day]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main(["audit", "verify"]) == 0


def test_what_the_service_reads_and_writes_by_itself_is_in_it_too(
    house: World, capsys: pytest.CaptureFixture[str]
) -> None:
    house.pass_time(CLINICIAN_WINDOW)
    with sessions_of(house)() as session:
        rows = session.scalars(sa.select(AuditRow).where(AuditRow.patient_id == "ada-refer")).all()
    read = [row for row in rows if row.action == "chart.read"]
    written = {row.subject.split("/")[0]: row.details["status"] for row in rows if row.action == "ehr.write"}
    assert [row.details["occasion"] for row in read] == ["clinician window ended"]
    assert written["ServiceRequest"] == "active"
    assert {"ServiceRequest", "CarePlan", "Goal", "Task"} <= written.keys()
    capsys.readouterr()
    assert main(["audit", "export", "--patient", "ada-refer"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    agents = {
        agent["who"]["display"]: agent["network"]["address"]
        for event in events
        if {"type": "action", "valueString": "ehr.write"} in event["entity"][0]["detail"]
        for agent in event["agent"]
    }
    assert agents["EHR"] == house.tenant.ehr.fhir_base


def test_the_key_is_not_the_secret_itself() -> None:
    assert audit_key(b"x" * 32) != b"x" * 32
    assert sessions_for(engine_for("sqlite://"), audit_key=b"k")().info == {"audit_key": b"k"}
