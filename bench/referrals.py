"""How many referrals a second go in and out, on PostgreSQL: `python -m bench.referrals`.

In: a referral is opened with its event and its window job, one transaction each. Out: two worker processes end its
window: chart read, assessed anew (200 observations), signed, and four resources or more written into an EHR that
takes five milliseconds for an answer; measured from when both workers are up to the last write, once with an EHR that
takes batches and transactions and once with one that takes neither. Beside: a hundred thousand windows that wait.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import requests
import sqlalchemy as sa

from bench.mock_ehr import PATIENT
from bench.processes import free_port, tree
from fhirapp.bootstrap import Stride, build
from fhirapp.commands.keys import make_secrets
from fhirapp.config import Config
from fhirapp.demo.settings import TENANT, tenants_toml
from fhirapp.demo_ehr.interactions import Interactions
from fhirapp.demo_ehr.loader import load
from fhirapp.demo_ehr.patients import example_charts
from fhirapp.demo_ehr.scopes import FULL
from fhirapp.demo_ehr.store import Store
from fhirapp.ehr.chart import chart_of
from fhirapp.jobs.table import Job, enqueue
from fhirapp.referrals.intake import Judged
from fhirapp.referrals.judging import CLINICIAN_WINDOW, WRITE_BACK
from mappings.queries import EXTRAS, QUERIES, rest_path
from tests.databases import Cluster, postgresql_programs

OBSERVATIONS: Final = 200
GOALS: Final = {"in": 800, "out": 100}
WORKERS, THREADS, WAITING = 2, 4, 100_000
PHASES: Final = (CLINICIAN_WINDOW, WRITE_BACK)  # the two jobs that take a referral out


def answers(observations: int) -> dict[str, str]:
    """What the EHR says to each query about one chart, by path."""
    chart = next(copy.deepcopy(one.bundle) for one in example_charts(date.today()) if one.patient_id == PATIENT)  # noqa: DTZ011
    seen = [entry["resource"] for entry in chart["entry"] if entry["resource"]["resourceType"] == "Observation"]
    for number in range(observations - len(seen)):  # the same results again, each time a month earlier
        old = copy.deepcopy(seen[number % len(seen)])
        old["id"] = f"old-{number}"
        when = datetime.fromisoformat(old["effectiveDateTime"]) - timedelta(days=30 * (1 + number // len(seen)))
        old["effectiveDateTime"] = when.isoformat()
        chart["entry"].append({"resource": old})
    store = Store(lambda: datetime.now(UTC))
    load(store, [chart])
    api = Interactions(store, "http://mock/fhir", 1000)
    paths = [rest_path(query, PATIENT) for query in (*QUERIES, *EXTRAS)]
    return {path: json.dumps(_asked(api, path)) for path in paths}


def _asked(api: Interactions, path: str) -> Any:
    kind, _, query = path.partition("?")
    if "/" in kind:
        return api.store.read(*kind.split("/"))
    from urllib.parse import parse_qsl

    return api.search(kind, parse_qsl(query), FULL)


@dataclass(frozen=True, slots=True)
class Hospital:
    """PostgreSQL as in production, the mock EHR, and the service assembled in this process."""

    stride: Stride
    env: dict[str, str]
    base: str
    cluster: Cluster

    def counts(self) -> dict[str, float]:
        """What the EHR has counted."""
        counts: dict[str, float] = requests.get(f"{self.base}/counts", timeout=10).json()
        return counts


@contextmanager
def hospital(folder: Path, *, together: bool) -> Iterator[Hospital]:
    """All that is measured; the EHR takes batches and transactions, or, without `together`, one thing at a time."""
    programs = postgresql_programs()
    if programs is None:
        raise SystemExit("needs PostgreSQL (Debian: apt-get install postgresql)")
    cluster = Cluster(programs, durable=True)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    make_secrets(folder)
    (folder / "tenants.toml").write_text(
        tenants_toml(base, date.today() + timedelta(days=30))  # noqa: DTZ011
        + f"\n[tenants.{TENANT}.pace]\njobs_at_once = {WORKERS * THREADS}\n"
    )
    (folder / "mock.json").write_text(
        json.dumps({"port": port, "together": together, "answers": answers(OBSERVATIONS)})
    )
    env = {
        "STRIDE_TENANTS": str(folder / "tenants.toml"), "STRIDE_PUBLIC_URL": "http://localhost:9",
        "STRIDE_SECRET_FILE": str(folder / "secret"), "STRIDE_KEYS": str(folder / "keys"),
        "STRIDE_DATABASE_URL": cluster.url(cluster.create("migrated")), "STRIDE_INSECURE_HTTP": "1",
        "OMP_NUM_THREADS": "1", "STRIDE_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    mock = subprocess.Popen([sys.executable, "-m", "bench.mock_ehr", str(folder)])
    try:
        _until(lambda: requests.get(f"{base}/counts", timeout=1).ok)
        stride = build(Config.from_env(env))
        yield Hospital(stride, env, base, cluster)
        stride.sessions.engine.dispose()
    finally:
        mock.kill()
        mock.wait()
        cluster.stop()


def opened(stride: Stride, count: int, first: int = 0) -> tuple[float, float]:
    """Referrals a second that go in, by four threads, and milliseconds of processor time for each.

    They are opened as of three days ago, so that the clinician's window of each is over.
    """
    tenant, then = stride.tenants[TENANT], stride.clock() - timedelta(hours=73)
    chart, unread = chart_of(stride.ehrs.as_system(tenant), f"b{first:06}", stride.pool)
    judged = stride.intake.decide_on(tenant, chart, unread, now=stride.clock())

    def one(number: int) -> None:
        mine = _of_patient(judged, f"b{number:06}")
        with stride.sessions.begin() as session:
            stride.intake.settle(session, tenant, mine, now=then, occasion="bench")

    one(first)
    begun, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(first + 1, first + count)))
    passed = time.perf_counter() - begun
    return (count - 1) / passed, (time.process_time() - cpu) / (count - 1) * 1000


def _of_patient(judged: Judged, patient_id: str) -> Judged:
    assessment = judged.decision.assessment
    snapshot = replace(assessment.snapshot, patient_id=patient_id)
    return replace(judged, decision=replace(judged.decision, assessment=replace(assessment, snapshot=snapshot)))


@dataclass(frozen=True, slots=True)
class Drained:
    """How quickly referrals went out, and what each cost in milliseconds of processor time."""

    per_second: float
    workers_ms: float
    database_ms: float
    ehr_ms: float
    requests: float  # to the EHR
    resources: float


def drained(hospital: Hospital, count: int) -> Drained:
    """So many referrals through two workers, from when both have nothing else to do until the last is written."""
    kept = timedelta(days=1)
    hospital.stride.closed_loop.schedule(hospital.stride.tenants.by_id.values())
    engine = hospital.stride.sessions.engine
    later = sa.update(Job).where(Job.kind.in_(PHASES))
    with engine.begin() as connection:
        connection.execute(later.values(run_at=hospital.stride.clock() + kept))
    command = [sys.executable, "-m", "fhirapp.cli", "worker", "--threads", str(THREADS)]
    workers = [subprocess.Popen(command, env={**os.environ, **hospital.env}) for _ in range(WORKERS)]
    try:
        time.sleep(5)
        _until_idle([worker.pid for worker in workers])
        before = _spent(hospital, workers)
        with engine.begin() as connection:
            connection.execute(later.values(run_at=hospital.stride.clock() - kept))
        begun = time.perf_counter()
        done = sa.select(sa.func.count()).where(Job.kind == WRITE_BACK, Job.state == "done")
        while True:
            with engine.connect() as connection:
                if connection.execute(done).scalar_one() >= count:
                    break
            time.sleep(0.1)
        passed = time.perf_counter() - begun
        each = [(now - then) / count for now, then in zip(_spent(hospital, workers), before, strict=True)]
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()
    return Drained(count / passed, *each)


def _spent(hospital: Hospital, workers: list[subprocess.Popen[bytes]]) -> tuple[float, ...]:
    """Milliseconds of processor time so far, of workers, database and EHR; requests to the EHR and resources in it."""
    counts = hospital.counts()
    mine = sum(_cpu_of(worker.pid) for worker in workers)
    database = sum(_cpu_of(pid, ended=True) for pid in tree(hospital.cluster.pid))
    return mine * 1000, database * 1000, counts["processor_s"] * 1000, counts["requests"], counts["created"]


def _until_idle(pids: list[int]) -> None:
    """Until they have come to rest: everything is loaded, and the jobs of their start are done."""
    for _ in range(60):
        before = sum(map(_cpu_of, pids))
        time.sleep(1)
        if sum(map(_cpu_of, pids)) - before < 0.2:
            return


def waiting(hospital: Hospital, count: int) -> tuple[float, float, float]:
    """Percent of one processor and memory of a worker that has nothing due: without windows, then with so many."""
    stride, env = hospital.stride, hospital.env
    with stride.sessions.begin() as session:
        session.execute(sa.delete(Job))
    before = _idle(env)
    far = stride.clock() + timedelta(days=3)
    with stride.sessions.begin() as session:
        for number in range(count):
            enqueue(session, TENANT, CLINICIAN_WINDOW, f"wait/{number}", {"referral": str(number)}, run_at=far)
    with stride.sessions.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE job")
    after = _idle(env)
    return after[0], before[1], after[1]


def _idle(env: dict[str, str], seconds: float = 20.0) -> tuple[float, float]:
    worker = subprocess.Popen([sys.executable, "-m", "fhirapp.cli", "worker"], env={**os.environ, **env})
    try:
        time.sleep(15)
        begun = _cpu_of(worker.pid)
        time.sleep(seconds)
        memory = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
        return (_cpu_of(worker.pid) - begun) / seconds * 100, memory
    finally:
        worker.terminate()
        worker.wait()


def _cpu_of(pid: int, *, ended: bool = False) -> float:
    """Seconds of processor time, with those of children that have ended where they are wanted."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if ended else 13])) / os.sysconf("SC_CLK_TCK")


def _until(true: Any) -> None:
    for _ in range(200):
        try:
            if true():
                return
        except requests.RequestException:
            time.sleep(0.05)
    raise SystemExit("the mock EHR does not answer")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.referrals", description=__doc__)
    parser.add_argument("--referrals", type=int, default=1000)
    parser.add_argument("--windows", type=int, default=WAITING)
    asked = parser.parse_args([] if arguments is None else arguments)
    print("referrals on PostgreSQL, EHR at 5 ms, charts of 200 observations")
    for together in (True, False):
        with tempfile.TemporaryDirectory(prefix="stride-bench-") as name, _hospital(name, together) as one:
            _measure(one, together, asked.referrals, asked.windows)


def _hospital(name: str, together: bool) -> AbstractContextManager[Hospital]:
    return hospital(Path(name), together=together)


def _measure(hospital: Hospital, together: bool, referrals: int, windows: int) -> None:
    rate, cpu = opened(hospital.stride, referrals)
    if together:
        print(f"{'in':>10} {rate:8.1f} /s   {cpu:6.2f} ms of processor each   (goal {GOALS['in']} /s)", flush=True)
    print(_out(drained(hospital, referrals), hospital, together), flush=True)
    if together and windows:
        used, alone, with_them = waiting(hospital, windows)
        print(f"{'waiting':>10} {windows:,} windows: {used:.2f} % of a processor, "
              f"{(with_them - alone) * 2**20 / windows:.1f} bytes of a worker's memory each", flush=True)  # fmt: skip


def _out(out: Drained, hospital: Hospital, together: bool) -> str:
    way = "batches and transactions" if together else "one thing at a time"
    return (
        f"{'out':>10} {out.per_second:8.1f} /s   {out.workers_ms:6.2f} ms of processor each (and {out.database_ms:.1f}"
        f" of the database, {out.ehr_ms:.1f} of the EHR)   (goal {GOALS['out']} /s)\n{'':>10} {way}: "
        f"{out.requests:.1f} requests, {out.resources:.1f} resources each; "
        f"{hospital.counts()['again']:.0f} asked for twice"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
