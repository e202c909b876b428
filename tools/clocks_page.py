"""The page of the clocks: what each row of the pathway's table is in the code, and which tests hold us to it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fhirapp.alarms.clocks import LABELS, LADDERS, TABLE, Kind, Step

_TESTS: Final = Path(__file__).parent.parent / "tests"
_NAMED: Final = re.compile(r"^def (test_\w*?clk_\w+)", re.MULTILINE)
_ROW: Final = re.compile(r"clk_(\d+)(?!\d)")


def named_tests(folder: Path = _TESTS) -> Mapping[str, tuple[str, ...]]:
    """The tests that name a clock in their name, by its id."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        for name in _NAMED.findall(path.read_text(encoding="utf-8")):
            for number in _ROW.findall(name):
                found[f"CLK-{number}"].append(f"{path.relative_to(folder).as_posix()}::{name}")
    return {row: tuple(names) for row, names in found.items()}


def clocks_page(made: str) -> str:
    """The page."""
    tests = named_tests()
    lines = []
    for row in TABLE:
        end = "; ".join(filter(None, (_told(row.kind), row.at_the_end)))
        proof = "<br>".join(f"`{one}`" for one in tests.get(row.id, ()))
        lines.append(f"| {row.id} | {row.clock} | {row.target} | {LABELS[row.kind]} (`{row.kind}`) | {end} | {proof} |")
    rows = "\n".join(lines)
    return (
        f"# Clocks\n\n{made}\n"
        "Each clock of the pathway (section 6), what happens at its end, and who is told. Working days are those of "
        "the hospital (`escalation.holidays`). A clock starts with the state of the referral and stops when the state "
        "changes or what it waits for has happened; its alarm then falls silent. The job `clock` looks at them; the "
        "job `alarm` calls people until somebody confirms ([decision 52]"
        "(../decisions/0052-alarms-ring-until-somebody-confirms.md)). Where a hospital names no lead, on call or the "
        "exercise service stands in.\n\n"
        "| row | clock | target | alarm | at its end | tests |\n|---|---|---|---|---|---|\n"
        f"{rows}\n"
    )


def _told(kind: Kind) -> str:
    ladder = LADDERS[kind]
    said = "; ".join(_step(step) for step in ladder.steps)
    return f"{said}; then every {int(ladder.again.total_seconds() // 60)} minutes" if ladder.again else said


def _step(step: Step) -> str:
    calls = ", ".join(f"{whom} by {_WAYS[via]}" for whom, via in step.calls)
    if step.after is None:
        return f"at the end of the working day {calls}"
    minutes = int(step.after.total_seconds() // 60)
    return f"after {minutes} minutes {calls}" if minutes else calls


_WAYS: Final = {"ehr": "the record system", "email": "e-mail", "pager": "pager"}
