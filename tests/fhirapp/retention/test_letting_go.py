"""The rules of retention: each kind goes after its own period, nothing that is open, and the audit stays whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from fhirapp.audit import AuditRow
from fhirapp.audit_chain import Chain
from fhirapp.audit_check import Report, check
from fhirapp.jobs.table import Job
from fhirapp.predictions import PredictionRow
from fhirapp.referrals.judging import WRITE_BACK
from fhirapp.referrals.notices import Notice
from fhirapp.referrals.referral import ContactAttempt, Referral
from fhirapp.retention.letting_go import LettingGo
from fhirapp.retention.marks import mark_of
from fhirapp.retention.nightly import RETENTION, Nightly
from fhirapp.retention.settings import Retention
from fhirapp.tenants import TenantsInvalid, read_tenants
from tests.fhirapp.retention.test_erasure import ADA, said_no
from tests.world import World


def let_go(world: World, *, dry: bool = False, **periods: int) -> Counter[str]:
    tenant = replace(world.tenant, retention=replace(world.tenant.retention, **periods))
    return LettingGo(world.stride.sessions, world.stride.clock).run(tenant, dry=dry)


def count(world: World, table: type, *where: object) -> int:
    with world.stride.sessions() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0  # type: ignore[arg-type]


def audited(world: World) -> Report:
    with world.stride.sessions() as session:
        return check(session, session.info["audit_key"], world.tenant.id)


def test_each_kind_goes_after_its_own_period_and_an_open_referral_keeps_everything(world: World) -> None:
    said_no(world, "OO-NEVER")
    world.queued("bea-override")
    held = count(world, PredictionRow)
    assert let_go(world) == {}
    world.stride.clock.move(timedelta(days=91))
    assert let_go(world, dry=True) == {"person": 1}
    assert count(world, Referral, Referral.person.is_(None)) == 0
    assert let_go(world) == {"person": 1}
    assert world.referral(ADA).person is None
    assert world.referral("bea-override").person is not None
    world.stride.clock.move(timedelta(days=275))
    gone = let_go(world)
    assert {"notes", "messages", "cards"} == gone.keys()
    assert count(world, ContactAttempt, ContactAttempt.note.is_not(None)) == 0
    assert count(world, Notice, Notice.referral_id == world.referral(ADA).id) == 0
    assert count(world, Notice, Notice.referral_id == world.referral("bea-override").id) > 0
    assert count(world, PredictionRow) == held
    world.stride.clock.move(timedelta(days=365))
    ada = world.referral(ADA).id
    told = let_go(world, dry=True)
    gone = let_go(world)
    assert gone["referrals"] == told["referrals"] == 1
    assert world.newest(ADA) is None
    assert world.newest("bea-override") is not None
    assert count(world, PredictionRow, PredictionRow.referral_id == ada) == 0
    with world.stride.sessions() as session:
        assert mark_of(session, world.tenant.id, ADA).never
    assert audited(world).whole


def test_of_a_referral_whose_end_was_not_told_nothing_whole_goes(world: World) -> None:
    referral = said_no(world, "OO-NEVER")
    with world.stride.sessions.begin() as session:
        told = sa.update(Job).where(Job.key.contains(str(referral.id)), Job.kind == WRITE_BACK)
        assert session.execute(told.values(state="dead")).rowcount  # type: ignore[attr-defined]
    world.stride.clock.move(timedelta(days=2000))
    assert "referrals" not in let_go(world, dry=True)
    let_go(world)
    assert world.newest(ADA) is not None


def test_old_audit_goes_by_whole_seals_and_the_rest_proves_itself(world: World) -> None:
    chain = Chain(world.stride.sessions)
    world.opened(ADA)
    chain.seal(world.stride.clock())
    world.opened("bea-override")
    chain.seal(world.stride.clock())
    old = count(world, AuditRow)
    world.stride.clock.move(timedelta(days=2300))
    world.opened("eva-falls")
    chain.seal(world.stride.clock())
    assert let_go(world, dry=True)["audit"] == old
    assert let_go(world)["audit"] == old
    report = audited(world)
    assert report.whole, report.problems
    assert report.purged == 2
    assert count(world, AuditRow, AuditRow.patient_id == ADA) == 0
    chain.seal(world.stride.clock())
    assert audited(world).whole
    assert "audit" not in let_go(world)


def test_the_newest_seal_keeps_its_rows_however_old(world: World) -> None:
    world.opened(ADA)
    Chain(world.stride.sessions).seal(world.stride.clock())
    world.stride.clock.move(timedelta(days=9000))
    let_go(world)
    assert count(world, AuditRow, AuditRow.patient_id == ADA) > 0


def test_the_worker_lets_go_by_night_only_where_the_hospital_asks_for_it(world: World) -> None:
    said_no(world, "OO-NEVER")
    world.stride.clock.move(timedelta(days=1000))
    quiet = Nightly(world.stride.sessions, world.stride.tenants, world.stride.clock)
    quiet.schedule()
    quiet.night(world.tenant.id)
    assert count(world, Job, Job.kind == RETENTION) == 0
    assert world.newest(ADA) is not None
    asking = replace(world.tenant, retention=Retention(nightly=True))
    tenants = replace(world.stride.tenants, by_id={asking.id: asking})
    nightly = Nightly(world.stride.sessions, tenants, world.stride.clock)
    nightly.schedule()
    nightly.schedule()
    assert count(world, Job, Job.kind == RETENTION, Job.state == "ready") == 1
    nightly.night(asking.id)
    assert world.newest(ADA) is None
    with world.stride.sessions() as session:
        job = session.scalars(sa.select(Job).where(Job.kind == RETENTION)).one()
    assert job.run_at.astimezone(asking.zone).hour == 3
    assert job.run_at > world.stride.clock()


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("person_days = 800", "is longer than referrals_days"),
        ("referrals_days = 3000", "is shorter than referrals_days"),
        ("audit_days = 10", "Must be greater"),
        ("persons_days = 10", "Unknown field"),
    ],
)
def test_periods_that_contradict_each_other_are_refused_in_plain_words(
    world: World, tmp_path: Path, lines: str, word: str
) -> None:
    text = world.stride.config.tenants_file.read_text()
    file = tmp_path / "other.toml"
    file.write_text(f"{text}\n[tenants.{world.tenant.id}.retention]\n{lines}\n")
    with pytest.raises(TenantsInvalid, match=word):
        read_tenants(file)
    file.write_text(f"{text}\n[tenants.{world.tenant.id}.retention]\nperson_days = 30\n")
    found = read_tenants(file)[world.tenant.id].retention
    assert (found.person_days, found.nightly) == (30, True)
    assert world.tenant.retention == Retention()
