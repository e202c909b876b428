"""Erasing a patient: everything goes but the audit and a hash, and a no outlives it."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
import sqlalchemy as sa

from fhirapp.audit import AuditRow
from fhirapp.audit_check import check
from fhirapp.cli import main
from fhirapp.config import Config
from fhirapp.db.base import Base
from fhirapp.referrals.referral import Referral
from fhirapp.retention.erasure import StillNeeded, erase_patient
from fhirapp.retention.marks import ErasedPatient, mark_of
from fhirapp.retention.tables import KEPT, OTHERWISE, ROOT, below_referral
from tests.fhirapp.test_canaries import cells
from tests.world import CLINICIAN_WINDOW, NAVIGATOR, PATIENT, World

ADA = "ada-refer"


@pytest.fixture
def at_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    config = world.stride.config
    monkeypatch.setattr(Config, "from_env", lambda environment: config if environment is os.environ else None)
    return world


def said_no(world: World, code: str) -> Referral:
    """A patient with a whole history, who then said no; the EHR knows."""
    referral = world.queued(ADA)
    now = world.stride.clock()
    world.stride.actions.claim(referral.id, actor=NAVIGATOR, now=now)
    world.stride.actions.log_attempt(
        referral.id, actor=NAVIGATOR, now=now, channel="phone", outcome="no-answer", next_at=now + timedelta(days=1),
        note="she was out",
    )  # fmt: skip
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=now, code=code)
    world.worker.run_due()
    return world.referral(ADA)


def erase(world: World, patient: str = ADA) -> dict[str, int]:
    with world.stride.sessions.begin() as session:
        return dict(erase_patient(session, world.tenant.id, patient, world.stride.clock()).rows)


def test_every_table_of_the_database_is_known_to_the_erasure() -> None:
    """A new table with data of patients must say how it goes: by a key to a referral, or in `tables.py`."""
    below = {table.name for table, _ in below_referral()}
    assert {*below, *KEPT, *OTHERWISE, ROOT} - {"alembic_version"} == set(Base.metadata.tables)
    assert not below & OTHERWISE
    assert not (below | OTHERWISE) & KEPT.keys()


def test_everything_of_the_patient_goes_but_the_audit_and_a_hash(world: World) -> None:
    referral = said_no(world, "OO-NEVER")
    world.opened("bea-override")
    before = list(cells(world.stride.sessions.engine))
    assert {column for column, value in before if ADA in value or str(referral.id) in value} - {"audit.patient_id"}
    rows = erase(world)
    assert {"referral", "referral_event", "ehr_resource", "contact_attempt", "notice", "card", "job"} <= rows.keys()
    after = list(cells(world.stride.sessions.engine))
    named = {
        column for column, value in after if any(word in value for word in (ADA, str(referral.id), referral.id.hex))
    }
    assert named <= {"audit.patient_id", "audit.subject", "audit.details", "poll_cursor.seen"}
    assert world.referral("bea-override").is_open
    with world.stride.sessions() as session:
        marks = session.scalars(sa.select(ErasedPatient)).all()
        assert [(mark.ordinal, mark.never) for mark in marks] == [(referral.ordinal, True)]
        assert ADA not in marks[0].patient_hash
        key = session.info["audit_key"]
        assert check(session, key, world.tenant.id).whole


def test_who_said_never_is_not_referred_after_the_erasure(world: World) -> None:
    said_no(world, "OO-NEVER")
    erase(world)
    world.stride.clock.move(timedelta(days=3000))
    world.cards(ADA)
    assert world.newest(ADA) is None


def test_who_said_not_now_is_asked_again_when_it_would_have_been(world: World) -> None:
    said_no(world, "OO-NOTINT")  # 90 days
    erase(world)
    world.stride.clock.move(timedelta(days=80))
    world.cards(ADA)
    assert world.newest(ADA) is None
    with world.stride.sessions() as session:
        mark = mark_of(session, world.tenant.id, ADA)
    assert not mark.never
    assert not mark.forbids(world.stride.clock() + timedelta(days=11))


def test_the_next_referral_of_an_erased_patient_has_a_number_that_the_ehr_never_saw(world: World) -> None:
    first = said_no(world, "OO-NEVER")
    erase(world)
    with world.stride.sessions.begin() as session:
        from fhirapp.retention.marks import lift

        assert lift(session, world.tenant.id, ADA)
    second = world.opened(ADA)
    assert second.ordinal == first.ordinal + 1
    assert second.id != first.id


def test_an_open_referral_and_one_whose_end_was_not_told_are_not_erased(world: World) -> None:
    referral = world.released(ADA)
    with pytest.raises(StillNeeded, match="is open"):
        erase(world)
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock(), code="OO-NEVER")
    with pytest.raises(StillNeeded, match="has not been told"):
        erase(world)
    assert world.referral(ADA).id == referral.id
    world.worker.run_due()
    assert erase(world)["referral"] == 1


def test_at_the_terminal_a_dry_run_says_the_same_and_changes_nothing(
    at_terminal: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world = at_terminal
    said_no(world, "OO-NEVER")
    assert main(["purge", "--patient", ADA, "--dry-run"]) == 0
    dry = capsys.readouterr().out
    assert world.newest(ADA) is not None
    assert main(["purge", "--patient", ADA]) == 0
    true = capsys.readouterr().out
    assert dry.replace("would erase", "erased") == true
    assert "erased 1 referrals" in true
    with world.stride.sessions() as session:
        last = session.scalars(sa.select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert last is not None
    assert (last.action, last.patient_id) == ("purge.patient", ADA)
    assert main(["audit", "verify"]) == 0
    assert main(["purge", "--patient", ADA, "--asked"]) == 0
    capsys.readouterr()
    assert world.opened(ADA).ordinal == 2


def test_at_the_terminal_it_says_what_cannot_be_done(at_terminal: World, capsys: pytest.CaptureFixture[str]) -> None:
    at_terminal.opened(ADA)
    at_terminal.pass_time(CLINICIAN_WINDOW)
    assert main(["purge", "--patient", ADA]) == 1
    assert "end it first" in capsys.readouterr().err
    assert main(["purge", "--asked"]) == 2
    assert main(["purge", "--tenant", "nowhere"]) == 2
    assert main(["purge", "--patient", "nobody", "--asked"]) == 1
