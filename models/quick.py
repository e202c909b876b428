"""Frozen dataclasses whose instances cost a third: a decision makes several hundred of them.

The constructor that `dataclass(frozen=True)` writes goes through `object.__setattr__` for each field, because the class
itself refuses to set any. Here a twin with the same slots, which refuses nothing, is filled and becomes an instance
of the frozen class by its last statement. Fields, defaults, equality, hash, `replace`, copies and pickles stay as they
are, and so does the refusal to change what is made. `bench.engine` measures what it brings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any, Final, TypeVar

T = TypeVar("T")


def quick_to_make(cls: type[T]) -> type[T]:
    """The same frozen dataclass with slots, with a constructor that is quicker."""
    made = fields(cls)  # type: ignore[arg-type]
    if hasattr(cls, "__post_init__") or not all(field.init and not field.kw_only for field in made):
        raise TypeError(f"{cls.__name__} asks for more than its fields in their order")
    twin = type(f"_Unfrozen{cls.__name__}", (), {"__slots__": cls.__slots__})  # type: ignore[attr-defined]
    scope: dict[str, Any] = {"_new": object.__new__, "_twin": twin, "_missing": MISSING}
    for field in made:
        if field.default is not MISSING:
            scope[f"_default_{field.name}"] = field.default
        elif field.default_factory is not MISSING:
            scope[f"_make_{field.name}"] = field.default_factory
    scope["_cls"] = cls
    exec("\n".join(_constructors(made)), scope)  # noqa: S102 - the text is made of field names alone, as dataclasses do
    constructor = scope["__new__"]
    _MAKERS[cls] = scope["make"]
    constructor.__qualname__ = f"{cls.__qualname__}.__new__"
    constructor.__annotations__ = {field.name: field.type for field in made}
    del cls.__init__
    cls.__new__ = constructor  # type: ignore[method-assign]
    cls.__reduce__ = _reduced  # type: ignore[method-assign]
    return cls


_MAKERS: Final[dict[type[Any], Any]] = {}


def maker(cls: type[T]) -> type[T]:
    """What makes instances of such a class quicker still, for the few places that make hundreds of them.

    A plain function, which the interpreter calls without the detour through the type; to type checkers it is the class.
    """
    made: type[T] = _MAKERS[cls]
    return made


def _constructors(made: tuple[Field[Any], ...]) -> Iterator[str]:
    for head, cls in (("__new__(cls, ", "cls"), ("make(", "_cls")):
        yield f"def {head}{', '.join(map(_parameter, made))}):"
        yield "    self = _new(_twin)"
        for field in made:
            given = field.name
            if field.default_factory is not MISSING:
                given = f"_make_{given}() if {given} is _missing else {given}"
            yield f"    self.{field.name} = {given}"
        yield f"    self.__class__ = {cls}"
        yield "    return self"


def _parameter(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return f"{field.name}=_default_{field.name}"
    return f"{field.name}=_missing" if field.default_factory is not MISSING else field.name


def _reduced(self: Any) -> tuple[type[Any], tuple[Any, ...]]:
    """How copies and pickles are made: by the constructor."""
    return type(self), tuple(getattr(self, field.name) for field in fields(self))
