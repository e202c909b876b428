"""Required codes and reference targets, which the FHIR model library knows but does not enforce."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

# The library cuts long lists short (it ends them with "+") or has none; these are R4's own.
_OBSERVATION_STATUS: Final = frozenset(
    {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}
)
_TASK_STATUS: Final = frozenset(
    {"draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress"}
    | {"on-hold", "failed", "completed", "entered-in-error"}
)
_WHOLE: Final[dict[tuple[str, str], frozenset[str]]] = {
    ("Task", "status"): _TASK_STATUS,
    ("DetectedIssue", "status"): _OBSERVATION_STATUS,
    ("RiskAssessment", "status"): _OBSERVATION_STATUS,
    ("Quantity", "comparator"): frozenset({"<", "<=", ">=", ">"}),
    ("AuditEvent", "action"): frozenset("CRUDE"),
    ("AuditEvent", "outcome"): frozenset({"0", "4", "8", "12"}),
    ("ProvenanceEntity", "role"): frozenset({"derivation", "revision", "quotation", "source", "removal"}),
}


class _Limits(NamedTuple):
    """What the definition of one resource or data type says about its own members."""

    codes: tuple[tuple[str, frozenset[str]], ...]
    targets: tuple[tuple[str, frozenset[str]], ...]
    nested: tuple[str, ...]


def wrong_codes(element: BaseModel, path: str = "") -> Iterator[str]:
    """Each member of an element, at any depth, whose code or reference target is not allowed."""
    limits = _limits(type(element))
    for name, allowed in limits.codes:
        for code in _items(getattr(element, name)):
            if code not in allowed:
                yield f"{path}{name}: code not in the required value set"
    for name, allowed in limits.targets:
        for reference in _items(getattr(element, name)):
            if (kind := _target(reference)) and kind not in allowed:
                yield f"{path}{name}: may not refer to {kind}"
    for name in limits.nested:
        for part in _items(getattr(element, name)):
            if isinstance(part, BaseModel):
                yield from wrong_codes(part, f"{path}{name}.")


@cache
def _limits(model: type[BaseModel]) -> _Limits:
    codes, targets, nested = [], [], []
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        if values := _WHOLE.get((model.__name__, name)) or extra.get("enum_values"):
            codes.append((name, frozenset(str(value) for value in _items(values))))
        kinds = frozenset(str(value) for value in _items(extra.get("enum_reference_types")))
        if kinds and "Resource" not in kinds:
            targets.append((name, kinds))
        if not name.endswith("__ext") and name != "fhir_comments":
            nested.append(name)
    return _Limits(tuple(codes), tuple(targets), tuple(nested))


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | frozenset) else [value]


def _target(reference: Any) -> str:
    """The type that a literal reference names; "" for a logical, contained or canonical one."""
    literal = getattr(reference, "reference", None)
    if not isinstance(literal, str) or literal.startswith(("#", "urn:")):
        return ""
    parts = literal.split("/_history/")[0].split("/")
    return parts[-2] if len(parts) > 1 else ""
