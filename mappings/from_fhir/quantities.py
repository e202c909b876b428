"""One value of one observation in its canonical unit, or the reason why it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mappings import decoders, structs
from mappings.measures import Measure, Value, observed
from mappings.structs import BareConcept, Component, Observation, Quantity, ReferenceRange
from mappings.units import SAME
from models.snapshot import Comparator, GapReason

_COMPARATORS: Final[Mapping[str, Comparator]] = {"<": "<", "<=": "<=", ">=": ">=", ">": ">"}


# A usable value: measure (another one than asked for where a grade has its own input), value, comparator, note. A
# plain tuple, because there are hundreds in a chart.
Read = tuple[Measure, Value, Comparator | None, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a value is not used; `why` is `None` for an answer such as "unknown", which is no fault."""

    measure: Measure
    why: GapReason | None
    text: str = ""


def result_of(observation: Observation) -> Component:
    """The value of an observation, decoded. Raises `MsgspecError` when it is of a wrong type."""
    quantity = observation.value_quantity
    ranges = observation.reference_range
    read = Component(
        value_quantity=decoders.quantity_decoder.decode(quantity) if quantity else None,
        reference_range=decoders.ranges_decoder.decode(ranges) if ranges else None,
    )
    if read.value_quantity is None:
        concept, yes, number = (
            observation.value_codeable_concept,
            observation.value_boolean,
            observation.value_integer,
        )
        read.value_codeable_concept = decoders.concept_decoder.decode(concept) if concept else None
        read.value_boolean = decoders.boolean_decoder.decode(yes) if yes else None
        read.value_integer = decoders.integer_decoder.decode(number) if number else None
        read.value_string = observation.value_string
    return read


def read_value(measure: Measure, observation: Observation, part: Component) -> Read | Refused:
    """The value of an observation or component. Source: observations.md sections 1 and 9."""
    if measure.kind == "number":
        return _number(measure, observation, part)
    if measure.kind == "boolean":
        return _boolean(measure, observation, part)
    return _code(measure, part)


def _number(measure: Measure, observation: Observation, part: Component) -> Read | Refused:
    quantity = part.value_quantity
    if quantity is not None:
        return _quantity(measure, observation, quantity)
    if part.value_integer is not None:
        if not measure.dimensionless:
            return Refused(measure, "unit", f"{part.value_integer} without a unit")
        return checked(measure, measure.conversion.accepted.get("1", SAME).of(float(part.value_integer)))
    if part.value_codeable_concept is not None:
        answer = _answer(measure, part.value_codeable_concept)
        if answer is None:
            return Refused(measure, "unit", "a coded answer that stands for no number")
        return answer if isinstance(answer, Refused) else checked(measure, float(answer))
    return _absent(measure, part)


def _quantity(measure: Measure, observation: Observation, quantity: Quantity) -> Read | Refused:
    value = quantity.value
    if value is None:
        return Refused(measure, "missing", "a quantity without a value")
    if quantity.comparator is not None and quantity.comparator not in _COMPARATORS:
        return Refused(measure, "unit", f"comparator {quantity.comparator[:10]} is not known")
    comparator = _COMPARATORS[quantity.comparator] if quantity.comparator else None
    if measure.steps is not None:
        return _stepped(measure, quantity, comparator)
    found = measure.conversion.factor(quantity.system, quantity.code, quantity.unit)
    if found is None and measure.whole_day is not None and _covers_a_day(observation):
        found = measure.whole_day.factor(quantity.system, quantity.code, quantity.unit)
    if found is None and measure.graded_as is not None:
        return _quantity(observed().by_alias[measure.graded_as], observation, quantity)
    if found is None:
        return Refused(measure, "unit", f"{value:g} {_unit_text(quantity)}")
    if found is not SAME:
        value = found.of(value)
    return checked(measure, value, comparator, _note(measure, observation))


def _stepped(measure: Measure, quantity: Quantity, comparator: Comparator | None) -> Read | Refused:
    """A concentration on a strip that is read as its number of pluses."""
    if measure.step_unit not in (quantity.code, quantity.unit) or quantity.value is None:
        return Refused(measure, "unit", f"{quantity.value} {_unit_text(quantity)}")
    for limit, score in measure.steps or ():
        if quantity.value >= limit:
            return checked(measure, score, comparator)
    return Refused(measure, "implausible", f"{quantity.value:g} {_unit_text(quantity)}")


def checked(measure: Measure, value: float, comparator: Comparator | None = None, note: str = "") -> Read | Refused:
    """The value if it can belong to a living person; it is rejected otherwise, never clipped."""
    if measure.plausible is not None:
        low, high = measure.plausible
        if not low <= value <= high:
            unit = f" {measure.unit}" if measure.unit else ""
            return Refused(measure, "implausible", f"{value:g}{unit} is outside {low:g}-{high:g}{unit}")
    if measure.whole and value != int(value):
        return Refused(measure, "implausible", f"{value:g} is no whole number")
    return measure, value, comparator, note


def _boolean(measure: Measure, observation: Observation, part: Component) -> Read | Refused:
    if part.value_boolean is not None:
        return measure, part.value_boolean, None, ""
    if part.value_codeable_concept is not None:
        answer = _answer(measure, part.value_codeable_concept)
        if answer is None:
            return Refused(measure, "unanswered", "neither yes nor no")
        return answer if isinstance(answer, Refused) else (measure, bool(answer), None, "")
    quantity, number = part.value_quantity, part.value_integer
    if quantity is None and number is None:
        return _absent(measure, part)
    if measure.graded_as is not None:
        return _number(observed().by_alias[measure.graded_as], observation, part)
    grade = float(number) if number is not None else quantity.value if quantity is not None else None
    if grade is None or not 0 <= grade <= 10:
        return Refused(measure, "implausible", "neither yes nor no nor a grade")
    return measure, grade > 0, None, f"grade {grade:g}"


def _code(measure: Measure, part: Component) -> Read | Refused:
    concept = part.value_codeable_concept
    if concept is None:
        return _absent(measure, part)
    answer = _answer(measure, concept)
    if isinstance(answer, Refused):
        return answer
    if answer is not None:
        return measure, answer, None, ""
    code = next((coding.code for coding in concept.coding or () if coding.code), None)
    return (measure, code, None, "") if code else Refused(measure, "unit", "an answer without a code")


def _answer(measure: Measure, concept: BareConcept) -> Value | Refused | None:
    """What a coded answer stands for; `None` when it is not in the table."""
    for coding in concept.coding or ():
        if coding.code is None:
            continue
        found = measure.answers.get((coding.system or "", coding.code))
        if found is not None:
            return found
        if coding.code in measure.unanswered:
            return Refused(measure, None)
    return None


def _absent(measure: Measure, part: Component) -> Refused:
    if part.value_string:
        return Refused(measure, "unit", "a text instead of a value")
    return Refused(measure, "missing", "a result without a value")


def _covers_a_day(observation: Observation) -> bool:
    moment = observation.effective_date_time
    if moment is not None:
        return len(moment) == 10
    raw = observation.effective_period
    period: structs.Period | None = decoders.period_decoder.decode(raw) if raw else None
    if period is None or period.start is None or period.end is None:
        return False
    if len(period.start) == 10:
        return period.start == period.end
    # A day's record runs from a time to the same time of the next day, or to a second before it.
    return period.start[:10] < period.end[:10] or (period.start[11:16], period.end[11:16]) == ("00:00", "23:59")


def _note(measure: Measure, observation: Observation) -> str:
    if not measure.note_code:
        return ""
    concept = decoders.concept_decoder.decode(observation.code)
    codes = [coding.code for coding in concept.coding or () if coding.code] if concept else []
    return f"LOINC {codes[0]}" if codes else ""


def _unit_text(quantity: Quantity) -> str:
    text = quantity.unit or quantity.code
    return text[:40] if text else "(no unit)"


def upper_limit(measure: Measure, ranges: list[ReferenceRange] | None, given: Quantity | None) -> float | None:
    """The laboratory's own upper limit in the canonical unit; `None` when it gives none that can be read."""
    for one in ranges or ():
        high = one.high
        if high is None or high.value is None or (one.type is not None and not _is_normal(one.type)):
            continue
        if not (high.unit or high.code) and given is not None:
            high = Quantity(high.value, None, given.unit, given.system, given.code)
        found = measure.conversion.factor(high.system, high.code, high.unit)
        if found is not None and high.value is not None:
            return high.value if found is SAME else found.of(high.value)
    return None


def _is_normal(kind: BareConcept) -> bool:
    codes = {coding.code for coding in kind.coding or ()}
    return not codes or "normal" in codes
