"""The reference page of the rules, `docs/reference/rules.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from models.findings import Effect
from models.inputs import INPUTS
from models.safety.inputs import DERIVED, MARKS
from models.safety.rule import OVERRIDES, Ask, Level, RuleSet

_SUPERVISION = {
    0: "none",
    1: "1 home or telehealth with contact",
    2: "2 supervised in the community",
    3: "3 physiotherapy or cancer rehabilitation",
    4: "4 medically supervised",
}
_HEAD = """# Safety rules

This page is generated from `models/safety/rules.yaml` by `make docs`; a test compares the two. One row is one rule.
The conditions are written in the small language of `models/safety/expression.py`. Under each rule stand its tests:
boundary cases on a snapshot, whole charts of `tests/clinical/cases` by theme and name, and functions that name it.

Evidence tags (V1, Vs4, K ...) are those of the source list in `docs/explanation/evidence.md`; the grade stands last:
A guideline or meta-analysis, B consensus, C single study, P product default. **Needs review** means that the source
itself calls the threshold, code or statement unconfirmed, or that it is a default of this product. All of them need
a named clinical approver before live use.
"""


def reference(rules: RuleSet, tests: Mapping[str, Iterable[str]]) -> str:
    """The whole page as Markdown; `tests` are the lines about each rule's tests."""
    return "\n".join((_HEAD, *_overrides(), *_overview(rules), *_rules(rules, tests), *_inputs(), "")) + "\n"


def _overrides() -> Iterator[str]:
    yield "## Who may set a fired rule aside\n"
    yield "| Effect | Override |"
    yield "|---|---|"
    for effect in sorted(Effect, reverse=True):
        yield f"| {effect.label} | {OVERRIDES[effect]} |"


def _overview(rules: RuleSet) -> Iterator[str]:
    yield f"\n## All {len(rules.rules)} rules, version {rules.version}\n"
    yield "| Rule | Title | Effects | Needs review |"
    yield "|---|---|---|---|"
    for rule in rules.rules:
        effects = ", ".join(dict.fromkeys(level.effect.label for level in rule.levels))
        yield f"| [{rule.id}](#{rule.id.lower()}) | {rule.title} | {effects} | {'yes' if rule.needs_review else ''} |"


def _rules(rules: RuleSet, tests: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for rule in rules.rules:
        yield f"\n### {rule.id}\n"
        yield f"**{rule.title}.**" + (" Needs review." if rule.needs_review else "")
        for level in rule.levels:
            yield from _level(level)
        if rule.asks:
            yield f"\n- Must be known: {'; '.join(map(_ask, rule.asks))}"
        yield f"- If missing or stale: {rule.if_missing}"
        yield f"- Reads: {', '.join(f'`{name}`' for name in sorted(rule.reads))}"
        yield f"- Evidence: {rule.evidence}"
        yield from tests[rule.id]


def _level(level: Level) -> Iterator[str]:
    yield f"\n- **{level.effect.label}** when `{level.written}`"
    yield f"  - Says: {level.text.msgid}"
    if level.missing:
        yield "  - Fires because something is missing."
    if level.scope != "plan":
        yield f"  - Scope: {level.scope}"
    if level.min_supervision:
        yield f"  - Supervision at least: {_SUPERVISION[level.min_supervision]}"
    for cap in level.caps:
        yield f"  - Limit: {cap.text}"
    if level.task:
        yield f"  - Task: {level.task}"


def _ask(ask: Ask) -> str:
    names = " or ".join(f"`{alias}`" for alias in ask.aliases)
    return names if not ask.written else f"{names} when `{ask.written}`"


def _inputs() -> Iterator[str]:
    yield "\n## Inputs\n"
    yield "| Input | Meaning | Unit | Plausible | Valid on systemic therapy | Otherwise |"
    yield "|---|---|---|---|---|---|"
    for entry in INPUTS.values():
        low_high = f"{entry.plausible[0]:g} to {entry.plausible[1]:g}" if entry.plausible else ""
        treated, otherwise = (_span(limit.total_seconds()) for limit in (entry.on_treatment, entry.otherwise))
        unit = f"`{entry.unit}`" if entry.unit else ""
        yield f"| `{entry.alias}` | {entry.label} | {unit} | {low_high} | {treated} | {otherwise} |"
    yield "\n## Worked-out values\n"
    yield "| Name | Meaning |"
    yield "|---|---|"
    for name, derived in DERIVED.items():
        yield f"| `{name}` | {derived.label} |"
    for name, mark in MARKS.items():
        yield f"| `{name}` | {mark.label} (yes or no) |"


def _span(seconds: float) -> str:
    days = seconds / 86400
    return f"{days:g} d" if days >= 3 and days == int(days) else f"{seconds / 3600:g} h"
