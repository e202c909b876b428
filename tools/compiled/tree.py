"""A copy of the packages in which the clinical engine is C: made by mypyc, from the same sources.

    python -m tools.compiled.tree [--into build/compiled] [--no-compiling]

The copy is a source tree of its own, from which `pip wheel` makes the package that the container holds, and in which
tests and measurements run as in this one. Without a compiler the packages run as they are; nothing else differs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.compiled.native_values import native

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("models", "mappings", "cds_hooks", "smart_launch", "fhirapp")
PARTS = ("pyproject.toml", "README.md", "LICENSE")
# What tests and measurements look for beside the packages; they are reached, not copied.
BESIDE = ("tests", "bench", "tools", "docs", "locks", "Makefile", "Dockerfile", "CHANGELOG.md", ".gitignore")

# The rooms that a hook call goes through from bytes to a decision. What stays out has its reason beside it.
ROOMS = (
    "models/*.py",
    "models/safety/*.py",
    "models/dose/*.py",
    "mappings/bundle.py",
    "mappings/datatypes.py",
    "mappings/observation_index.py",
    "mappings/units.py",
    "mappings/from_fhir/*.py",
)
LEFT_OUT = {
    "models/quick.py": "what it does is what compiling replaces",
    "models/basis.py": "looks over the shoulder of features through a stand-in for a snapshot",
    "models/feature_sources.py": "is given that stand-in",
    "models/features.py": "is given that stand-in",
    "models/artifact.py": "files and models: not on the way of a decision",
    "models/booster.py": "calls of LightGBM",
    "models/single_row.py": "calls of LightGBM",
    "models/catalogue.py": "read once at the start",
    "models/model_spec.py": "read once at the start",
    "models/drift.py": "sums over many patients, with NumPy",
    "models/prediction.py": "arrays of NumPy",
    "models/switched_off.py": "stands in where no model is installed",
}

_SETUP = '''"""Compiles the rooms of the clinical engine; written by tools/compiled/tree.py."""

from mypyc.build import mypycify
from setuptools import setup

setup(ext_modules=mypycify({modules!r}, opt_level="2", debug_level="0"))
'''


def modules(root: Path = ROOT) -> list[str]:
    """The modules that are compiled, by their path in the tree."""
    return sorted(path for path in _matching(root) if path not in LEFT_OUT)


def _matching(root: Path) -> Iterator[str]:
    for pattern in ROOMS:
        for path in root.glob(pattern):
            if path.name != "__init__.py":
                yield path.relative_to(root).as_posix()


def lay_out(into: Path, root: Path = ROOT) -> Path:
    """Writes the tree, with the value classes of the compiled modules written out; returns where it stands."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    skip = shutil.ignore_patterns("__pycache__", "*.so")
    for package in PACKAGES:
        shutil.copytree(root / package, into / package, ignore=skip)
    for part in PARTS:
        shutil.copy2(root / part, into / part)
    for name in BESIDE:
        if (root / name).exists():
            (into / name).symlink_to(root / name)
    for name in modules(root):
        (into / name).write_text(native((root / name).read_text(encoding="utf-8")), encoding="utf-8")
    (into / "setup.py").write_text(_SETUP.format(modules=modules(root)), encoding="utf-8")
    return into


def compile_in(tree: Path) -> None:
    """Compiles the modules of a tree in their places. Raises `CalledProcessError` with what the compiler said."""
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(command, cwd=tree, check=True, stdout=sys.stderr)  # noqa: S603 - our own command


def main() -> None:
    """The command of this module."""
    reader = argparse.ArgumentParser(prog="python -m tools.compiled.tree", description=__doc__)
    reader.add_argument("--into", type=Path, default=ROOT / "build" / "compiled", help="where the tree is written")
    reader.add_argument("--no-compiling", action="store_true", help="only lay it out, for `pip wheel` to compile")
    chosen = reader.parse_args()
    tree = lay_out(chosen.into)
    print(f"laid out {len(modules())} modules in {tree}", flush=True)  # noqa: T201
    if not chosen.no_compiling:
        print("compiling, a minute or two ...", flush=True)  # noqa: T201
        compile_in(tree)
        print("done; run there what is to use it: tests, bench", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
