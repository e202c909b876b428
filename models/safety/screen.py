"""All rules on one snapshot: the findings, gravest first, and what was not checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from models.findings import Evidence, Finding
from models.inputs import SAFETY_QUESTIONS
from models.quick import maker, quick_to_make
from models.safety.index import RuleIndex, index_of
from models.safety.inputs import DERIVED
from models.safety.rule import Level, Rule, RuleSet, rule_set
from models.safety.view import View
from models.snapshot import Gap, GapReason, PatientSnapshot, Reading
from models.text import Text

_SHOWN_UNITS: Final = {
    "10*9/L": "×10⁹/L",
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "kg/m2": "kg/m²",
    "{score}": "",
    "{grade}": "",
    "{count}": "",
    "{INR}": "",
    "{T}": "",
    "{T-score}": "",
    "a": "",
}


_made = maker(Finding)


@quick_to_make
@dataclass(frozen=True, slots=True)
class Screening:
    """What the rules say of one snapshot."""

    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    unanswered: tuple[str, ...]  # safety questions without a valid answer within 14 days


def screen(snapshot: PatientSnapshot, rules: RuleSet | None = None, seen: View | None = None) -> Screening:
    """Every fired rule, gravest first and in the order of the tables within one effect, and the gaps.

    A missing or stale value is never normal: the row says what it is instead, and it is listed.
    """
    view = seen or View(snapshot)
    index = index_of(rules or rule_set())
    found = list(_found(index, view))
    found.sort(key=lambda finding: -finding.effect)
    unanswered = tuple(name for name in SAFETY_QUESTIONS if not view.fresh(name))
    return Screening(tuple(found), tuple(_gaps(index, view)), unanswered)


def _found(index: RuleIndex, view: View) -> Iterator[Finding]:
    for rule, levels in index.awake(view):
        for test, level in levels:
            if test(view):
                yield _finding(rule, level, view)
                break


def fired(rule: Rule, view: View) -> Finding | None:
    """The finding of one rule; `None` when it was checked and is quiet."""
    for level in rule.levels:
        if level.condition.test(view):
            return _finding(rule, level, view)
    return None


def _finding(rule: Rule, level: Level, view: View) -> Finding:
    inputs = tuple(level.condition.collect(view))
    if len(inputs) > 1:
        inputs = tuple(dict.fromkeys(inputs))
    text = Text(level.text.msgid, _values(inputs)) if level.fills else level.text
    return _made(
        rule.id, level.effect, text, inputs, level.min_supervision, level.caps,
        level.scope, level.missing, level.task, rule.needs_review, rule.evidence,
    )  # fmt: skip


def _values(inputs: tuple[Evidence, ...]) -> dict[str, object]:
    if not inputs:
        return {"value": "?", "date": "?"}
    first = inputs[0]
    unit = _SHOWN_UNITS.get(first.unit, first.unit)
    bare = first.value.partition(" (")[0]  # notes and semantic tags stand beside the evidence, not in the sentence
    return {"value": f"{bare} {unit}".strip(), "date": first.date}


# What was not checked


def _gaps(index: RuleIndex, view: View) -> Iterator[Gap]:
    faults = {fault.input: fault for fault in view.snapshot.faults}
    for aliases, derived, asks in index.asked:
        if _is_final(derived.read(view)) if derived else any(map(view.fresh, aliases)):
            continue
        for rule_id, relevant in asks:
            if relevant is None or relevant(view):
                yield _gap(rule_id, aliases, view, faults)
                break


def _is_final(readings: tuple[Reading, ...]) -> bool:
    return any(reading.status == "final" for reading in readings)


def _gap(rule_id: str, aliases: tuple[str, ...], view: View, faults: dict[str, Gap]) -> Gap:
    alias = aliases[0]
    if alias in DERIVED:
        (alias,) = DERIVED[alias].needs
        if alias not in faults:
            return _bare_gap(alias, "missing", rule_id, "no value of long enough ago to compare with")
    for name in (alias, *aliases[1:]):
        if view.counting.get(name):
            return Gap(name, "stale", rule_id, f"last on {view.counting[name][0].when.day}")
        if name in faults:
            return Gap(name, faults[name].why, rule_id, faults[name].text, faults[name].source)
    why: GapReason = "unanswered" if alias in SAFETY_QUESTIONS else "missing"
    return _bare_gap(alias, why, rule_id)


@cache
def _bare_gap(alias: str, why: GapReason, rule_id: str, text: str = "") -> Gap:
    """A gap that says nothing of the patient; each is made once per process."""
    return Gap(alias, why, rule_id, text)
