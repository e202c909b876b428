"""The broom: takes what has served, leaves what may be needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fhirapp.cds_clients import SeenToken
from fhirapp.db.base import Sessions
from fhirapp.jobs.table import Job
from fhirapp.tidying import JOBS_KEPT, Tidier

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def test_only_what_is_spent_goes(sessions: Sessions) -> None:
    minute = timedelta(minutes=1)
    with sessions.begin() as session:
        for jti, expires in (("spent", NOW - minute), ("good", NOW + minute)):
            session.add(SeenToken(tenant_id="city", issuer="ehr", jti=jti, expires_at=expires))
        for key, state, at in (
            ("old", "done", NOW - JOBS_KEPT - minute),
            ("new", "done", NOW),
            ("waiting", "ready", NOW - JOBS_KEPT - minute),
            ("dead", "dead", NOW - JOBS_KEPT - minute),
        ):
            session.add(Job(tenant_id="city", kind="k", key=key, payload={}, state=state, run_at=at))
    assert Tidier(sessions, lambda: NOW).tidy() == 2
    with sessions() as session:
        assert [row.jti for row in session.query(SeenToken)] == ["good"]
        assert {row.key for row in session.query(Job)} == {"new", "waiting", "dead"}
