"""The small language of the rules' conditions, compiled once into closures.

    platelets < 10                       10 <= hb < 80               value('6mwd') < 300
    has('vs.bone_mets')                  has('vs.acute_infection', days=7)
    recent('vs.pe', days=14)             3 <= since('vs.mi', 'vs.revasc') <= 42
    yes('chest-pain', days=1)            stale('platelets', 'hb')    all_stale('ecog', 'kps')
    lacks('vs.anticoag', days=1)         on_cytotoxic                a and (b or not c)

A value given as `<10` fires everything that some value under 10 would fire. Nothing else of Python is understood.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Final

from models.findings import Evidence
from models.inputs import INPUTS
from models.safety.condition import (
    Band,
    Condition,
    ConditionError,
    evidence_of,
    evidence_of_fact,
    nothing,
)
from models.safety.inputs import DERIVED, MARKS, Source
from models.safety.view import View
from models.snapshot import Fact, Reading

FactTest = Callable[[View, Fact], bool]


def compiled(text: str) -> Condition:
    """The condition of one rule. Raises `ConditionError` when it says something that the language does not know."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ConditionError(f"cannot be read: {text}") from error
    return _compile(tree.body)


# Numbers


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    return None


def _band(node: ast.Compare) -> tuple[ast.expr, Band]:
    """The one side that is not a number, and the interval that it is asked to be in."""
    sides = [node.left, *node.comparators]
    subjects = [index for index, side in enumerate(sides) if _number(side) is None]
    if len(subjects) != 1 or len(sides) > 3:
        raise ConditionError(f"a comparison needs one value and numbers: {ast.unparse(node)}")
    at, band = subjects[0], Band()
    for index, op in enumerate(node.ops):
        left, right = sides[index], sides[index + 1]
        if index + 1 == at:
            band = _narrowed(band, _MIRROR[type(op)], _number(left))
        elif index == at:
            band = _narrowed(band, type(op), _number(right))
        else:
            raise ConditionError(f"a comparison needs its value in the middle: {ast.unparse(node)}")
    return sides[at], band


_MIRROR: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
}


def _narrowed(band: Band, op: type[ast.cmpop], limit: float | None) -> Band:
    if limit is None or op not in _MIRROR:
        raise ConditionError("only <, <=, ==, >= and > compare")
    if op in (ast.Lt, ast.LtE):
        return Band(band.low, limit, band.low_open, op is ast.Lt)
    if op in (ast.Gt, ast.GtE):
        return Band(limit, band.high, op is ast.Gt, band.high_open)
    return Band(limit, limit)


def _compare(node: ast.Compare) -> Condition:
    subject, band = _band(node)
    if isinstance(subject, ast.Call) and _called(subject) == "since":
        return _since(subject, band)
    name, read, needs = _source(subject)

    def test(view: View) -> bool:
        return any(band.may_hold(reading) for reading in read(view))

    def collect(view: View) -> Iterable[Evidence]:
        return map(evidence_of, read(view))

    return Condition(test, collect, needs, frozenset({name}))


def _source(node: ast.expr) -> tuple[str, Source, frozenset[str] | None]:
    """The readings of a number by its name: an input or a derived value."""
    if isinstance(node, ast.Name):
        name = node.id
    elif isinstance(node, ast.Call) and _called(node) == "value":
        (name,) = _words(node)
    else:
        raise ConditionError(f"not a value: {ast.unparse(node)}")
    derived = DERIVED.get(name)
    if derived:
        return name, derived.read, derived.needs or None
    if name not in INPUTS or INPUTS[name].kind != "number":
        raise ConditionError(f"not a number that is known: {name}")
    return name, lambda view: view.current(name), frozenset({name})


# Calls


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _words(node: ast.Call) -> tuple[str, ...]:
    words = tuple(arg.value for arg in node.args if isinstance(arg, ast.Constant))
    if len(words) != len(node.args) or not words or not all(isinstance(word, str) for word in words):
        raise ConditionError(f"names are wanted: {ast.unparse(node)}")
    return tuple(str(word) for word in words)


def _option(node: ast.Call, name: str) -> float | None:
    for keyword in node.keywords:
        if keyword.arg == name:
            return _number(keyword.value)
    return None


def _named_option(node: ast.Call, name: str) -> str | None:
    for keyword in node.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def _value_sets(node: ast.Call) -> tuple[str, ...]:
    names = _words(node)
    if not all(name.startswith("vs.") for name in names):
        raise ConditionError(f"value sets are wanted: {ast.unparse(node)}")
    return names


def _facts(names: tuple[str, ...], fits: FactTest, node: ast.Call) -> Condition:
    """A condition that holds when some fact of the value sets fits; `apart` leaves out what is also in another."""
    apart = _named_option(node, "apart")

    def found(view: View) -> Iterable[Fact]:
        left_out = {fact.source for fact in view.facts(apart)} if apart else ()
        for name in names:
            for fact in view.facts(name):
                if fact.source not in left_out and fits(view, fact):
                    yield fact

    def test(view: View) -> bool:
        return any(True for _ in found(view))

    def collect(view: View) -> Iterable[Evidence]:
        return map(evidence_of_fact, found(view))

    return Condition(test, collect, frozenset(names), frozenset(names))


def _since(node: ast.Call, band: Band) -> Condition:
    def fits(view: View, fact: Fact) -> bool:
        days = view.since(fact)
        return days is not None and band.holds(days)

    return _facts(_value_sets(node), fits, node)


def _recent(node: ast.Call) -> Condition:
    days = _option(node, "days")
    if days is None:
        raise ConditionError(f"recent needs days: {ast.unparse(node)}")
    return _since(node, Band(high=days))


def _has(node: ast.Call) -> Condition:
    """Present today; with `days` begun within so many days, and not over for more than `after` days."""
    days, after = _option(node, "days"), int(_option(node, "after") or 0)

    def fits(view: View, fact: Fact) -> bool:
        if days is None:
            return view.present(fact)
        began = view.since(fact)
        return began is not None and began <= days and not view.is_over(fact, after)

    return _facts(_value_sets(node), fits, node)


def _lately(node: ast.Call) -> Condition:
    """Goes on, or ended within so many days."""
    days = int(_option(node, "days") or 0)
    return _facts(_value_sets(node), lambda view, fact: view.is_late(fact, days), node)


def _detail(node: ast.Call) -> Condition:
    """Present today with a word in its details: `detail('vs.aortic', severity='unknown')`."""
    wanted = {
        keyword.arg: str(keyword.value.value)
        for keyword in node.keywords
        if keyword.arg and isinstance(keyword.value, ast.Constant)
    }

    def fits(view: View, fact: Fact) -> bool:
        return view.present(fact) and all(
            fact.details.get(key, "").casefold() == value for key, value in wanted.items()
        )

    return _facts(_value_sets(node), fits, node)


def _coded(node: ast.Call) -> Condition:
    """Present today with one of the code prefixes: `coded('vs.cancer', start='C61 C50')`; `days` as in `recent`."""
    prefixes = tuple((_named_option(node, "start") or "").split())
    days = _option(node, "days")

    def fits(view: View, fact: Fact) -> bool:
        if not fact.code.startswith(prefixes):
            return False
        if days is None:
            return view.present(fact)
        began = view.since(fact)
        return began is not None and began <= days

    return _facts(_value_sets(node), fits, node)


def _lacks(node: ast.Call) -> Condition:
    """No confirmed fact that is present, begun at least `days` ago: only a sure one takes caution away."""
    names, days = _value_sets(node), int(_option(node, "days") or 0)

    def test(view: View) -> bool:
        return not any(
            fact.confirmed
            and view.present(fact)
            and (not days or (fact.start is not None and view.days_since(fact.start) >= days))
            for name in names
            for fact in view.facts(name)
        )

    return Condition(test, nothing, None, frozenset(names))


def _aliases(node: ast.Call) -> tuple[str, ...]:
    names = _words(node)
    unknown = [name for name in names if name not in INPUTS]
    if unknown:
        raise ConditionError(f"not an input that is known: {', '.join(unknown)}")
    return names


def _yes(node: ast.Call) -> Condition:
    names, days = _aliases(node), _option(node, "days")

    def found(view: View) -> Iterable[Reading]:
        for name in names:
            for reading in view.current(name):
                if reading.value is True and (days is None or view.days_since(reading.when) <= days):
                    yield reading

    def test(view: View) -> bool:
        return any(True for _ in found(view))

    def collect(view: View) -> Iterable[Evidence]:
        return map(evidence_of, found(view))

    return Condition(test, collect, frozenset(names), frozenset(names))


def _no(node: ast.Call) -> Condition:
    """Answered `no`, validly and lately; an unanswered question is never a no."""
    names = _aliases(node)

    def test(view: View) -> bool:
        return all(view.fresh(name) and all(reading.value is False for reading in view.current(name)) for name in names)

    return Condition(test, nothing, frozenset(names), frozenset(names))


def _stale(node: ast.Call) -> Condition:
    names = _aliases(node)
    return Condition(
        lambda view: any(not view.fresh(name) for name in names),
        lambda view: _old_values(view, names),
        None,
        frozenset(names),
    )


def _all_stale(node: ast.Call) -> Condition:
    names = _aliases(node)
    return Condition(
        lambda view: not any(view.fresh(name) for name in names),
        lambda view: _old_values(view, names),
        None,
        frozenset(names),
    )


def _old_values(view: View, names: tuple[str, ...]) -> Iterable[Evidence]:
    """What is on file but too old, as evidence of why it was not used."""
    for name in names:
        if not view.fresh(name):
            yield from map(evidence_of, view.current(name)[:1])


_CALLS: Final[dict[str, Callable[[ast.Call], Condition]]] = {
    "has": _has,
    "recent": _recent,
    "lately": _lately,
    "detail": _detail,
    "coded": _coded,
    "lacks": _lacks,
    "yes": _yes,
    "no": _no,
    "stale": _stale,
    "all_stale": _all_stale,
}


# Putting together


def _compile(node: ast.expr) -> Condition:
    if isinstance(node, ast.BoolOp):
        parts = [_compile(value) for value in node.values]
        return _all(parts) if isinstance(node.op, ast.And) else _any(parts)
    if isinstance(node, ast.Compare):
        return _compare(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _compile(node.operand)
        return Condition(lambda view: not inner.test(view), nothing, None, inner.reads)
    if isinstance(node, ast.Call) and _called(node) in _CALLS:
        return _CALLS[_called(node)](node)
    if isinstance(node, ast.Name) and node.id in MARKS:
        mark = MARKS[node.id]
        return Condition(mark.holds, nothing, mark.needs, frozenset({node.id}))
    raise ConditionError(f"not understood: {ast.unparse(node)}")


def _all(parts: list[Condition]) -> Condition:
    tests = tuple(part.test for part in parts)
    known = [part.wake for part in parts if part.wake is not None]
    return Condition(
        lambda view: all(test(view) for test in tests),
        lambda view: (one for part in parts for one in part.collect(view)),
        min(known, key=len, default=None),
        frozenset().union(*(part.reads for part in parts)),
    )


def _any(parts: list[Condition]) -> Condition:
    tests = tuple(part.test for part in parts)
    known = [part.wake for part in parts if part.wake is not None]
    return Condition(
        lambda view: any(test(view) for test in tests),
        lambda view: (one for part in parts if part.test(view) for one in part.collect(view)),
        frozenset().union(*known) if len(known) == len(parts) else None,
        frozenset().union(*(part.reads for part in parts)),
    )
