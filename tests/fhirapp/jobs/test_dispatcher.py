"""The worker's loop: which job goes to which hand, and jobs that put themselves on the list again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from fhirapp.db.base import Sessions
from fhirapp.jobs.dispatcher import Dispatcher
from fhirapp.jobs.table import Job, enqueue

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def test_a_job_about_a_whole_ehr_goes_to_the_hand_of_its_tenant_and_can_come_back(sessions: Sessions) -> None:
    seen: list[str] = []

    def nightly(tenant_id: str) -> None:
        seen.append(tenant_id)
        with sessions.begin() as session:
            enqueue(session, tenant_id, "nightly", f"nightly/{tenant_id}", {}, run_at=NOW + timedelta(days=1))

    def never(tenant_id: str, referral_id: UUID) -> None:
        raise AssertionError("no referral is meant")

    with sessions.begin() as session:
        enqueue(session, "ward", "nightly", "nightly/ward", {}, run_at=NOW)
    worker = Dispatcher(sessions, {"other": never}, lambda: NOW, tenant_handlers={"nightly": nightly})
    assert worker.run_due() == 1
    assert seen == ["ward"]
    with sessions() as session:
        job = session.execute(sa.select(Job)).scalar_one()
    assert (job.state, job.run_at) == ("ready", NOW + timedelta(days=1))
