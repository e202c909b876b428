"""A history that the database itself keeps whole, on either database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from fhirapp.db.append_only import Erasure, erasing
from fhirapp.db.base import Sessions
from fhirapp.referrals.referral import Referral, ReferralEvent

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def an_event(sessions: Sessions, tenant_id: str = "ward") -> int:
    """A referral with one line of history; the line's number."""
    referral: dict[str, Any] = {
        **{"id": uuid4(), "tenant_id": tenant_id, "patient_id": "p1", "ordinal": 1, "state": "proposed"},
        **{"is_open": True, "opened_at": NOW, "state_since": NOW, "assessed_at": NOW, "verdict": "go", "tier": "T4"},
        **{"destination": "D4", "summary": {}},
    }
    with sessions.begin() as session:
        session.add(Referral(**referral))
        session.flush()
        event = ReferralEvent(
            tenant_id=tenant_id, referral_id=referral["id"], at=NOW, action="sign", state_before="proposed",
            state_after="opt_out_open", role="clinician", actor="Practitioner/1", actor_display="", details={},
        )  # fmt: skip
        session.add(event)
        session.flush()
        return event.id


def actions(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(session.execute(sa.select(ReferralEvent.action)).scalars())


def test_a_line_of_history_cannot_be_changed(sessions: Sessions) -> None:
    an_event(sessions)
    with pytest.raises(DatabaseError, match="only ever added"), sessions.begin() as session:
        session.execute(sa.update(ReferralEvent).values(action="decline"))
    assert actions(sessions) == ["sign"]


def test_a_line_of_history_cannot_be_removed(sessions: Sessions) -> None:
    an_event(sessions)
    with pytest.raises(DatabaseError, match="only ever added"), sessions.begin() as session:
        session.execute(sa.delete(ReferralEvent))
    assert actions(sessions) == ["sign"]


def test_erasure_removes_the_lines_of_its_tenant_and_nobody_elses(sessions: Sessions) -> None:
    an_event(sessions), an_event(sessions, "other")
    with sessions.begin() as session, erasing(session, "ward"):
        session.execute(sa.delete(ReferralEvent).where(ReferralEvent.tenant_id == "ward"))
    assert actions(sessions) == ["sign"]
    with pytest.raises(DatabaseError), sessions.begin() as session, erasing(session, "ward"):
        session.execute(sa.delete(ReferralEvent).where(ReferralEvent.tenant_id == "other"))
    assert actions(sessions) == ["sign"]


def test_after_an_erasure_the_history_is_closed_again(sessions: Sessions) -> None:
    an_event(sessions)
    with sessions.begin() as session, erasing(session, "ward"):
        pass
    with sessions() as session:
        assert session.execute(sa.select(Erasure)).first() is None
    with pytest.raises(DatabaseError), sessions.begin() as session:
        session.execute(sa.delete(ReferralEvent))


def test_even_erasure_cannot_change_a_line(sessions: Sessions) -> None:
    an_event(sessions)
    with pytest.raises(DatabaseError), sessions.begin() as session, erasing(session, "ward"):
        session.execute(sa.update(ReferralEvent).values(action="decline"))
