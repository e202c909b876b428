"""The engine as C says what the engine as Python says: the same tests hold, and every summary is the same text."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tools.compiled.tree import ROOT, compile_in, lay_out, modules

HEADER = Path(sysconfig.get_paths()["include"]) / "Python.h"
pytestmark = [
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler (Debian: apt-get install gcc)"),
    pytest.mark.skipif(not HEADER.is_file(), reason="needs Python.h (Debian: apt-get install python3-dev)"),
]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with the engine compiled, and the charts beside it where this checkout has them."""
    beside = tmp_path_factory.mktemp("compiled")
    if SHARED.is_dir():
        (beside / "shared").symlink_to(SHARED)
    tree = lay_out(beside / "stride")
    compile_in(tree)
    return tree


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "STRIDE_", "PYTHONPATH"))
    }
    return subprocess.run(
        [sys.executable, *command], cwd=tree, env=env, capture_output=True, text=True, timeout=1500, check=False
    )


def test_every_module_is_compiled_and_is_what_runs(compiled: Path) -> None:
    names = [name.removesuffix(".py").replace("/", ".") for name in modules()]
    code = f"import importlib\nfor name in {names}: print(importlib.import_module(name).__file__)"
    done = run(compiled, "-c", code)
    assert done.returncode == 0, done.stderr
    assert [Path(line).suffix for line in done.stdout.splitlines()] == [".so"] * len(names)


def test_every_case_and_chart_has_the_same_summary(compiled: Path) -> None:
    plain, quick = (run(tree, "-m", "tests.compiled.summaries") for tree in (ROOT, compiled))
    assert plain.returncode == quick.returncode == 0, plain.stderr + quick.stderr
    assert len(plain.stdout.splitlines()) > 1000
    for ours, theirs in zip(plain.stdout.splitlines(), quick.stdout.splitlines(), strict=True):
        assert theirs == ours


def test_the_tests_of_the_engine_hold(compiled: Path) -> None:
    rooms = ("tests/models", "tests/mappings", "tests/clinical")
    done = run(compiled, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *rooms)
    assert done.returncode == 0, done.stdout[-5000:]
    assert "passed" in done.stdout.splitlines()[-1]
