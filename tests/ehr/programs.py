"""Starts the two third-party FHIR servers: HAPI's JPA server (Java) and Medplum's router (Node.js)."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.java import classpath_or_skip, java_or_skip
from tests.conformance.node import node_or_skip, npm_or_skip

HERE: Final = Path(__file__).parent
_CACHE: Final = Path(__file__).resolve().parents[2] / ".pytest_cache" / "node"
# Quick to start and small: C1 only, one collector thread.
_JAVA: Final = (
    "-Xmx512m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
)


@contextmanager
def hapi_or_skip() -> Iterator[str]:
    """The FHIR base of a HAPI JPA server with an empty database in memory; skips without Java or its packages."""
    java = java_or_skip()
    classpath = classpath_or_skip(HERE / "hapi_server")
    with _running([java, *_JAVA, "-cp", classpath, "HapiServer"], HERE) as base:
        yield base


@contextmanager
def medplum_or_skip() -> Iterator[str]:
    """The FHIR base of an empty Medplum server; skips without Node.js or its packages."""
    node = node_or_skip()
    folder = _installed(HERE / "medplum_server")
    with _running([*node, "server.mjs"], folder) as base:
        yield base


@contextmanager
def _running(command: Sequence[str], folder: Path) -> Iterator[str]:
    """The server ends when its standard input does, so even when this process is killed it does not stay."""
    with tempfile.TemporaryFile() as complaints:
        server = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True
        )
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            line = next((line for line in server.stdout if line.startswith("ready ")), "")
            complaints.seek(0)
            assert line, f"the server ended before it was ready: {complaints.read()[-4000:].decode(errors='replace')}"
            yield line.split()[1]
        finally:
            server.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()


def _installed(project: Path) -> Path:
    """A copy of the project with its packages, made once for each lock file."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(project.glob("*.*")))).hexdigest()[:16]
    built = _CACHE / f"{project.name}-{digest}"
    if built.exists():
        return built
    npm = npm_or_skip()
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
        making = Path(shutil.copytree(project, Path(folder) / project.name))
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=making, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            pytest.skip(f"Medplum's packages cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
        with suppress(OSError):  # somebody else's copy came first
            making.rename(built)
    return built
