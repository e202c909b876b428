"""The audit: only ever added to, signed, closed into a chain; whatever is done to it afterwards is found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from fhirapp.audit import AuditRow, audit, audit_key
from fhirapp.audit_chain import LATE, AuditSeal, Chain, members_of, ranges_of
from fhirapp.audit_check import Report, check
from fhirapp.db.append_only import erasing, unguards
from fhirapp.db.base import Sessions, engine_for, sessions_for
from fhirapp.jobs.dispatcher import Dispatcher
from fhirapp.referrals.referral import Actor
from fhirapp.referrals.status import Role
from tests.builders import ZONE
from tests.databases import a_database

NOW = datetime(2026, 11, 25, 14, 30, 0, 123457, tzinfo=ZONE)
KEY = audit_key(b"x" * 32)
LIND = Actor("city", Role.CLINICIAN, "Practitioner/dr-lind")


@pytest.fixture
def signed(database: str) -> Iterator[Sessions]:
    """Sessions that carry the key, as those of the service do."""
    engine = engine_for(database)
    yield sessions_for(engine, audit_key=KEY)
    engine.dispose()


def write(sessions: Sessions, count: int, actor: Actor = LIND, *, start: int = 0) -> None:
    with sessions.begin() as session:
        for number in range(start, start + count):
            audit(
                session, actor, "page.referral", at=NOW + timedelta(seconds=number), patient_id=f"p{number}",
                subject="x", rows=number, verdict="refer", quiet=None, many=[1, "zwölf"],
            )  # fmt: skip


def look(sessions: Sessions, tenant: str = "city", anchor: str | None = None) -> Report:
    with sessions() as session:
        return check(session, KEY, tenant, anchor)


def three_seals(sessions: Sessions) -> list[str]:
    """Thirty rows in three seals; their digests."""
    for start in (0, 10, 20):
        write(sessions, 10, start=start)
        assert Chain(sessions).seal(NOW) == 10
    with sessions() as session:
        return list(session.scalars(sa.select(AuditSeal.digest).order_by(AuditSeal.number)))


def unguarded(sessions: Sessions, deed: Callable[[Session], object]) -> None:
    """What whoever owns the database can do: take the guards away first."""
    with sessions.begin() as session:
        for table in ("audit", "audit_seal"):
            for statement in unguards(table, sessions.engine.dialect.name):
                session.execute(sa.text(statement))
        deed(session)


def test_what_the_service_wrote_is_whole_sealed_or_not(signed: Sessions) -> None:
    write(signed, 3)
    assert look(signed).problems == []
    assert Chain(signed).seal(NOW) == 3
    assert Chain(signed).seal(NOW) == 0
    write(signed, 2, start=3)
    report = look(signed)
    assert (report.whole, report.rows, report.seals, report.waiting) == (True, 5, 1, 2)


def test_each_hospital_has_a_chain_of_its_own(signed: Sessions) -> None:
    other = Actor("other", Role.NAVIGATOR, "Practitioner/nav")
    for start in range(0, 6, 2):
        write(signed, 1, start=start)
        write(signed, 1, other, start=start + 1)
    assert Chain(signed).seal(NOW) == 6
    for tenant in ("city", "other"):
        report = look(signed, tenant)
        assert (report.whole, report.rows, report.seals) == (True, 3, 1)
    assert look(signed, "nobody").rows == 0


@pytest.mark.parametrize("table", [AuditRow, AuditSeal])
@pytest.mark.parametrize("verb", [sa.update, sa.delete])
def test_the_database_itself_refuses_to_change_or_remove(signed: Sessions, table: type, verb: Callable) -> None:  # type: ignore[type-arg]
    three_seals(signed)
    statement = verb(table).values(tenant_id="x") if verb is sa.update else verb(table)
    with pytest.raises(sa.exc.DBAPIError, match="only ever added"), signed.begin() as session:
        session.execute(statement)
    assert look(signed).whole


TAMPERING: dict[str, tuple[Callable[[Session], object], str]] = {
    "a word is changed": (
        lambda s: s.execute(sa.update(AuditRow).where(AuditRow.id == 7).values(actor="Practitioner/other")),
        "row 7: was changed",
    ),
    "a detail is changed": (
        lambda s: s.execute(sa.update(AuditRow).where(AuditRow.id == 7).values(details={"rows": 99})),
        "row 7: was changed",
    ),
    "a moment is moved by a microsecond": (
        lambda s: s.execute(sa.text("UPDATE audit SET at = at + 1 WHERE id = 7")),
        "row 7: was changed",
    ),
    "a row is removed": (lambda s: s.execute(sa.delete(AuditRow).where(AuditRow.id == 7)), "row 7: is gone (seal 1"),
    "a row is put among the others": (
        lambda s: (
            s.execute(sa.delete(AuditRow).where(AuditRow.id == 17)),
            s.execute(
                sa.text(
                    "INSERT INTO audit (id, tenant_id, at, action, role, actor, subject, outcome, details) "
                    "VALUES (17, 'city', 1, 'page.x', 'clinician', 'a', '', 'ok', '{}')"
                )
            ),
        ),
        "row 17: was changed, or was not written by this service",
    ),
    "a row is added at the end without the secret": (
        lambda s: s.execute(
            sa.text(
                "INSERT INTO audit (id, tenant_id, at, action, role, actor, subject, outcome, "
                "details, nonce, mac) VALUES (99, 'city', 1, 'page.x', 'clinician', 'a', '', 'ok', "
                "'{}', 'n', 'made-up')"
            )
        ),
        "row 99: was changed, or was not written by this service",
    ),
    "a true row is copied": (
        lambda s: s.execute(
            sa.text(
                "INSERT INTO audit (id, tenant_id, at, action, role, actor, patient_id, subject, "
                "outcome, details, nonce, mac) SELECT 99, tenant_id, at, action, role, actor, "
                "patient_id, subject, outcome, details, nonce, mac FROM audit WHERE id = 7"
            )
        ),
        "row 7: stands there twice",
    ),
    "two rows change places": (
        lambda s: [
            s.execute(sa.text(f"UPDATE audit SET id = {new} WHERE id = {old}"))
            for old, new in ((7, 500), (8, 7), (500, 8))
        ],
        "seal 1: its rows are not the ones that it closed",
    ),
    "a seal is changed": (
        lambda s: s.execute(sa.update(AuditSeal).where(AuditSeal.number == 2).values(count=9)),
        "seal 2: was changed",
    ),
    "a seal in the middle is removed": (
        lambda s: s.execute(sa.delete(AuditSeal).where(AuditSeal.number == 2)),
        "seal 3: seal 2 is gone",
    ),
    "a seal and its rows are removed": (
        lambda s: (
            s.execute(sa.delete(AuditSeal).where(AuditSeal.number == 2)),
            s.execute(sa.delete(AuditRow).where(AuditRow.id.between(11, 20))),
        ),
        "seal 3: does not follow the seal before it",
    ),
    "the list of a seal is shortened": (
        lambda s: s.execute(sa.update(AuditSeal).where(AuditSeal.number == 3).values(members="21-25")),
        "seal 3: was changed",
    ),
    "the list of a seal is nonsense": (
        lambda s: s.execute(sa.update(AuditSeal).where(AuditSeal.number == 3).values(members="x")),
        "seal 3: its list of rows cannot be read",
    ),
}


@pytest.mark.parametrize("word", TAMPERING)
def test_whatever_is_done_behind_the_service_s_back_is_found(signed: Sessions, word: str) -> None:
    three_seals(signed)
    deed, expected = TAMPERING[word]
    unguarded(signed, deed)
    report = look(signed)
    assert not report.whole
    assert any(expected in problem for problem in report.problems), report.problems


def test_a_tail_that_was_cut_off_is_found_by_an_anchor_only(signed: Sessions) -> None:
    anchors = three_seals(signed)
    assert look(signed, anchor=anchors[1]).since_anchor == 10

    def cut(session: Session) -> None:
        session.execute(sa.delete(AuditSeal).where(AuditSeal.number == 3))
        session.execute(sa.delete(AuditRow).where(AuditRow.id > 20))

    unguarded(signed, cut)
    assert look(signed).whole  # what a chain alone cannot see
    assert look(signed, anchor=anchors[2]).since_anchor is None
    assert look(signed, anchor=anchors[1]).since_anchor == 0


def test_another_secret_made_no_row_of_ours(signed: Sessions) -> None:
    three_seals(signed)
    with signed() as session:
        problems = check(session, audit_key(b"y" * 32), "city").problems
    assert sum("row" in problem for problem in problems) >= 30
    assert any("was not made with this service's secret" in problem for problem in problems)


def test_rows_of_before_the_chain_are_closed_as_they_were_found(sessions: Sessions, signed: Sessions) -> None:
    write(sessions, 4)  # without the key, as an older version did
    Chain(signed).seal(NOW)
    write(signed, 2, start=4)
    Chain(signed).seal(NOW)
    assert look(signed).whole
    write(sessions, 1, start=6)  # once there is a chain, a row without a signature is none of ours
    assert "was not written by this service" in look(signed).problems[0]


def test_erasing_lets_rows_go_and_the_gap_is_told_unless_retention_says_so(signed: Sessions) -> None:
    three_seals(signed)
    with signed.begin() as session, erasing(session, "city"):
        session.execute(sa.delete(AuditRow).where(AuditRow.id <= 10))
    assert "row 1: is gone (seal 1 closed it)" in look(signed).problems
    with signed.begin() as session:
        audit(session, Actor.service("city"), "purge.audit", at=NOW, through=1)
    report = look(signed)
    assert report.whole, report.problems
    assert report.purged == 1
    forged = sa.insert(AuditRow).values(
        tenant_id="city", at=NOW, action="purge.audit", role="service", actor="Stride", subject="", outcome="ok",
        details={"through": 3}, nonce="n", mac="m",
    )  # fmt: skip
    with signed.begin() as session, erasing(session, "city"):
        session.execute(forged)
        session.execute(sa.delete(AuditRow).where(AuditRow.id.between(11, 20)))
    assert "row 11: is gone (seal 2 closed it)" in look(signed).problems


@pytest.mark.database
def test_many_writers_and_sealers_at_once_leave_one_chain(signed: Sessions) -> None:
    def work(number: int) -> None:
        write(signed, 5, start=100 * number)
        Chain(signed).seal(NOW)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(24)))
    Chain(signed).seal(NOW)
    report = look(signed)
    assert report.whole, report.problems
    assert (report.rows, report.waiting) == (120, 0)


@pytest.fixture
def signed_postgresql(tmp_path: Path) -> Iterator[Sessions]:
    """The same on PostgreSQL, whatever the database of the run."""
    with a_database(tmp_path, of="postgresql") as url:
        engine = engine_for(url)
        yield sessions_for(engine, audit_key=KEY)
        engine.dispose()


@pytest.mark.only_postgresql("SQLite gives an id and commits under one lock")
def test_a_row_that_commits_late_is_closed_by_a_later_seal(signed_postgresql: Sessions) -> None:
    signed = signed_postgresql
    slow = signed()
    audit(slow, LIND, "page.slow", at=NOW)  # has its id, is not there yet
    write(signed, 3)
    Chain(signed).seal(NOW)
    slow.commit()
    slow.close()
    assert look(signed).whole
    assert Chain(signed).seal(NOW) == 1
    assert look(signed).whole
    assert LATE > 1000


def test_a_worker_seals_while_it_is_busy_and_a_failure_of_the_seal_ends_nothing(signed: Sessions) -> None:
    write(signed, 3)
    stop, sealed = threading.Event(), 0

    def seal() -> int:
        nonlocal sealed
        sealed += Chain(signed).seal(NOW)
        stop.set()
        raise RuntimeError("the disk is full")

    Dispatcher(signed, {}, lambda: NOW, seal=seal).run_forever(stop, idle=0)
    assert sealed == 3
    assert look(signed).waiting == 0


@given(st.sets(st.integers(1, 10_000), min_size=1))
def test_members_come_back_as_they_were_written(ids: set[int]) -> None:
    back = [id_ for first, last in ranges_of(members_of(sorted(ids))) for id_ in range(first, last + 1)]
    assert back == sorted(ids)
