"""Value classes as a compiler of Python wants them: the same fields, written out.

A frozen dataclass that `models/quick.py` makes quick lives by tricks of the interpreter. In a compiled room the same
class is native: its fields lie in a C structure and refuse to be changed, and its constructor, equality and hash are
written out, because those that `dataclass` makes at run time would be interpreted. Everything else of the module
stays as it stands.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

_QUICK = "quick_to_make"
_MAKER = "maker"


class NotPlain(ValueError):
    """A value class that is more than its fields, their defaults and its methods."""


def native(text: str) -> str:
    """The module with its value classes written out; the same text when it has none.

    Raises `NotPlain` for a value class that cannot be written out.
    """
    tree = ast.parse(text)
    lines = text.split("\n")
    for node in reversed(tree.body):
        if isinstance(node, ast.ClassDef) and _is_quick(node):
            first, last = node.decorator_list[0].lineno - 1, node.end_lineno
            lines[first:last] = _class(node, lines)
        elif isinstance(node, ast.ImportFrom) and node.module == "models.quick":
            lines[node.lineno - 1 : node.end_lineno] = []
    return _with_final(_without_makers("\n".join(lines)))


def _is_quick(node: ast.ClassDef) -> bool:
    return any(isinstance(one, ast.Name) and one.id == _QUICK for one in node.decorator_list)


def _class(node: ast.ClassDef, lines: Sequence[str]) -> list[str]:
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    if not fields or any(b.lineno != (a.end_lineno or 0) + 1 for a, b in pairwise(fields)):
        raise NotPlain(f"{node.name}: its fields do not stand together")
    if any(isinstance(one, ast.FunctionDef) and one.name == "__post_init__" for one in node.body):
        raise NotPlain(f"{node.name}: it does more than keep its fields")
    head = lines[node.lineno - 1 : fields[0].lineno - 1]
    rest = lines[fields[-1].end_lineno or 0 : node.end_lineno]
    return ["@dataclass(init=False, eq=False)", *head, *_written_out(node.name, fields), *rest]


def _written_out(name: str, fields: Sequence[ast.AnnAssign]) -> Iterator[str]:
    names = [_name(field) for field in fields]
    for field in fields:
        yield f"    {_name(field)}: Final[{ast.unparse(field.annotation)}]"
    yield ""
    yield f"    def __init__(self, {', '.join(map(_parameter, fields))}) -> None:"
    for field in fields:
        yield f"        self.{_name(field)} = {_given(field)}"
    yield ""
    yield "    def __eq__(self, other: object) -> bool:"
    yield f"        if not isinstance(other, {name}):"
    yield "            return NotImplemented"
    yield f"        return {' and '.join(f'self.{one} == other.{one}' for one in names)}"
    yield ""
    everything = f"({', '.join(f'self.{one}' for one in names)},)"
    yield "    def __hash__(self) -> int:"
    yield f"        return hash({everything})"
    yield ""
    yield "    def __reduce__(self) -> tuple[type, tuple[object, ...]]:"
    yield f"        return {name}, {everything}"


def _name(field: ast.AnnAssign) -> str:
    if not isinstance(field.target, ast.Name):
        raise NotPlain(ast.unparse(field))
    return field.target.id


def _factory(field: ast.AnnAssign) -> ast.expr | None:
    """What makes the default of a field, where it is `field(default_factory=...)`."""
    value = field.value
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "field"):
        return None
    if [one.arg for one in value.keywords] != ["default_factory"]:
        raise NotPlain(ast.unparse(field))
    return value.keywords[0].value


def _parameter(field: ast.AnnAssign) -> str:
    annotation = ast.unparse(field.annotation)
    if _factory(field) is not None:
        return f"{_name(field)}: {annotation} | None = None"
    default = "" if field.value is None else f" = {ast.unparse(field.value)}"
    return f"{_name(field)}: {annotation}{default}"


def _given(field: ast.AnnAssign) -> str:
    factory, name = _factory(field), _name(field)
    return name if factory is None else f"{ast.unparse(factory)}() if {name} is None else {name}"


def _without_makers(text: str) -> str:
    """`_reading = maker(Reading)` left out and `_reading` written as `Reading`: a native class is quick of itself."""
    tree, lines = ast.parse(text), text.split("\n")
    makers = {name: (node, made) for node in tree.body for name, made in _made_by(node)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in makers]
    for node in sorted(names, key=lambda one: (one.lineno, one.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line[: node.col_offset] + makers[node.id][1] + line[node.end_col_offset :]
    for statement, _ in makers.values():
        lines[statement.lineno - 1] = ""
    return "\n".join(lines)


def _made_by(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Name and class of a statement `name = maker(Class)`."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
        called = node.value.func
        if isinstance(called, ast.Name) and called.id == _MAKER:
            yield node.targets[0].id, ast.unparse(node.value.args[0])


def _with_final(text: str) -> str:
    """With `Final` imported where it is used and was not."""
    tree = ast.parse(text)
    used = any(isinstance(node, ast.Name) and node.id == "Final" for node in ast.walk(tree))
    known = any(isinstance(node, ast.alias) and node.name == "Final" for node in ast.walk(tree))
    if not used or known:
        return text
    lines = text.split("\n")
    at = next(node.lineno for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join([*lines[:at], "from typing import Final", *lines[at:]])
