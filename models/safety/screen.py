"""All rules on one snapshot: the findings, gravest first, and what was not checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from models.findings import Evidence, Finding
from models.inputs import SAFETY_QUESTIONS
from models.safety.condition import Test
from models.safety.inputs import DERIVED
from models.safety.rule import Ask, Level, Rule, RuleSet, rule_set
from models.safety.view import View
from models.snapshot import Gap, GapReason, PatientSnapshot
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
    index = _index(rules or rule_set())
    found = list(_found(index, view))
    found.sort(key=lambda finding: -finding.effect)
    unanswered = tuple(name for name in SAFETY_QUESTIONS if not view.fresh(name))
    return Screening(tuple(found), tuple(_gaps(index, view)), unanswered)


def _found(index: _Index, view: View) -> Iterator[Finding]:
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
    inputs = tuple(dict.fromkeys(level.condition.collect(view)))
    return Finding(
        rule=rule.id,
        effect=level.effect,
        text=Text(level.text.msgid, _values(inputs)) if level.fills else level.text,
        inputs=inputs,
        min_supervision=level.min_supervision,
        caps=level.caps,
        scope=level.scope,
        missing=level.missing,
        task=level.task,
        needs_review=rule.needs_review,
        source=rule.evidence,
    )


def _values(inputs: tuple[Evidence, ...]) -> dict[str, object]:
    if not inputs:
        return {"value": "?", "date": "?"}
    first = inputs[0]
    unit = _SHOWN_UNITS.get(first.unit, first.unit)
    bare = first.value.partition(" (")[0]  # notes and semantic tags stand beside the evidence, not in the sentence
    return {"value": f"{bare} {unit}".strip(), "date": first.date}


# Which rules need be looked at


class _Index:
    """Rules by the aliases and value sets that wake them, so that quiet ones cost one look-up together."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = [
            (1 << number, (rule, [(level.condition.test, level) for level in rule.levels]))
            for number, rule in enumerate(rules)
        ]
        self._always = 0
        self._by_name: dict[str, int] = {}  # one bit a rule
        for (bit, _), rule in zip(self._rules, rules, strict=True):
            if rule.wake is None:
                self._always |= bit
            for name in rule.wake or ():
                self._by_name[name] = self._by_name.get(name, 0) | bit
        self.asks = _asks(rules)

    def awake(self, view: View) -> list[tuple[Rule, list[tuple[Test, Level]]]]:
        """The rules that can fire on this snapshot, in their order, each with the tests of its levels."""
        awake, woken_by = self._always, self._by_name
        for names in (view.counting, view.snapshot.facts):
            for name in names:
                awake |= woken_by.get(name, 0)
        return [tested for bit, tested in self._rules if awake & bit]


def _asks(rules: tuple[Rule, ...]) -> tuple[tuple[tuple[str, ...], tuple[tuple[str, Ask], ...]], ...]:
    """Each input, or choice of inputs, once, with the rules that need it."""
    found: dict[tuple[str, ...], list[tuple[str, Ask]]] = {}
    for rule in rules:
        for ask in rule.asks:
            found.setdefault(ask.aliases, []).append((rule.id, ask))
    return tuple((aliases, tuple(asks)) for aliases, asks in found.items())


@cache
def _index(rules: RuleSet) -> _Index:
    return _Index(rules.rules)


# What was not checked


def _gaps(index: _Index, view: View) -> Iterator[Gap]:
    faults = {fault.input: fault for fault in view.snapshot.faults}
    for aliases, asks in index.asks:
        if _known(view, aliases):
            continue
        for rule_id, ask in asks:
            if ask.relevant is None or ask.relevant.test(view):
                yield _gap(rule_id, aliases, view, faults)
                break


def _known(view: View, aliases: tuple[str, ...]) -> bool:
    """True when one of the inputs is fresh, or the worked-out value can be worked out."""
    derived = DERIVED.get(aliases[0])
    if derived is None:
        return any(map(view.fresh, aliases))
    return "final" in [reading.status for reading in derived.read(view)]


def _gap(rule_id: str, aliases: tuple[str, ...], view: View, faults: dict[str, Gap]) -> Gap:
    alias = aliases[0]
    if alias in DERIVED:
        (alias,) = DERIVED[alias].needs
        if alias not in faults:
            return _bare_gap(alias, "missing", rule_id, "no value of long enough ago to compare with")
    for name in (alias, *aliases[1:]):
        if view.current(name):
            return Gap(name, "stale", rule_id, f"last on {view.current(name)[0].when.day}")
        if name in faults:
            return Gap(name, faults[name].why, rule_id, faults[name].text, faults[name].source)
    why: GapReason = "unanswered" if alias in SAFETY_QUESTIONS else "missing"
    return _bare_gap(alias, why, rule_id)


@cache
def _bare_gap(alias: str, why: GapReason, rule_id: str, text: str = "") -> Gap:
    """A gap that says nothing of the patient; each is made once per process."""
    return Gap(alias, why, rule_id, text)
