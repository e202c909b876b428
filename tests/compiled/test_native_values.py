"""A value class is written out for the compiler with the same fields and defaults, and nothing else changes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.compiled.native_values import NotPlain, native
from tools.compiled.tree import LEFT_OUT, ROOT, modules

WRITTEN = '''
from __future__ import annotations

from dataclasses import dataclass, field

from models.quick import maker, quick_to_make


@quick_to_make
@dataclass(frozen=True, slots=True)
class Point:
    """Where something is."""

    east: float
    north: float = 0.0
    names: dict[str, str] = field(default_factory=dict)  # by language

    def moved(self, by: float) -> Point:
        return Point(self.east + by, self.north, self.names)


_point = maker(Point)


def origin() -> list[Point]:
    return [_point(0.0), _point(0.0)]
'''


@pytest.fixture
def written_out(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    module = types.ModuleType("written_out")
    monkeypatch.setitem(sys.modules, "written_out", module)
    exec(compile(native(WRITTEN), "written_out", "exec"), module.__dict__)
    return module


def test_fields_defaults_and_methods_stay(written_out: types.ModuleType) -> None:
    point = written_out.Point(1.0, names={"en": "gate"})
    assert [one.name for one in dataclasses.fields(point)] == ["east", "north", "names"]
    assert point.moved(2.0) == written_out.Point(3.0, 0.0, {"en": "gate"})
    assert written_out.Point.__doc__ == "Where something is."


def test_each_instance_has_a_default_of_its_own(written_out: types.ModuleType) -> None:
    first, second = written_out.origin()
    assert first == second
    assert first.names is not second.names


def test_another_one_can_be_made_of_it_and_it_can_be_copied_and_stored(written_out: types.ModuleType) -> None:
    point = written_out.Point(1.0)
    assert dataclasses.replace(point, north=2.0) == written_out.Point(1.0, 2.0)
    for other in (copy.copy(point), copy.deepcopy(point), pickle.loads(pickle.dumps(point))):
        assert other == point
    assert point != (1.0, 0.0, {})


def test_the_quick_ways_of_the_interpreter_are_gone() -> None:
    assert "quick" not in native(WRITTEN)
    assert "maker" not in native(WRITTEN)
    assert "return [Point(0.0), Point(0.0)]" in native(WRITTEN)


def test_a_module_without_value_classes_stays_as_it_is() -> None:
    text = (ROOT / "models" / "tier.py").read_text()
    assert native(text) == text


@pytest.mark.parametrize(
    ("whole", "piece"),
    [
        ("    def moved", "    def __post_init__"),
        ("field(default_factory=dict)", "field(default_factory=dict, repr=False)"),
        ("    north: float", "    def between(self) -> None: ...\n\n    north: float"),
    ],
)
def test_a_class_that_is_more_than_its_fields_is_refused(whole: str, piece: str) -> None:
    with pytest.raises(NotPlain):
        native(WRITTEN.replace(whole, piece))


def test_what_is_left_out_of_compiling_is_there_and_has_its_reason() -> None:
    for name, reason in LEFT_OUT.items():
        assert Path(ROOT / name).is_file(), name
        assert reason


def test_the_rooms_of_the_engine_are_compiled() -> None:
    compiled = modules()
    for name in ("models/snapshot.py", "models/safety/view.py", "models/prescription.py"):
        assert name in compiled
    assert "mappings/from_fhir/plain.py" in compiled
    assert not set(LEFT_OUT) & set(compiled)
