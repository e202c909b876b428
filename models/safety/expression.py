"""The small language of the rules' conditions, compiled once into closures.

    platelets < 10                       10 <= hb < 80               value('6mwd') < 300
    has('vs.bone_mets')                  has('vs.acute_infection', days=7)
    recent('vs.pe', days=14)             recent('vs.seizure', hours=48)
    3 <= since('vs.mi', 'vs.revasc') <= 42
    ever('vs.device')                    has('vs.stroke', but='I69')
    yes('chest-pain', days=1)            stale('platelets', 'hb')    all_stale('ecog', 'kps')
    lacks('vs.anticoag', days=1)         on_cytotoxic                a and (b or not c)

A value given as `<10` fires everything that some value under 10 would fire. Nothing else of Python is understood.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

from models.inputs import INPUTS
from models.safety.calls import CALLS, called, number_in, since, until, words_of
from models.safety.condition import (
    Band,
    Condition,
    ConditionError,
    bands_together,
    evidence_of,
    nothing,
)
from models.safety.inputs import DERIVED, MARKS
from models.safety.trends import Source
from models.safety.view import View
from models.snapshot import Reading


def compiled(text: str) -> Condition:
    """The condition of one rule. Raises `ConditionError` when it says something that the language does not know."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ConditionError(f"cannot be read: {text}") from error
    return _compile(tree.body)


# Numbers


def _band(node: ast.Compare) -> tuple[ast.expr, Band]:
    """The one side that is not a number, and the interval that it is asked to be in."""
    sides = [node.left, *node.comparators]
    subjects = [index for index, side in enumerate(sides) if number_in(side) is None]
    if len(subjects) != 1 or len(sides) > 3:
        raise ConditionError(f"a comparison needs one value and numbers: {ast.unparse(node)}")
    at, band = subjects[0], Band()
    for index, op in enumerate(node.ops):
        left, right = sides[index], sides[index + 1]
        if index + 1 == at:
            band = _narrowed(band, _MIRROR.get(type(op), ast.In), number_in(left))
        elif index == at:
            band = _narrowed(band, type(op), number_in(right))
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
    if isinstance(subject, ast.Call) and called(subject) in ("since", "until"):
        return (since if called(subject) == "since" else until)(subject, band)
    name, read, needs = _source(subject)
    some = _some(band)
    if name in DERIVED:
        return Condition(
            lambda view: some(read(view)), lambda view: map(evidence_of, read(view)), needs, frozenset({name})
        )

    def test(view: View) -> bool:
        readings = view.counting.get(name)
        return readings is not None and some(readings)

    return Condition(test, lambda view: map(evidence_of, read(view)), needs, frozenset({name}), {name: (band,)})


def _some(band: Band) -> Callable[[tuple[Reading, ...]], bool]:
    """Whether some of the readings may stand for a number inside."""
    may_hold, (low, high) = band.may_hold, band.closed

    def some(readings: tuple[Reading, ...]) -> bool:
        for reading in readings:  # a plain loop without calls: these are the hottest lines of the service
            value = reading.value
            if value.__class__ is float and reading.comparator is None:
                if low <= value <= high:
                    return True
            elif may_hold(reading):
                return True
        return False

    return some


def _source(node: ast.expr) -> tuple[str, Source, frozenset[str] | None]:
    """The readings of a number by its name: an input or a derived value."""
    if isinstance(node, ast.Name):
        name = node.id
    elif isinstance(node, ast.Call) and called(node) == "value":
        (name,) = words_of(node)
    else:
        raise ConditionError(f"not a value: {ast.unparse(node)}")
    derived = DERIVED.get(name)
    if derived:
        return name, derived.read, derived.needs or None
    if name not in INPUTS or INPUTS[name].kind != "number":
        raise ConditionError(f"not a number that is known: {name}")
    return name, lambda view: view.current(name), frozenset({name})


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
    if isinstance(node, ast.Call) and called(node) in CALLS:
        return CALLS[called(node)](node)
    if isinstance(node, ast.Name) and node.id in MARKS:
        mark = MARKS[node.id]
        return Condition(mark.holds, nothing, mark.needs, frozenset({node.id}))
    raise ConditionError(f"not understood: {ast.unparse(node)}")


def _all(parts: list[Condition]) -> Condition:
    tests = tuple(part.test for part in parts)
    rarest = min((part for part in parts if part.wake is not None), key=_how_often, default=None)

    def test(view: View) -> bool:
        for holds in tests:  # noqa: SIM110 - half the time of all()
            if not holds(view):
                return False
        return True

    return Condition(
        test,
        lambda view: (one for part in parts for one in part.collect(view)),
        rarest.wake if rarest else None,
        frozenset().union(*(part.reads for part in parts)),
        rarest.bands if rarest else {},
    )


def _how_often(part: Condition) -> tuple[int, int]:
    """How many names wake a condition by being there alone, and how many in all."""
    names = part.wake or frozenset()
    return len(names) - len(part.bands), len(names)


def _any(parts: list[Condition]) -> Condition:
    tests = tuple(part.test for part in parts)
    known = [part.wake for part in parts if part.wake is not None]

    def test(view: View) -> bool:
        for holds in tests:  # noqa: SIM110 - half the time of any()
            if holds(view):
                return True
        return False

    return Condition(
        test,
        lambda view: (one for part in parts if part.test(view) for one in part.collect(view)),
        frozenset().union(*known) if len(known) == len(parts) else None,
        frozenset().union(*(part.reads for part in parts)),
        bands_together((part.wake, part.bands) for part in parts),
    )
