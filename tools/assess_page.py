"""The page about `stride assess --json`, made from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

SCHEMA: Final = Path(__file__).parent.parent / "docs" / "reference" / "assess.schema.json"

_HEAD: Final = """
`stride assess CHART.json --json` prints one JSON object. Its schema is [assess.schema.json](assess.schema.json) (JSON
Schema 2020-12); a test holds every example chart against it, and no key is printed that does not stand here.

Keys are only ever added. Ignore those that you do not know. `(null)` may be null, `(optional)` may be absent; all
others are always there. Texts are English; beside a text `x` stands `x_msg`, or beside `text` `msgid` and `values`, for
translation.

Exit codes: 0 assessed; 2 the input cannot be read or is refused, with the reason on standard error and nothing on
standard output.
"""


def assess_page(made: str) -> str:
    """The page as Markdown; `made` is the line that tells how it came to be."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    parts = [f"# The JSON of `stride assess`\n\n{made}{_HEAD}\n## The object\n", *_table(schema)]
    for name, part in schema["$defs"].items():
        if "properties" in part:
            parts += [f"\n## {name}\n\n{part['description'].capitalize()}.\n", *_table(part)]
    return "\n".join(parts) + "\n"


def _table(part: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | type | meaning |"
    yield "|---|---|---|"
    yield from _rows(part, "")


def _rows(part: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, inner in part["properties"].items():
        optional = "" if name in part.get("required", ()) else " (optional)"
        yield f"| `{above}{name}` | {_type(inner)}{optional} | {_meaning(inner)} |"
        if inner.get("type") == "object" and "properties" in inner:
            yield from _rows(inner, f"{above}{name}.")
        items = inner.get("items", {})
        if "properties" in items:
            yield from _rows(items, f"{above}{name}[].")


def _type(part: Mapping[str, Any]) -> str:
    if "$ref" in part:
        name = part["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name})" if name != "values" else "object"
    if "anyOf" in part:
        return f"{_type(part['anyOf'][0])} (null)"
    kind = part["type"]
    if isinstance(kind, list):
        names = [name for name in kind if name != "null"]
        return " or ".join(names) + (" (null)" if "null" in kind else "")
    return f"array of {_type(part['items'])}" if kind == "array" else str(kind)


def _meaning(part: Mapping[str, Any]) -> str:
    limits = [f"`{value}`" for value in part.get("enum", ())]
    if "minimum" in part:
        limits.append(f"{part['minimum']} to {part['maximum']}" if "maximum" in part else f"from {part['minimum']}")
    said = part["description"] + (
        f". One of {', '.join(limits)}" if "enum" in part else f": {limits[0]}" if limits else ""
    )
    return str(said).replace("|", "\\|")
