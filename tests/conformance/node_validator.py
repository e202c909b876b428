"""Runs the research room's validator (Node.js) over all cases."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.cases import Files
from tests.conformance.node import node_or_skip, npm_or_skip
from tests.conformance.report import Issue, Report, element_of

SHARED = Path(__file__).resolve().parents[3] / "shared"


def node_report_or_skip(files: Files, folder: Path) -> Report:
    """One run over everything: starting Node costs more than a hundred checks. Skips where it cannot run."""
    if not (SHARED / "validate").is_dir():
        pytest.skip("needs ../shared beside the checkout")
    node, npm = node_or_skip(), npm_or_skip()
    tool = folder / "validate"
    shutil.copytree(SHARED / "validate", tool, copy_function=shutil.copyfile)
    tool.chmod(0o755)
    install = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(install, cwd=tool, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"the validator's packages cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
    command = [
        *(*node, str(tool / "validate.mjs"), "--json"),
        *("--profiles", str(SHARED / "profiles"), "--prefer", "hl7.fhir.us.core@3.1.1"),
        *("--context", str(files.context)),
        *(str(file) for file in files.cases),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    return Report(tuple(_issue(json.loads(line)) for line in done.stdout.splitlines()))


def _issue(line: dict[str, str]) -> Issue:
    message = f"{line['message']} [{line['profile']}]"
    return Issue(Path(line["file"]).stem, line["severity"], element_of(line["path"]), message)
