"""Jobs are never lost, never finished by the wrong hand, and never run twice at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fhirapp.db.base import Sessions
from fhirapp.jobs.table import (
    LEASE,
    MAX_ATTEMPTS,
    Job,
    backoff,
    bury,
    claim_one,
    enqueue,
    finish,
    overlapped,
    retry,
    revive,
)

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=ZoneInfo("Australia/Adelaide"))


def put(sessions: Sessions, key: str = "window/1", at: datetime = NOW) -> None:
    with sessions.begin() as session:
        enqueue(session, "city", "window", key, {"referral": "1"}, run_at=at)


def only(sessions: Sessions) -> Job:
    with sessions() as session:
        return session.query(Job).one()


def test_the_same_job_enqueued_twice_is_one_job(sessions: Sessions) -> None:
    put(sessions)
    put(sessions, at=NOW + timedelta(hours=1))
    assert only(sessions).run_at == NOW + timedelta(hours=1)


def test_a_job_is_not_claimed_before_its_time(sessions: Sessions) -> None:
    put(sessions, at=NOW + timedelta(seconds=1))
    assert claim_one(sessions, NOW) is None
    assert claim_one(sessions, NOW + timedelta(seconds=1)) is not None


def test_a_claimed_job_belongs_to_one_worker_until_its_lease_ends(sessions: Sessions) -> None:
    put(sessions)
    assert claim_one(sessions, NOW) is not None
    assert claim_one(sessions, NOW + LEASE - timedelta(seconds=1)) is None
    assert claim_one(sessions, NOW + LEASE) is not None, "its worker died: the job is due again"


def test_a_worker_whose_lease_has_passed_cannot_finish_the_job(sessions: Sessions) -> None:
    put(sessions)
    slow = claim_one(sessions, NOW)
    quick = claim_one(sessions, NOW + LEASE)
    assert slow is not None
    assert quick is not None
    with sessions.begin() as session:
        assert not finish(session, slow)
    assert only(sessions).state == "ready"
    with sessions.begin() as session:
        assert finish(session, quick)
    assert only(sessions).state == "done"


def test_a_job_made_due_again_while_it_runs_is_not_marked_done(sessions: Sessions) -> None:
    put(sessions)
    claim = claim_one(sessions, NOW)
    assert claim is not None
    put(sessions, at=NOW)
    with sessions.begin() as session:
        assert not finish(session, claim)
    assert claim_one(sessions, NOW) is not None


def test_a_run_beside_another_one_is_seen_and_mere_rearming_is_not(sessions: Sessions) -> None:
    put(sessions)
    first = claim_one(sessions, NOW)
    assert first is not None
    put(sessions, at=NOW + timedelta(days=1))
    with sessions.begin() as session:
        assert not finish(session, first)
        assert not overlapped(session, first), "it will run tomorrow, and only then"
    put(sessions)
    assert claim_one(sessions, NOW) is not None
    with sessions.begin() as session:
        assert overlapped(session, first)


def test_eight_workers_share_forty_jobs_without_running_one_twice(sessions: Sessions) -> None:
    for number in range(40):
        put(sessions, key=f"window/{number}")

    def work(_: int) -> list[int]:
        done = []
        while (claim := claim_one(sessions, NOW)) is not None:
            with sessions.begin() as session:
                assert finish(session, claim)
            done.append(claim.id)
        return done

    with ThreadPoolExecutor(8) as pool:
        ran = [job for done in pool.map(work, range(8)) for job in done]
    assert len(ran) == len(set(ran)) == 40


def test_a_failing_job_is_dead_after_its_last_try_and_one_for_the_other_side_never(sessions: Sessions) -> None:
    put(sessions)
    moment = NOW
    for _ in range(MAX_ATTEMPTS):
        claim = claim_one(sessions, moment)
        assert claim is not None
        moment += timedelta(hours=1)
        with sessions.begin() as session:
            assert retry(session, claim, run_at=moment, error="EhrUnavailable", for_ever=True)
    assert only(sessions).state == "ready"
    claim = claim_one(sessions, moment)
    assert claim is not None
    with sessions.begin() as session:
        assert retry(session, claim, run_at=moment, error="KeyError")
    assert only(sessions).state == "dead"


def test_a_buried_job_is_not_run_again_until_it_is_asked_for(sessions: Sessions) -> None:
    put(sessions)
    claim = claim_one(sessions, NOW)
    assert claim is not None
    with sessions.begin() as session:
        assert bury(session, claim, error="EhrRefused")
    assert claim_one(sessions, NOW + timedelta(days=30)) is None
    put(sessions)
    assert claim_one(sessions, NOW) is not None


def test_a_person_can_have_given_up_jobs_run_again(sessions: Sessions) -> None:
    put(sessions)
    claim = claim_one(sessions, NOW)
    assert claim is not None
    with sessions.begin() as session:
        bury(session, claim, error="EhrRefused")
    with sessions.begin() as session:
        assert revive(session, NOW) == 1
    again = claim_one(sessions, NOW)
    assert again is not None
    assert again.failures == 0


def test_pauses_grow_to_half_an_hour_and_not_beyond() -> None:
    waits = [backoff(failures) for failures in range(40)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=5), timedelta(minutes=30))


def test_many_who_enqueue_the_same_job_at_once_make_one_job_and_none_fails(sessions: Sessions) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: put(sessions), range(40)))
    assert only(sessions).arms == 39
