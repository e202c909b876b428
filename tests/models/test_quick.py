"""Values that are made by the quicker constructor behave as any frozen dataclass does."""

import copy
import dataclasses
import pickle
from dataclasses import dataclass, field

import pytest

from models.quick import maker, quick_to_make
from models.snapshot import Reading, When
from models.text import N_, Text
from tests.builders import AS_OF

WHEN = When(AS_OF, AS_OF)
READING = Reading("hb", 120.0, "g/L", WHEN, "Observation/1", note="venous")


@dataclass(frozen=True, slots=True)
class Usual:
    first: int
    second: str = "two"
    third: dict[str, int] = field(default_factory=dict)


@quick_to_make
@dataclass(frozen=True, slots=True)
class Quick:
    first: int
    second: str = "two"
    third: dict[str, int] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("given", "named"),
    [((1,), {}), ((1, "b"), {}), ((1,), {"second": "b"}), ((), {"first": 1, "third": {"a": 1}})],
)
def test_fields_and_defaults_are_those_of_the_usual_constructor(given, named):
    usual, quick = Usual(*given, **named), Quick(*given, **named)
    assert dataclasses.asdict(quick) == dataclasses.asdict(usual)
    assert repr(quick) == repr(usual).replace("Usual", "Quick")


@pytest.mark.parametrize(("given", "named"), [((), {}), ((1, "b", {}, 4), {}), ((1,), {"fourth": 1})])
def test_a_field_that_is_missing_or_unknown_is_refused(given, named):
    with pytest.raises(TypeError):
        Quick(*given, **named)


def test_each_instance_has_a_default_of_its_own():
    one = Quick(1)
    one.third["a"] = 1
    assert Quick(1).third == {}


def test_nothing_that_is_made_can_be_changed():
    with pytest.raises(AttributeError):
        READING.value = 0.0
    with pytest.raises(AttributeError):
        del READING.value


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_and_pickles_are_equal_and_of_the_same_class(copied):
    found = copied(READING)
    assert found == READING
    assert type(found) is Reading
    assert hash(found) == hash(READING)


def test_one_with_another_field_can_be_made_of_it():
    changed = dataclasses.replace(READING, note="")
    assert (changed.note, changed.value, changed.when) == ("", 120.0, WHEN)
    assert changed != READING


def test_a_text_is_a_value_still():
    assert N_("At most {value}", value=3) == Text("At most {value}", {"value": 3})


def test_a_class_that_asks_for_more_than_its_fields_is_refused():
    @dataclass(frozen=True, slots=True)
    class Checked:
        first: int

        def __post_init__(self) -> None:
            raise AssertionError

    with pytest.raises(TypeError, match="Checked"):
        quick_to_make(Checked)


def test_a_maker_makes_what_the_class_itself_makes():
    make = maker(Quick)
    one = make(1, third={"a": 1})
    assert (type(one), one) == (Quick, Quick(1, third={"a": 1}))
    assert make(1).third is not make(1).third
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.first = 2
