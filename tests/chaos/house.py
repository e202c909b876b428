"""A hospital made of real processes that can be killed: an EHR, gunicorn with its workers, and job workers."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import requests

from fhirapp.clock import DatabaseClock
from fhirapp.db.base import Sessions, engine_for, sessions_for
from fhirapp.demo.stage import Process, Stage, prepare
from fhirapp.demo_ehr.patients import example_charts, practitioners_and_organizations
from fhirapp.referrals.links import OptOutLinks
from tests.databases import a_database

MODEL = "pia-partial"  # fit, and the smallest chart: what is tried here is not the reading of charts


@dataclass
class House:
    """The processes, and what a test does to them."""

    stage: Stage
    workers: list[Process]
    sessions: Sessions
    dice: random.Random
    patients: list[str]
    kills: dict[str, int] = field(default_factory=dict)
    waits: Callable[[], bool] = lambda: False  # whether a request to the EHR is still under way

    @property
    def clock(self) -> DatabaseClock:
        return DatabaseClock(self.sessions, movable=True)

    @property
    def links(self) -> OptOutLinks:
        return OptOutLinks(self.stage.config.secret, self.stage.stride_url)

    def kill_one(self) -> None:
        """SIGKILL to a job worker, to one of gunicorn's workers, or to gunicorn with all that belongs to it."""
        children = children_of(pid_of(self.stage.web))
        what = self.dice.choice(("worker", "worker", "web child", "web child", "web") if children else ("worker",))
        if what == "worker":
            victim = self.dice.choice(self.workers)
            victim.kill()
            victim.start()
        elif what == "web":
            kill_tree(self.stage.web)
            self.stage.web.start()
        else:
            os.kill(self.dice.choice(children), signal.SIGKILL)
        self.kills[what] = self.kills.get(what, 0) + 1

    def admin(self, path: str, **params: Any) -> Any:
        """Ask the EHR's test controls."""
        answer = requests.get(f"{self.stage.ehr_url}/_admin/{path}", params=params, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def skew_the_ehr(self, seconds: float) -> None:
        """Let the EHR's clock be wrong."""
        url = f"{self.stage.ehr_url}/_admin/clock"
        requests.put(url, json={"offset_seconds": seconds}, timeout=10).raise_for_status()

    def logs(self) -> str:
        """The last words of all processes, for a failure."""
        return "\n".join(f"== {one.name}\n{one.last_words(40)}" for one in (*self.stage.processes, *self.workers[1:]))


@contextmanager
def house(
    folder: Path,
    *,
    of: str,
    referrals: int,
    seed: int,
    fhir_base: str = "",
    workers: int = 2,
    embedded: bool = False,
) -> Iterator[House]:
    """All processes up, on a database of this kind. With `fhir_base` the service finds the EHR there."""
    patients = [f"p{number:04}" for number in range(referrals)]
    with a_database(folder, of=of) as url:
        stage = prepare(folder, charts(patients), {}, ports=(0, 0))
        env = dict(stage.env) | {"STRIDE_DATABASE_URL": url, "STRIDE_EMBEDDED_WORKER": str(int(embedded))}
        for process in stage.processes:
            process.env = env
        stage.env = env
        if fhir_base:
            told = folder / "tenants.toml"
            base = f'fhir_base = "{stage.ehr_url}/fhir"'
            told.write_text(told.read_text().replace(base, f'fhir_base = "{fhir_base}"'))
        more = [
            Process(f"worker {n}", stage.worker.command, env, folder / f"worker-{n}.log") for n in range(2, workers + 1)
        ]
        engine = engine_for(url)
        try:
            stage.start()
            for one in more:
                one.start()
            yield House(stage, [stage.worker, *more], sessions_for(engine), random.Random(seed), patients)
        finally:
            for one in more:
                one.stop()
            stage.worker.stop()
            kill_tree(stage.web)
            stage.stop()
            engine.dispose()


def charts(patients: list[str]) -> list[dict[str, Any]]:
    """The same small chart for each of them, and the staff."""
    today = date.today() + timedelta(days=0)
    model = next(json.dumps(one.bundle) for one in example_charts(today) if one.patient_id == MODEL)
    staff = [{"resource": resource} for resource in practitioners_and_organizations()]
    return [
        {"resourceType": "Bundle", "type": "collection", "entry": staff},
        *(json.loads(model.replace(MODEL, patient)) for patient in patients),
    ]


def pid_of(process: Process) -> int:
    return process.popen.pid if process.popen is not None else 0


def children_of(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def kill_tree(process: Process) -> None:
    """SIGKILL to a process and its children, which would otherwise live on and keep its port."""
    children = children_of(pid_of(process))
    process.kill()
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for child in children:
        while Path(f"/proc/{child}").exists() and "Z" not in state_of(child):
            time.sleep(0.01)


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
