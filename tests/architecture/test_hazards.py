"""The hazard log is true: each hazard has a number, a control and tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOG = ROOT / "docs/explanation/hazards.md"
ROWS = [line for line in LOG.read_text(encoding="utf-8").splitlines() if line.startswith("| H-")]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", LOG.read_text(encoding="utf-8"))))


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_the_hazard_log_names_exists(file: str, name: str) -> None:
    assert (ROOT / file).exists(), f"{file}: see {LOG.name}"
    assert name in functions_of(file), f"{file}::{name} is gone: name another, or say that nothing shows it"


def test_every_hazard_is_whole() -> None:
    assert len(ROWS) >= 20
    numbers = [row.split("|")[1].strip() for row in ROWS]
    assert len(set(numbers)) == len(numbers)
    for row in ROWS:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 7, row[:60]
        assert all(cells), f"{cells[0]} leaves something out"
        assert cells[2] in "1234"
        assert re.search(r"`tests/[\w/]+\.py::test_\w+`", cells[5]), f"{cells[0]}: no test shows the control"
