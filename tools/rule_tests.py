"""Which tests hold each safety rule: boundary cases, clinical cases, and test functions that name it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from models.safety.rule import rule_set
from tests.clinical.case import all_cases
from tests.models.safety.cases import CASES

_TESTS: Final = Path(__file__).parent.parent / "tests"
_ROOMS: Final = ("models", "mappings", "clinical")  # the rooms of the clinical engine
_RULE: Final = re.compile(r"\b[A-Z][A-Z0-9]{1,3}-(?:\d\d|[A-Z]+)\b")


def rule_tests() -> dict[str, tuple[str, ...]]:
    """Rule -> lines of Markdown: its number of tests, and their names folded away."""
    clinical, functions = _clinical(), _functions()
    return {
        rule.id: tuple(_lines(_boundaries(rule.id), clinical.get(rule.id, {}), functions.get(rule.id, [])))
        for rule in rule_set().rules
    }


def _lines(boundaries: Mapping[str, int], clinical: Mapping[str, list[str]], functions: list[str]) -> Iterator[str]:
    cases = sum(map(len, clinical.values()))
    counts = f"{sum(boundaries.values())} boundary cases, {cases} clinical cases, {len(functions)} test functions"
    yield f"\n<details><summary>Tests: {counts}</summary>\n"
    shown = ", ".join(f"{count} {effect}" for effect, count in boundaries.items())
    yield f"- Boundary cases in `tests/models/safety/cases.py`: {shown}"
    for effect, names in clinical.items():
        yield f"- Clinical cases, {effect}: {', '.join(f'`{name}`' for name in names)}"
    if functions:
        yield f"- Functions: {', '.join(f'`{name}`' for name in functions)}"
    yield "\n</details>"


def _boundaries(rule_id: str) -> dict[str, int]:
    """How many boundary cases there are for each effect, quiet ones last."""
    found: dict[str, int] = defaultdict(int)
    for _, effect in CASES.get(rule_id, []):
        found[effect or "quiet"] += 1
    return dict(sorted(found.items(), key=lambda pair: pair[0] == "quiet"))


def _clinical() -> dict[str, dict[str, list[str]]]:
    """Rule -> what a clinical case expects of it -> the cases; the steps of a sweep stand together."""
    found: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for case in all_cases():
        name = f"{case.theme}/{case.id}"
        for rule_id, effect in case.rules_expected.items():
            found[rule_id][effect][name] = None
        for rule_id in case.expect.get("absent", ()):
            found[rule_id]["quiet"][name] = None
    return {rule: {effect: list(names) for effect, names in wanted.items()} for rule, wanted in found.items()}


def _functions() -> dict[str, list[str]]:
    """Rule -> the test functions of the engine that name it, themselves or in their parameters."""
    found: dict[str, list[str]] = defaultdict(list)
    for room in _ROOMS:
        for path in sorted((_TESTS / room).rglob("test_*.py")):
            for name, rules in _named_in(path):
                for rule_id in sorted(rules):
                    found[rule_id].append(f"{path.relative_to(_TESTS).as_posix()}::{name}")
    return found


def _named_in(path: Path) -> Iterator[tuple[str, set[str]]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            texts = (
                one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            yield node.name, {rule_id for text in texts for rule_id in _RULE.findall(text)}
