"""The shape of the house: imports run down, rooms stay small, nothing of this machine is in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("models", "mappings", "cds_hooks", "smart_launch", "fhirapp")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_imports_run_down() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_demo_ehr_is_imported_by_the_demo_alone() -> None:
    allowed = ("fhirapp/demo_ehr/", "fhirapp/demo/", "fhirapp/commands/demo.py")
    for path in tracked("fhirapp/*.py"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(allowed):
            assert "demo_ehr" not in re.sub(r'"[^"]*"', "", path.read_text()), name


@pytest.mark.parametrize("room", ROOMS)
def test_package_files_hold_no_code(room: str) -> None:
    for path in tracked(f"{room}/**/__init__.py", f"{room}/__init__.py"):
        assert path.read_text() == "", path


def test_no_room_has_a_name_that_says_nothing() -> None:
    empty = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager|processor)(_|\.|$)")
    assert [path for path in tracked("*.py") if empty.search(path.name)] == []


def test_no_path_of_a_machine_and_no_registry_stands_in_the_project() -> None:
    machine = re.compile(r"(^|[\s\"'(=])/(work|root|home/\w+)/|pypi\.org|pythonhosted|registry\.npmjs|repo1?\.maven")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.suffix not in (".png", ".mo", ".ico") and path != Path(__file__)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if machine.search(line)
    ]
    assert found == []


def test_the_production_install_has_no_development_tool() -> None:
    names = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "locks/production.txt").read_text(), re.MULTILINE))
    unwanted = {"pandas", "scikit-learn", "pytest", "mypy", "ruff", "playwright", "hypothesis", "uv", "import-linter"}
    assert {"flask", "lightgbm", "gunicorn", "fhir-resources"} <= names
    assert names & unwanted == set()


def test_the_two_locks_agree() -> None:
    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / "locks" / name).read_text(), re.MULTILINE))

    development = versions("development.txt")
    assert dict(versions("production.txt").items()).items() <= development.items()
