"""The watch over statements sees what it must, and the ones that are sent as text are looked at as well."""

from __future__ import annotations

import sys

import pytest
from sqlalchemy.dialects import postgresql, sqlite

import fhirapp.app  # noqa: F401 - brings every module that keeps statements
from fhirapp.db.direct import Statement
from tests.statements import TABLES, fault_of


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT referral.id FROM referral WHERE referral.patient_id = ?",
        "SELECT card.id FROM referral JOIN card ON card.referral_id = referral.id WHERE card.user = ?",
        "DELETE FROM notice WHERE notice.referral_id = ?",
        "UPDATE referral SET state = ? WHERE referral.patient_id = ?",
        "INSERT INTO audit (id, at) VALUES (?, ?)",
        "SELECT referral.tenant_id FROM referral",
    ],
)
def test_a_statement_without_its_tenant_is_seen(statement: str) -> None:
    assert fault_of(statement)


@pytest.mark.parametrize(
    "statement",
    [
        'SELECT "referral".id FROM referral\nWHERE referral.tenant_id = ? AND referral.patient_id = ?',
        "INSERT INTO audit (tenant_id, at) VALUES (?, ?)",
        "SELECT clock_offset.seconds FROM clock_offset",
        "PRAGMA foreign_keys",
        "UPDATE referral SET state=? WHERE referral.id = ?",
    ],
)
def test_one_that_names_its_tenant_or_needs_none_is_let_through(statement: str) -> None:
    assert not fault_of(statement)


def test_the_statements_of_a_hook_call_name_their_tenant() -> None:
    rooms = [vars(module) for name, module in list(sys.modules.items()) if name.startswith("fhirapp.")]
    kept = [one for room in rooms for one in room.values() if type(one) is Statement]
    assert len(kept) >= 4
    for one in kept:
        for dialect in (sqlite.dialect(), postgresql.dialect()):
            assert not fault_of(one.ready(dialect).text)


def test_nearly_every_table_is_watched() -> None:
    assert len(TABLES) > 15
