"""The services under load, as processes: start, first answer, memory, stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import answer


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers."""

    process: subprocess.Popen[bytes]
    port: int
    first_answer_s: float

    def cpu_s(self) -> float:
        """Processor time of the process and its children so far: what neighbours on a shared machine move least."""
        return sum(_cpu_s(pid) for pid in tree(self.process.pid))

    def pss_mib(self) -> float:
        """Memory of the process and its children, shared pages by halves (Linux)."""
        return sum(_pss_kib(pid) for pid in tree(self.process.pid)) / 1024


@contextmanager
def running(
    command: Sequence[str], port: int, first: bytes, *, env: Mapping[str, str], cwd: Path, log: Path
) -> Iterator[Running]:
    """Start a service, wait for its first good answer to `first`, and stop it and its children at the end."""
    with log.open("wb") as out:
        begun = time.monotonic()
        process = subprocess.Popen(
            command, env={**os.environ, **env}, cwd=cwd, stdout=out, stderr=out, start_new_session=True
        )
        try:
            _until_answered(process, port, first, log)
            yield Running(process, port, time.monotonic() - begun)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _until_answered(process: subprocess.Popen[bytes], port: int, first: bytes, log: Path) -> None:
    ends = time.monotonic() + 90
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
                link.sendall(first)
                if answer(link)[0] == 200:
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"the service does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in tree(int(child)))]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # user and system


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
