"""Sets the stage: a demo EHR, the service under gunicorn and a worker, each a process of its own on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import requests

from fhirapp.commands.keys import make_secrets
from fhirapp.config import Config
from fhirapp.demo.settings import tenants_toml

START_SECONDS: Final = 40.0  # a cold start on a slow machine


class StageFailed(Exception):
    """A process did not start, or ended by itself; the message says which and shows its last words."""


@dataclass(slots=True)
class Process:
    """One process that we started; only such a one is ever ended."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its output goes to a file."""
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
                [sys.executable, *self.command],
                env={**os.environ, **self.env},
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.popen is not None:
            self.popen.kill()
            self.popen.wait()
            self.popen = None

    def stop(self) -> None:
        """Ask it to end, and wait; a process that will not is killed."""
        if self.popen is None:
            return
        self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self.popen = None

    def check(self) -> None:
        """Raise `StageFailed` when it has ended by itself."""
        if self.popen is not None and self.popen.poll() is not None:
            raise StageFailed(f"{self.name} ended with code {self.popen.returncode}:\n{self.last_words()}")

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


@dataclass(slots=True)
class Stage:
    """The three processes, and how to reach them."""

    folder: Path
    ehr_url: str
    stride_url: str
    env: Mapping[str, str]
    ehr: Process
    web: Process
    worker: Process
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def config(self) -> Config:
        """The service's settings, as its own processes read them."""
        return Config.from_env(self.env)

    @property
    def processes(self) -> tuple[Process, ...]:
        return (self.ehr, self.web, self.worker)

    def start(self) -> None:
        """Start all three, in an order in which each finds what it needs."""
        self.ehr.start()
        self._await(self.ehr, f"{self.ehr_url}/_admin/health")
        self.web.start()
        self._await(self.web, f"{self.stride_url}/readyz")
        self.worker.start()

    def stop(self) -> None:
        """Stop all three, the last started first."""
        for process in reversed(self.processes):
            process.stop()

    def check(self) -> None:
        """Raise `StageFailed` when one of them has ended by itself."""
        for process in self.processes:
            process.check()

    def _await(self, process: Process, url: str) -> None:
        ends = time.monotonic() + START_SECONDS
        said = "it did not answer"
        while time.monotonic() < ends:
            process.check()
            try:
                answer = self.http.get(url, timeout=5)
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(0.1)  # a process that starts gives no other sign
                continue
            if answer.ok:
                return
            said = answer.text[:300]
            time.sleep(0.1)
        raise StageFailed(f"{process.name} was not ready after {START_SECONDS:.0f} s: {said}\n{process.last_words()}")


@contextmanager
def stage(
    folder: Path, bundles: Sequence[Mapping[str, Any]], stories: Mapping[str, str], *, ports: tuple[int, int] = (0, 0)
) -> Iterator[Stage]:
    """A running stage; everything is stopped when the block ends, however it ends."""
    set_stage = prepare(folder, bundles, stories, ports=ports)
    try:
        set_stage.start()
        yield set_stage
    finally:
        set_stage.stop()


def prepare(
    folder: Path, bundles: Sequence[Mapping[str, Any]], stories: Mapping[str, str], *, ports: tuple[int, int]
) -> Stage:
    """Write keys, tenants and charts into a folder; nothing is started yet."""
    ehr_port, stride_port = (port or free_port() for port in ports)
    # Two names of one machine are two sites to a browser, so the app in the EHR's frame is a third party here too.
    ehr_url, stride_url = f"http://127.0.0.1:{ehr_port}", f"http://localhost:{stride_port}"
    folder.mkdir(parents=True, exist_ok=True)
    if not list((folder / "keys").glob("*.json")):
        make_secrets(folder)
    expires = date.today() + timedelta(days=365)  # noqa: DTZ011 - a demo on this machine, in its own zone
    (folder / "tenants.toml").write_text(tenants_toml(ehr_url, expires), encoding="utf-8")
    settings = {"ehr_url": ehr_url, "stride_url": stride_url, "port": ehr_port, "stories": dict(stories)}
    (folder / "ehr.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "charts.json").write_text(json.dumps(list(bundles)), encoding="utf-8")
    env = {
        "STRIDE_TENANTS": str(folder / "tenants.toml"),
        "STRIDE_PUBLIC_URL": stride_url,
        "STRIDE_SECRET_FILE": str(folder / "secret"),
        "STRIDE_KEYS": str(folder / "keys"),
        "STRIDE_DATABASE_URL": f"sqlite:///{folder / 'stride.sqlite'}",
        "STRIDE_EMBEDDED_WORKER": "0",
        "STRIDE_DEMO": "1",
        "STRIDE_INSECURE_HTTP": "1",
        "STRIDE_BIND": f"127.0.0.1:{stride_port}",
        "WEB_CONCURRENCY": "2",
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }

    def process(name: str, *command: str) -> Process:
        return Process(name, command, env, folder / f"{name.replace(' ', '-')}.log")

    return Stage(
        folder,
        ehr_url,
        stride_url,
        env,
        ehr=process("demo EHR", "-m", "fhirapp.demo.ehr_process", str(folder)),
        web=process("service", "-m", "fhirapp.cli", "serve"),
        worker=process("worker", "-m", "fhirapp.cli", "worker"),
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
