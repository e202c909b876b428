"""The page that lists every requirement of CDS Hooks with the tests that hold us to it, or says why there is none."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).parent.parent
ROWS_FILE: Final = Path(__file__).parent / "cds_hooks_rows.yaml"
_ROW: Final = re.compile(r"CH-[A-Z]\d+|(?<![a-z])ch_[a-z]\d+(?!\d)")
_NOT_EVIDENCE: Final = ("test_checklist.py",)  # it speaks of rows, and proves none
_MADE: Final = "<!-- Made by `make docs` from the tests; do not edit. -->\n"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the checklist."""

    id: str
    level: str
    text: str
    waiver: str = ""

    @property
    def binds(self) -> bool:
        """Whether we may not do without: MUST and MUST NOT."""
        return self.level.startswith("MUST")


def requirements() -> list[Requirement]:
    """All rows, in the order of the checklist."""
    rows = yaml.safe_load(ROWS_FILE.read_text(encoding="utf-8"))
    return [Requirement(name, **row) for name, row in rows.items()]


def evidence_by_row(folder: Path = ROOT / "tests") -> Mapping[str, tuple[str, ...]]:
    """The tests that name a row in their name, their code or a table of cases that they use."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("test_*.py")):
        if path.name not in _NOT_EVIDENCE:
            for row, test in _named_in(path.read_text(encoding="utf-8")):
                found[row].add(f"{path.relative_to(folder).as_posix()}::{test}")
    return {row: tuple(sorted(tests)) for row, tests in found.items()}


def _named_in(source: str) -> Iterator[tuple[str, str]]:
    """Pairs (row, test) of one test module."""
    tree, lines = ast.parse(source), source.splitlines()
    tables = {name: rows for node in tree.body for name in _names_of(node) if (rows := _rows(_text(node, lines)))}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
            rows = _rows(_text(node, lines)).union(*(tables[name] for name in used & tables.keys()))
            yield from ((row, node.name) for row in rows)


def _names_of(node: ast.stmt) -> Iterable[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return [node.name] if isinstance(node, ast.FunctionDef) else []


def _text(node: ast.stmt, lines: list[str]) -> str:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    first = min([node.lineno, *(one.lineno for one in decorators)])
    return "\n".join(lines[first - 1 : node.end_lineno])


def _rows(text: str) -> frozenset[str]:
    return frozenset(row.upper().replace("_", "-") for row in _ROW.findall(text))


def unproved(rows: Iterable[Requirement], tests: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The rows that bind us and have neither a test nor a waiver."""
    return [row.id for row in rows if row.binds and not tests.get(row.id) and not row.waiver]


def conformance() -> str:
    """The page."""
    rows, tests = requirements(), evidence_by_row()
    lines = [f"| {row.id} | {row.level} | {row.text} | {_evidence(row, tests.get(row.id, ()))} |" for row in rows]
    table = "\n".join(["| row | level | requirement | tests, or why there is none |", "|---|---|---|---|", *lines])
    proved = sum(bool(tests.get(row.id)) for row in rows)
    return (
        f"# Conformance to CDS Hooks\n\n{_MADE}\n"
        "What CDS Hooks 2.0.1, its published hooks and practice with its clients ask of a service, in our own words, "
        "with the tests that hold us to it (paths below `tests/`). The first three of each are shown. "
        "What the service offers is on [its own page](cds-hooks.md).\n\n"
        f"{len(rows)} rows: {proved} with tests, {len(rows) - proved} with a waiver.\n\n{table}\n"
    )


def _evidence(row: Requirement, tests: tuple[str, ...]) -> str:
    shown = "<br>".join(f"`{test}`" for test in tests[:3])
    more = f"<br>and {len(tests) - 3} more" if len(tests) > 3 else ""
    return f"{shown}{more}" if tests else f"*Waiver:* {row.waiver}"
