"""Builds and runs Java programs with Maven, where both are at hand."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

_OLDEST = 17
_CACHE = Path(__file__).resolve().parents[2] / ".pytest_cache" / "java"
_GOALS = ("compile", "dependency:build-classpath", "-Dmdep.outputFile=target/classpath")
# Maven's ways to say that a package cannot be had; everything else that fails is a fault of ours.
_CANNOT_BE_HAD = re.compile(
    r"Could not (?:resolve|transfer|find artifact)|could not be resolved|Unknown host|No plugin found"
)


def java_or_skip() -> str:
    """Java 17 or newer; skips the test with the reason where there is none."""
    for name in ("javac", "java"):
        if _version(_program(name)) < _OLDEST:
            pytest.skip(f"needs a JDK of version {_OLDEST} or newer ({name} is missing or older)")
    return _program("java")


def classpath_or_skip(project: Path) -> str:
    """The class path of a Maven project, built outside its folder and once for each state of its sources."""
    built = _CACHE / f"{project.name}-{_digest(project)}"
    if not (built / "target" / "classpath").exists():
        _build(project, built)
    libraries = (built / "target" / "classpath").read_text()
    return os.pathsep.join([str(built / "target" / "classes"), libraries])


def _build(project: Path, built: Path) -> None:
    """In a folder of its own, moved when it is whole: another test session may build at the same time."""
    maven = shutil.which("mvn") or pytest.skip("needs Maven")
    _CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=_CACHE) as folder:
        making = shutil.copytree(project, Path(folder) / project.name)
        command = [maven, "--batch-mode", "--quiet", "--no-transfer-progress", *_GOALS]
        done = subprocess.run(command, cwd=making, capture_output=True, text=True, check=False, timeout=900)
        said = done.stdout + done.stderr
        if done.returncode and _CANNOT_BE_HAD.search(said):
            pytest.skip("the packages that the Java program needs cannot be had from Maven Central")
        assert done.returncode == 0, said
        with suppress(OSError):  # somebody else's build of the same sources came first
            making.rename(built)


def _program(name: str) -> str:
    home = os.environ.get("JAVA_HOME")
    inside = shutil.which(name, path=str(Path(home) / "bin")) if home else None
    return inside or shutil.which(name) or ""


def _version(program: str) -> int:
    """17 for "17.0.15"; 0 when there is no such program."""
    if not program:
        return 0
    done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r"(?:version \"|javac )(\d+)", done.stdout + done.stderr)
    return int(found[1]) if found else 0


def _digest(project: Path) -> str:
    seen = hashlib.sha256()
    for file in sorted(project.rglob("*")):
        if file.is_file():
            seen.update(str(file.relative_to(project)).encode() + file.read_bytes())
    return seen.hexdigest()[:16]
