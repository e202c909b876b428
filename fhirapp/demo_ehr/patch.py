"""JSON Patch on a resource: add, remove, replace, test. Source: RFC 6902, RFC 6901."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from fhirapp.demo_ehr.errors import FhirError, invalid
from fhirapp.demo_ehr.settings import Resource


def patched(resource: Resource, operations: Any) -> Resource:
    """A changed copy. Raises 400 for a patch that cannot be read, 422 for one that does not apply."""
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise invalid("A JSON Patch is a list of operations.")
    copy = deepcopy(resource)
    for operation in operations:
        _apply(copy, operation)
    return copy


def _apply(document: Resource, operation: dict[str, Any]) -> None:
    name, path = operation.get("op"), operation.get("path")
    if name not in ("add", "remove", "replace", "test") or not isinstance(path, str) or not path.startswith("/"):
        raise invalid("This server knows the patch operations add, remove, replace and test.")
    if name != "remove" and "value" not in operation:
        raise invalid(f"The patch operation {name!r} has no value.")
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    try:
        parent: Any = document
        for part in way:
            parent = parent[int(part)] if isinstance(parent, list) else parent[part]
        _change(parent, last, name, deepcopy(operation.get("value")))
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise FhirError(422, "processing", f"The patch does not apply at {path}.") from error


def _change(parent: Any, last: str, name: str, value: Any) -> None:
    place: Any = last
    if isinstance(parent, list):
        place = len(parent) if last == "-" and name == "add" else int(last)
    if name == "add" and isinstance(parent, list):
        parent.insert(place, value)
    elif name == "add":
        parent[place] = value
    elif name == "remove":
        del parent[place]
    elif name == "replace":
        del parent[place]  # raises where there is nothing to replace
        parent.insert(place, value) if isinstance(parent, list) else parent.update({place: value})
    elif parent[place] != value:
        raise ValueError("another value stands there")
