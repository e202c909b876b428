"""Statements without a session do what a session would do, in one transaction or in none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from fhirapp.audit import KEY, AuditRow, audit, audit_directly
from fhirapp.cds_clients import SeenToken
from fhirapp.db.base import Sessions, engine_for, sessions_for
from fhirapp.db.direct import Direct, Own, Statement, linked
from fhirapp.referrals.referral import Actor

AT = datetime(2026, 11, 25, 9, 30, tzinfo=ZoneInfo("Pacific/Auckland"))
TOKEN = {"tenant_id": "city", "issuer": "https://ehr.example", "jti": "once", "expires_at": AT}
INSERT = Statement.inserting(SeenToken)
FIND = Statement(sa.select(SeenToken.tenant_id, SeenToken.expires_at).where(SeenToken.jti == sa.bindparam("jti")))


@pytest.fixture
def signed(database: str) -> Iterator[Sessions]:
    engine = engine_for(database)
    yield sessions_for(engine, **{KEY: b"k" * 32})
    engine.dispose()


def rows(sessions: Sessions, table: type = SeenToken) -> int:
    with sessions() as session:
        return session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_what_went_in_comes_out_in_the_types_of_the_columns(sessions: Sessions) -> None:
    with Direct(sessions).connected() as link:
        assert link.row(FIND, {"jti": "once"}) is None
        with link.writing():
            link.insert(INSERT, TOKEN)
        assert link.row(FIND, {"jti": "once"}) == ("city", AT.astimezone(UTC))
    with sessions() as session:
        assert session.get(SeenToken, ("https://ehr.example", "once")).expires_at == AT  # type: ignore[union-attr]


def test_a_block_that_fails_leaves_nothing_and_the_connection_is_good_again(sessions: Sessions) -> None:
    direct = Direct(sessions)

    def fails() -> None:
        with direct.connected() as link, link.writing():
            link.insert(INSERT, TOKEN)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert rows(sessions) == 0
    with direct.connected() as link, link.writing():
        assert link.is_new(INSERT, TOKEN)
    assert rows(sessions) == 1


def test_the_database_refuses_a_second_row_of_the_same_key(sessions: Sessions) -> None:
    direct = Direct(sessions)
    with direct.connected() as link, link.writing():
        assert link.is_new(INSERT, TOKEN)
    with direct.connected() as link, pytest.raises(KeyError):
        _write_again(link)
    assert rows(sessions) == 1


def _write_again(link: Own) -> None:
    with link.writing():
        if not link.is_new(INSERT, TOKEN):
            raise KeyError


def test_beside_a_session_they_are_in_its_transaction(sessions: Sessions) -> None:
    def fails() -> None:
        with sessions.begin() as session, linked(session) as link:
            link.insert(INSERT, TOKEN)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert rows(sessions) == 0


@pytest.mark.parametrize("way", ["session", "direct"])
def test_an_audit_row_is_signed_and_whole_whichever_way_it_takes(signed: Sessions, way: str) -> None:
    actor = Actor.service("city")
    if way == "session":
        with signed.begin() as session:
            audit(session, actor, "hook.patient-view", at=AT, patient_id="p1", verdict="refer")
    else:
        with Direct(signed).connected() as link, link.writing():
            audit_directly(link, actor, "hook.patient-view", at=AT, patient_id="p1", verdict="refer")
    with signed() as session:
        row = session.scalars(sa.select(AuditRow)).one()
    assert (row.actor, row.patient_id, row.details, row.at) == ("stride", "p1", {"verdict": "refer"}, AT)
    assert row.mac
    assert row.nonce


def test_one_statement_speaks_both_dialects() -> None:
    found = {name: FIND.ready(dialect).text for name, dialect in (
        ("sqlite", engine_for("sqlite://").dialect), ("postgresql", postgresql.psycopg.dialect()),
    )}  # fmt: skip
    assert "jti = ?" in found["sqlite"]
    assert "jti = %(jti)s" in found["postgresql"]


def test_a_key_that_the_database_counts_is_left_to_it() -> None:
    assert "id" not in [name for name, _ in Statement.inserting(AuditRow).ready(engine_for("sqlite://").dialect).places]


def test_a_place_whose_type_is_not_known_is_refused() -> None:
    untyped = Statement(sa.select(SeenToken.jti).where(sa.column("odd") == sa.bindparam("odd")))
    with pytest.raises(TypeError, match="odd"):
        untyped.ready(engine_for("sqlite://").dialect)


def test_putting_a_row_changes_the_one_of_its_key_and_no_other(sessions: Sessions) -> None:
    put = Statement.putting(SeenToken, ["issuer", "jti"], "expires_at")
    later = AT.replace(year=2027)
    with Direct(sessions).connected() as link, link.writing():
        link.insert_all(put, [TOKEN, {**TOKEN, "jti": "twice"}])
        link.insert(put, {**TOKEN, "tenant_id": "elsewhere", "expires_at": later})
    with Direct(sessions).connected() as link:
        found = link.rows(Statement(sa.select(SeenToken.jti, SeenToken.tenant_id, SeenToken.expires_at)), {})
    assert sorted(found) == [("once", "city", later.astimezone(UTC)), ("twice", "city", AT.astimezone(UTC))]


def test_a_change_says_how_many_rows_it_met(sessions: Sessions) -> None:
    change = Statement(
        sa.update(SeenToken).where(SeenToken.jti == sa.bindparam("which")).values(issuer="https://other.example")
    )
    with Direct(sessions).connected() as link, link.writing():
        link.insert(INSERT, TOKEN)
        assert link.change(change, {"which": "never"}) == 0
        assert link.change(change, {"which": "once"}) == 1
