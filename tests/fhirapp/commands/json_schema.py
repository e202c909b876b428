"""As much of JSON Schema 2020-12 as our own schema uses, strict about keys that it does not name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

Schema = Mapping[str, Any]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
_KNOWN: Final = frozenset(
    {"$ref", "$defs", "$id", "$schema", "title", "description", "type", "required", "properties", "items", "enum"}
    | {"anyOf", "pattern", "minimum", "maximum", "format"}
)


def problems(value: object, schema: Schema, root: Schema, where: str = "$") -> Iterator[str]:
    """What is wrong with a value, a sentence each."""
    assert schema.keys() <= _KNOWN, f"the schema uses words that this checker does not know: {schema.keys() - _KNOWN}"
    if "$ref" in schema:
        yield from problems(value, root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root, where)
        return
    if "anyOf" in schema:
        found = [list(problems(value, one, root, where)) for one in schema["anyOf"]]
        if all(found):
            yield from min(found, key=len)
        return
    if not _is_a(value, schema["type"]):
        yield f"{where} is {value!r}, not {schema['type']}"
        return
    yield from _plain(value, schema, where)
    if isinstance(value, dict):
        yield from _object(value, schema, root, where)
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from problems(one, schema["items"], root, f"{where}[{number}]")


def _is_a(value: object, wanted: str | list[str]) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    return any(isinstance(value, _TYPES[n]) and (n == "boolean" or not isinstance(value, bool)) for n in names)


def _plain(value: Any, schema: Schema, where: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {value!r}, none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where} is {value!r}, not like {schema['pattern']}"
    if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
        yield f"{where} has no offset"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{where} is {value!r}, out of range"


def _object(value: dict[str, Any], schema: Schema, root: Schema, where: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where}.{name} is absent"
    named = schema.get("properties")
    for name, one in value.items() if named else ():
        if name in named:
            yield from problems(one, named[name], root, f"{where}.{name}")
        elif "resourceType" not in named:  # a FHIR resource is described by FHIR
            yield f"{where}.{name} is not documented"
