"""The Dockerfile's own steps, run outside a container: wheel, locked clean environment, start, health check."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import date, timedelta
from pathlib import Path

import pytest

from fhirapp.demo.settings import tenants_toml
from fhirapp.demo.stage import free_port

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def steps() -> list[str]:
    """The RUN lines of the build stage, but for the packages of the system, which the machine has or has not."""
    build = DOCKERFILE.split("\nFROM ")[1]
    return [step for step in re.findall(r"^RUN (.+)$", build, re.MULTILINE) if not step.startswith("apt-get")]


def outside(step: str, folder: Path) -> str:
    """The same step with the container's folders moved under one of ours."""
    for inside in ("/tools", "/dist", "/compiled", "/opt/stride"):
        step = re.sub(
            rf"(?<![\w.]){re.escape(inside)}(?=[/\s]|$)", str(folder / inside.strip("/").replace("/", "-")), step
        )
    return step.replace("python -m venv", f"{sys.executable} -m venv")


def run(step: str, folder: Path) -> None:
    done = subprocess.run(["bash", "-euc", step], cwd=folder / "src", capture_output=True, text=True, timeout=900)
    if "Could not find a version" in done.stderr or "NameResolutionError" in done.stderr:
        pytest.skip("the package index cannot be reached from here")
    assert done.returncode == 0, f"{step}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which every build step has been run."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler (Debian: apt-get install gcc)")
    folder = tmp_path_factory.mktemp("image")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/", "bench/")):
            (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / "src" / name)
    assert len(steps()) >= 5, "the test must see the Dockerfile's steps"
    for step in steps():
        run(outside(step, folder), folder)
    return folder


def test_the_installed_service_starts_and_is_healthy(installed: Path, tmp_path: Path) -> None:
    bin_folder = installed / "opt-stride" / "bin"
    port = free_port()
    (tmp_path / "tenants.toml").write_text(tenants_toml("http://127.0.0.1:9", date.today() + timedelta(days=9)))
    subprocess.run([bin_folder / "stride", "keys", tmp_path], check=True, capture_output=True, cwd=tmp_path)
    env = {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "STRIDE_TENANTS": str(tmp_path / "tenants.toml"),
        "STRIDE_PUBLIC_URL": f"http://localhost:{port}",
        "STRIDE_SECRET_FILE": str(tmp_path / "secret"),
        "STRIDE_KEYS": str(tmp_path / "keys"),
        "STRIDE_DATABASE_URL": f"sqlite:///{tmp_path / 'stride.sqlite'}",
        "STRIDE_INSECURE_HTTP": "1",
        "STRIDE_BIND": f"127.0.0.1:{port}",
    }
    check = subprocess.run(
        [bin_folder / "stride", "db", "upgrade"], env=env, cwd=tmp_path, capture_output=True, text=True
    )
    assert check.returncode == 0, check.stderr
    check = subprocess.run([bin_folder / "stride", "check"], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr
    serving = subprocess.Popen(
        [bin_folder / "stride", "serve"], env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert answers(f"http://127.0.0.1:{port}/healthz")
        assert answers(f"http://127.0.0.1:{port}/readyz")
        probe = re.search(r'CMD \["python", "-c", "(.+)"\]', DOCKERFILE)
        assert probe is not None
        done = subprocess.run([bin_folder / "python", "-c", probe[1].replace(":8000", f":{port}")], timeout=30)
        assert done.returncode == 0
    finally:
        serving.terminate()
        serving.wait(30)


def answers(url: str) -> bool:
    """True as soon as the address answers 200; False after a minute."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)  # a starting process gives no other sign
    return False


def test_the_installed_engine_is_compiled(installed: Path) -> None:
    python = installed / "opt-stride" / "bin" / "python"
    code = (
        "import models.safety.screen, models.snapshot; print(models.snapshot.__file__, models.safety.screen.__file__)"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=installed)
    assert done.stdout.count(".so") == 2, done.stdout


def test_the_installed_service_brings_no_development_tool(installed: Path) -> None:
    python = installed / "opt-stride" / "bin" / "python"
    names = "('pandas', 'sklearn', 'pytest', 'mypy', 'playwright')"
    code = f"import importlib.util as u; print([n for n in {names} if u.find_spec(n)])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=installed)
    assert done.stdout.strip() == "[]"
