"""The calls of the condition language: what is on file, since when, what was answered, what is too old."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from datetime import timedelta
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
from models.safety.view import View
from models.snapshot import Fact, Reading

FactTest = Callable[[View, Fact], bool]


def number_in(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number_in(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    return None


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def words_of(node: ast.Call) -> tuple[str, ...]:
    words = tuple(arg.value for arg in node.args if isinstance(arg, ast.Constant))
    if len(words) != len(node.args) or not words or not all(isinstance(word, str) for word in words):
        raise ConditionError(f"names are wanted: {ast.unparse(node)}")
    return tuple(str(word) for word in words)


def _option(node: ast.Call, name: str) -> float | None:
    for keyword in node.keywords:
        if keyword.arg == name:
            return number_in(keyword.value)
    return None


def _named_option(node: ast.Call, name: str) -> str | None:
    for keyword in node.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def _value_sets(node: ast.Call) -> tuple[str, ...]:
    names = words_of(node)
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

    def test_apart(view: View) -> bool:
        return any(True for _ in found(view))

    def test_all(view: View) -> bool:
        for name in names:
            for fact in view.happened.get(name, ()):
                if fits(view, fact):
                    return True
        return False

    test = test_apart if apart else test_all

    def collect(view: View) -> Iterable[Evidence]:
        return map(evidence_of_fact, found(view))

    return Condition(test, collect, frozenset(names), frozenset(names))


def since(node: ast.Call, band: Band) -> Condition:
    """Begun so many days ago; with `dated=1` a fact without a date does not count as today's."""
    dated, coded = bool(_option(node, "dated")), _code_filter(node)

    def fits(view: View, fact: Fact) -> bool:
        if dated and fact.start is None:
            return False
        days = view.since(fact)
        return days is not None and band.holds(days) and coded(fact)

    return _facts(_value_sets(node), fits, node)


def until(node: ast.Call, band: Band) -> Condition:
    """Planned in so many days."""
    names = _value_sets(node)

    def found(view: View) -> Iterable[Fact]:
        for name in names:
            for fact in view.snapshot.facts.get(name, ()):
                if fact.start is not None and band.holds(view.day(fact.start.earliest) - view.today):
                    yield fact

    return Condition(
        lambda view: any(True for _ in found(view)),
        lambda view: map(evidence_of_fact, found(view)),
        frozenset(names),
        frozenset(names),
    )


def _recent(node: ast.Call) -> Condition:
    """Begun within so many days; with `hours` in less than so many hours, and a fact without a date has no hour."""
    days, hours, coded = _option(node, "days"), _option(node, "hours"), _code_filter(node)
    if hours is not None:
        limit = timedelta(hours=hours)
        return _facts(
            _value_sets(node),
            lambda view, fact: fact.start is not None and view.as_of - fact.start.latest < limit and coded(fact),
            node,
        )
    if days is None:
        raise ConditionError(f"recent needs days or hours: {ast.unparse(node)}")
    return since(node, Band(high=days))


def _undated(node: ast.Call) -> Condition:
    """On file, not over, and without any date, so that it may be recent."""
    coded = _code_filter(node)
    return _facts(
        _value_sets(node),
        lambda view, fact: fact.start is None and view.since(fact) == 0 and coded(fact),
        node,
    )


def _unsure(node: ast.Call) -> Condition:
    """On file, not over, and nothing says that it is older than so many days; status codes too."""
    days = int(_option(node, "days") or 0)
    return _facts(_value_sets(node), lambda view, fact: view.may_be_recent(fact, days), node)


def _ever(node: ast.Call) -> Condition:
    """On file at all, past or present."""
    coded = _code_filter(node)
    return _facts(_value_sets(node), lambda view, fact: coded(fact), node)


def _code_filter(node: ast.Call) -> Callable[[Fact], bool]:
    """`start='I60 I61'` keeps codes that begin so; `but='S42 S52'` leaves those out; `site='spine'` keeps places.

    `away='limb'` leaves a place out; an unknown place is kept by both. `kind='procedure'` keeps what was done.
    """
    starts, outs, kinds = _list_option(node, "start"), _list_option(node, "but"), _list_option(node, "kind")
    sites, aways = _list_option(node, "site"), _list_option(node, "away")
    if not (starts or outs or kinds or sites or aways):
        return _any_code

    def fits(fact: Fact) -> bool:
        code = (
            fact.details.get("icd10") or fact.code
        )  # what a SNOMED CT code says in ICD-10, where the reading knows it
        if starts and not code.startswith(starts):
            return False
        if outs and code.startswith(outs):
            return False
        if kinds and fact.kind not in kinds:
            return False
        if not sites and not aways:
            return True
        place = fact.details.get("body_site", "").casefold()
        if not place:
            return True
        if aways and any(word in place for word in aways):
            return False
        return not sites or any(word in place for word in sites)

    return fits


def _any_code(fact: Fact) -> bool:
    return True


def _list_option(node: ast.Call, name: str) -> tuple[str, ...]:
    return tuple((_named_option(node, name) or "").split())


def _has(node: ast.Call) -> Condition:
    """Present today; with `days` or `hours` begun within that time, and not over for more than `after` days."""
    days, after, coded = _option(node, "days"), int(_option(node, "after") or 0), _code_filter(node)
    hours = timedelta(hours=_option(node, "hours") or 0)

    def fits(view: View, fact: Fact) -> bool:
        if not coded(fact):
            return False
        if hours and fact.start is not None:
            return view.as_of - fact.start.latest < hours and not view.is_over(fact, after)
        if days is None:
            return view.present(fact)
        began = view.since(fact)
        return began is not None and began <= days and not view.is_over(fact, after)

    return _facts(_value_sets(node), fits, node)


def _lately(node: ast.Call) -> Condition:
    """Goes on, or ended within so many days."""
    days, coded = int(_option(node, "days") or 0), _code_filter(node)
    return _facts(_value_sets(node), lambda view, fact: view.is_late(fact, days) and coded(fact), node)


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


def _drug(node: ast.Call) -> Condition:
    """A dose or order of a named drug within so many days: `drug('vs.cytotoxic', name='paclitaxel', days=90)`."""
    words, days = _list_option(node, "name"), _option(node, "days")

    def fits(view: View, fact: Fact) -> bool:
        named = f"{fact.details.get('drug', '')} {fact.display}".casefold()
        began = view.since(fact)
        return any(word in named for word in words) and began is not None and (days is None or began <= days)

    return _facts(_value_sets(node), fits, node)


def _lacks(node: ast.Call) -> Condition:
    """No confirmed fact that is present, begun at least `days` ago: only a sure one takes caution away."""
    names, days = _value_sets(node), int(_option(node, "days") or 0)

    def test(view: View) -> bool:
        return not any(
            fact.confirmed
            and view.present(fact)
            and (not days or (fact.start is not None and view.as_of - fact.start.latest >= timedelta(days)))
            for name in names
            for fact in view.facts(name)
        )

    return Condition(test, nothing, None, frozenset(names))


def _aliases(node: ast.Call) -> tuple[str, ...]:
    names = words_of(node)
    unknown = [name for name in names if name not in INPUTS]
    if unknown:
        raise ConditionError(f"not an input that is known: {', '.join(unknown)}")
    return names


def _yes(node: ast.Call) -> Condition:
    names, days = _aliases(node), _option(node, "days")

    def holds(view: View, reading: Reading) -> bool:
        return reading.value is True and (days is None or view.days_since(reading.when) <= days)

    def test(view: View) -> bool:
        for name in names:
            for reading in view.counting.get(name, ()):
                if holds(view, reading):
                    return True
        return False

    def collect(view: View) -> Iterable[Evidence]:
        return (evidence_of(one) for name in names for one in view.current(name) if holds(view, one))

    return Condition(test, collect, frozenset(names), frozenset(names))


def _said(node: ast.Call) -> Condition:
    """A coded answer that still counts: `said('session_status', 'missed')`."""
    name, word = words_of(node)
    if name not in INPUTS:
        raise ConditionError(f"not an input that is known: {name}")

    def found(view: View) -> Iterable[Reading]:
        return (reading for reading in view.current(name) if reading.value == word)

    return Condition(
        lambda view: any(True for _ in found(view)),
        lambda view: map(evidence_of, found(view)),
        frozenset({name}),
        frozenset({name}),
    )


def _no(node: ast.Call) -> Condition:
    """Answered `no`, validly and lately; an unanswered question is never a no."""
    names = _aliases(node)

    def test(view: View) -> bool:
        return all(view.fresh(name) and all(reading.value is False for reading in view.current(name)) for name in names)

    return Condition(test, nothing, frozenset(names), frozenset(names))


def _stale(node: ast.Call) -> Condition:
    names = _aliases(node)

    def test(view: View) -> bool:
        for name in names:  # noqa: SIM110 - half the time of any()
            if not view.fresh(name):
                return True
        return False

    return Condition(test, lambda view: _old_values(view, names), None, frozenset(names))


def _all_stale(node: ast.Call) -> Condition:
    names = _aliases(node)
    return Condition(
        lambda view: not any(map(view.fresh, names)),
        lambda view: _old_values(view, names),
        None,
        frozenset(names),
    )


def _old_values(view: View, names: tuple[str, ...]) -> Iterable[Evidence]:
    """What is on file but too old, as evidence of why it was not used."""
    for name in names:
        if not view.fresh(name):
            yield from map(evidence_of, view.current(name)[:1])


CALLS: Final[dict[str, Callable[[ast.Call], Condition]]] = {
    "has": _has,
    "recent": _recent,
    "lately": _lately,
    "detail": _detail,
    "drug": _drug,
    "ever": _ever,
    "undated": _undated,
    "unsure": _unsure,
    "said": _said,
    "lacks": _lacks,
    "yes": _yes,
    "no": _no,
    "stale": _stale,
    "all_stale": _all_stale,
}
