"""A slow or silent EHR keeps no worker from the others, and is not asked again and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from fhirapp.db.base import Sessions
from fhirapp.ehr.errors import EhrDown, EhrRefused, EhrUnavailable
from fhirapp.jobs.dispatcher import Dispatcher
from fhirapp.jobs.lanes import FIRST_REST, LONGEST_REST, Lanes
from fhirapp.jobs.pace import Pace
from fhirapp.jobs.table import LEASE, claim_one, enqueue, finish

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=ZoneInfo("Australia/Adelaide"))
KINDS = frozenset({"write"})


class Worker:
    """One worker whose clock stands still until it is moved."""

    def __init__(self, sessions: Sessions, write: Callable[[str], None], **paces: Pace) -> None:
        self.now, self.tried, self.sessions = NOW, [], sessions
        self.write, lanes = write, Lanes(KINDS, paces)
        self.jobs = Dispatcher(sessions, {"write": self._write, "alarm": self._write}, lambda: self.now, lanes=lanes)

    tried: list[str]

    def _write(self, tenant_id: str, _referral: UUID) -> None:
        self.tried.append(tenant_id)
        self.write(tenant_id)

    def put(self, tenant_id: str, count: int, kind: str = "write") -> None:
        with self.sessions.begin() as session:
            for _ in range(count):
                name = uuid4()
                enqueue(session, tenant_id, kind, f"{kind}/{name}", {"referral": str(name)}, run_at=NOW)


def down(tenant_id: str) -> None:
    if tenant_id == "down":
        raise EhrDown("POST ServiceRequest: ConnectTimeout")


def test_one_job_finds_that_an_ehr_is_down_and_the_others_wait_with_it(sessions: Sessions) -> None:
    worker = Worker(sessions, down)
    worker.put("down", 20)
    worker.put("up", 3)
    worker.jobs.run_due()
    assert sorted(worker.tried) == ["down", "up", "up", "up"]


def test_an_hour_of_outage_costs_few_requests_however_many_jobs_wait(sessions: Sessions) -> None:
    worker = Worker(sessions, down)
    worker.put("down", 200)
    for _ in range(3600):
        worker.jobs.run_due()
        worker.now += timedelta(seconds=1)
    assert 10 <= len(worker.tried) <= 3600 / LONGEST_REST.total_seconds() + 10


def test_when_it_answers_again_everything_goes_on_at_once(sessions: Sessions) -> None:
    silent = True

    def write(_tenant: str) -> None:
        if silent:
            raise EhrDown("GET Patient: 503", 503)

    worker = Worker(sessions, write)
    worker.put("city", 20)
    worker.jobs.run_due()
    silent = False
    worker.now += FIRST_REST
    assert worker.jobs.run_due() == 20 - 1 + 1, "the one that had failed as well: its own pause is over too"


def test_an_ehr_that_asks_for_peace_gets_as_long_as_it_asked_for(sessions: Sessions) -> None:
    def write(_tenant: str) -> None:
        raise EhrDown("GET Patient: 429", 429, 90.0)

    worker = Worker(sessions, write)
    worker.put("city", 5)
    for _ in range(89):
        worker.jobs.run_due()
        worker.now += timedelta(seconds=1)
    assert worker.tried == ["city"]
    worker.now += timedelta(seconds=1)
    worker.jobs.run_due()
    assert len(worker.tried) == 2


def test_what_is_wrong_with_one_resource_closes_no_lane(sessions: Sessions) -> None:
    faults = [EhrRefused("POST Task: 422", 422), EhrUnavailable("POST Task: 500", 500)]

    def write(_tenant: str) -> None:
        if faults:
            raise faults.pop()

    worker = Worker(sessions, write)
    worker.put("city", 5)
    worker.jobs.run_due()
    assert len(worker.tried) == 5


def test_an_outage_of_the_ehr_holds_up_no_alarm(sessions: Sessions) -> None:
    worker = Worker(sessions, down)
    worker.put("down", 3)
    worker.jobs.run_due()
    worker.write = lambda _tenant: None
    worker.put("down", 2, kind="alarm")
    assert worker.jobs.run_due() == 2


def test_no_more_jobs_of_one_ehr_are_under_way_than_it_allows(sessions: Sessions) -> None:
    worker, lanes = Worker(sessions, down), Lanes(KINDS, {"slow": Pace(jobs_at_once=2)})
    worker.put("slow", 5)
    worker.put("quick", 2)
    claims = [claim_one(sessions, NOW, lanes=lanes) for _ in range(6)]
    assert sorted(claim.tenant_id for claim in claims if claim) == ["quick", "quick", "slow", "slow"]
    assert claim_one(sessions, NOW + LEASE, lanes=lanes) is not None, "the hands that held them are gone"


def test_a_job_that_puts_itself_on_the_list_again_gives_its_place_in_the_lane_back(sessions: Sessions) -> None:
    worker, lanes = Worker(sessions, down), Lanes(KINDS, {"city": Pace(jobs_at_once=1)})
    worker.put("city", 2)
    first = claim_one(sessions, NOW, lanes=lanes)
    assert first is not None
    with sessions.begin() as session:  # tomorrow again, as a daily look does
        enqueue(session, "city", first.kind, first.key, first.payload, run_at=NOW + timedelta(days=1))
    assert claim_one(sessions, NOW, lanes=lanes) is None, "its hand is still busy"
    with sessions.begin() as session:
        assert not finish(session, first)
    assert claim_one(sessions, NOW, lanes=lanes) is not None


def test_so_many_jobs_begin_in_a_second_and_no_more(sessions: Sessions) -> None:
    worker = Worker(sessions, down, city=Pace(jobs_per_second=10))
    worker.put("city", 200)
    for _ in range(50):
        worker.jobs.run_due()
        worker.now += timedelta(milliseconds=100)
    assert 50 <= len(worker.tried) <= 5 * 10 + 12
