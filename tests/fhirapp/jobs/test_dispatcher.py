"""The worker's loop: which job goes to which hand, and jobs that put themselves on the list again."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from fhirapp.db.base import Sessions
from fhirapp.jobs.dispatcher import Dispatcher, Idlers
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


def test_of_several_threads_that_idle_one_looks_and_wakes_another() -> None:
    idlers, stop = Idlers(), threading.Event()
    looks = threading.Thread(target=idlers.wait, args=(stop, 60))
    other = threading.Thread(target=idlers.wait, args=(stop, 60))
    looks.start()
    ends = time.monotonic() + 30
    while not idlers._looks.locked() and time.monotonic() < ends:
        time.sleep(0.001)
    other.start()
    other.join(0.05)
    assert other.is_alive(), "nobody has found anything"
    while other.is_alive() and time.monotonic() < ends:
        idlers.wake()
        other.join(0.001)
    assert not other.is_alive()
    assert looks.is_alive()
    stop.set()
    looks.join(30)
    assert not looks.is_alive()


def test_one_who_idles_takes_the_turn_of_one_who_went_to_work() -> None:
    idlers, stop = Idlers(), threading.Event()
    for _ in range(3):
        idlers.wait(stop, 0)
    assert not idlers._looks.locked()
