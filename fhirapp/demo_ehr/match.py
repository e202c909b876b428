"""How one search value is compared with the values in a resource, by kind of parameter. Source: R4 search."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fhirapp.demo_ehr.errors import invalid
from fhirapp.demo_ehr.parameters import Parameter
from fhirapp.demo_ehr.periods import COMPARATORS, matches, span_of, span_of_element
from fhirapp.demo_ehr.settings import Resource

Matcher = Callable[[Resource], bool]
Coded = tuple[str | None, str]  # system, code
_PREFIXED = re.compile(rf"^({'|'.join(COMPARATORS)})?(.+)$")
_ABSENT = "\0"  # a token with an empty system, "|code", asks for codes that have none


def missing(parameter: Parameter, value: str) -> Matcher:
    """`:missing=true` and `:missing=false`."""
    if value not in ("true", "false"):
        raise invalid(":missing takes `true` or `false`.")
    return lambda resource: (not any(True for _ in parameter.values(resource))) is (value == "true")


def by_token(parameter: Parameter, modifier: str, value: str, base: str) -> Matcher:
    """`system|code`, `code`, `|code`, `system|`; comma is "or"; `:not` turns it round."""
    if modifier not in ("", "not"):
        raise invalid(f"This server cannot do :{modifier} on a token.")
    wanted = [_wanted_token(one) for one in value.split(",")]
    codes_only = {code for system, code in wanted if system is None}
    pairs = {(system, code) for system, code in wanted if system is not None}

    def hit(resource: Resource) -> bool:
        for element in parameter.values(resource):
            for system, code in _codes(element):
                here = system or _ABSENT
                if code in codes_only or (here, code) in pairs or (here, "") in pairs:
                    return True
        return False

    return (lambda resource: not hit(resource)) if modifier == "not" else hit


def by_reference(parameter: Parameter, modifier: str, value: str, base: str) -> Matcher:
    """`Type/id`, a bare id, an absolute URL of this server, or `:Type` with an id."""
    if modifier and not modifier[0].isupper():
        raise invalid(f"This server cannot do :{modifier} on a reference.")
    wanted = {f"{modifier}/{one}" if modifier else one for one in value.split(",")}
    wanted = {one.removeprefix(f"{base}/") for one in wanted}

    def hit(resource: Resource) -> bool:
        for element in parameter.values(resource):
            reference = str(element.get("reference", "")) if isinstance(element, Mapping) else ""
            local = reference.removeprefix(f"{base}/").split("/_history/")[0]
            if local in wanted or local.rpartition("/")[2] in wanted:
                return True
        return False

    return hit


def by_date(parameter: Parameter, modifier: str, value: str, base: str) -> Matcher:
    """A date with one of the comparators; comma is "or"."""
    if modifier:
        raise invalid(f"This server cannot do :{modifier} on a date.")
    wanted = []
    for one in value.split(","):
        comparator, text = _split_prefix(one)
        try:
            wanted.append((comparator, span_of(text)))
        except ValueError as error:
            raise invalid(f"{one!r} is no date that this server can read.") from error

    def hit(resource: Resource) -> bool:
        spans = [span for element in parameter.values(resource) if (span := span_of_element(element))]
        return any(matches(comparator, span, here) for comparator, span in wanted for here in spans)

    return hit


def by_string(parameter: Parameter, modifier: str, value: str, base: str) -> Matcher:
    """Begins with, whatever the case; `:exact` and `:contains`."""
    tests: dict[str, Callable[[str, str], bool]] = {
        "": lambda text, part: text.casefold().startswith(part.casefold()),
        "contains": lambda text, part: part.casefold() in text.casefold(),
        "exact": lambda text, part: text == part,
    }
    if modifier not in tests:
        raise invalid(f"This server cannot do :{modifier} on a string.")
    test, parts = tests[modifier], value.split(",")
    return lambda resource: any(test(str(text), part) for text in parameter.values(resource) for part in parts)


def by_quantity(parameter: Parameter, modifier: str, value: str, base: str) -> Matcher:
    """`gt5.4`, `le150||min/wk`, `5.4|http://unitsofmeasure.org|mg`."""
    number, system, code = ([*value.split("|"), "", ""])[:3]
    comparator, text = _split_prefix(number)
    try:
        limit = float(text)
    except ValueError as error:
        raise invalid(f"{value!r} is no quantity.") from error
    if modifier or comparator in ("sa", "eb", "ap"):
        raise invalid("This server cannot do that comparison on a quantity.")

    def hit(resource: Resource) -> bool:
        return any(
            _compare(comparator, float(one["value"]), limit)
            and (not system or one.get("system") == system)
            and (not code or code in (one.get("code"), one.get("unit")))
            for one in parameter.values(resource)
            if isinstance(one, Mapping) and isinstance(one.get("value"), int | float)
        )

    return hit


def by_uri(parameter: Parameter, modifier: str, value: str, base: str) -> Matcher:
    """The whole URI; a canonical's version after `|` may be left out."""
    if modifier:
        raise invalid(f"This server cannot do :{modifier} on a URI.")
    wanted = set(value.split(","))
    return lambda resource: any(
        str(uri) in wanted or str(uri).partition("|")[0] in wanted for uri in parameter.values(resource)
    )


MATCHERS: Mapping[str, Callable[[Parameter, str, str, str], Matcher]] = {
    "token": by_token,
    "reference": by_reference,
    "date": by_date,
    "string": by_string,
    "quantity": by_quantity,
    "uri": by_uri,
}


def texts_of(element: Any) -> Iterable[str]:
    """What a value is sorted by when it is no date."""
    if isinstance(element, Mapping):
        return [code for _, code in _codes(element)] or [str(element.get("reference", ""))]
    return [str(element)]


def _wanted_token(text: str) -> tuple[str | None, str]:
    system, bar, code = text.rpartition("|")
    if not bar:
        return None, text
    return system or _ABSENT, code


def _codes(element: Any) -> Iterator[Coded]:
    if isinstance(element, bool):
        yield None, "true" if element else "false"
    elif isinstance(element, str):
        yield None, element
    elif isinstance(element, Mapping):
        for coding in element.get("coding") or ():
            yield coding.get("system"), str(coding.get("code", ""))
        if "coding" not in element and ("code" in element or "value" in element):
            yield element.get("system"), str(element.get("code", element.get("value")))


def _split_prefix(text: str) -> tuple[str, str]:
    match = _PREFIXED.match(text)
    if match is None:
        raise invalid("A search value is missing.")
    return match.group(1) or "eq", match.group(2)


def _compare(comparator: str, value: float, limit: float) -> bool:
    return {
        "eq": value == limit,
        "ne": value != limit,
        "gt": value > limit,
        "ge": value >= limit,
        "lt": value < limit,
        "le": value <= limit,
    }[comparator]
