"""What one EHR can do, as it says of itself; without its word we assume the least. Kept in `capabilities.py`.

Source: standards.md WB-1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.errors import EhrUnavailable

PATIENCE_S: Final = 30.0  # HAPI puts its megabytes together when it is first asked, which takes longer than any read
_NO_TYPES: Final[frozenset[str]] = frozenset()
_USED_PARAMETERS: Final = frozenset({"identifier", "_lastUpdated", "patient", "subject", "status", "owner"})
_USED_MEMBERS: Final = ("type", "versioning", "conditionalCreate", "conditionalUpdate", "updateCreate")


@dataclass(frozen=True, slots=True)
class Capability:
    """What we may count on. The defaults are those of an EHR that has never said anything of itself."""

    fhir_version: str = ""
    software: str = ""
    read_at: datetime | None = None  # None: never read, so the interactions are unknown rather than absent
    transaction: bool = False
    batch: bool = False
    conditional_create: frozenset[str] = _NO_TYPES
    conditional_update: frozenset[str] = _NO_TYPES
    versioned: frozenset[str] = _NO_TYPES  # resources carry a version
    if_match: frozenset[str] = _NO_TYPES  # and the server says that it checks the one an update was made from
    search_identifier: frozenset[str] = _NO_TYPES
    last_updated: bool = False  # `_lastUpdated` can be searched for every type that we ask for
    subscriptions: bool = False
    interactions: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """True when the EHR listed what can be done with its types."""
        return bool(self.interactions)

    def can(self, resource_type: str, interaction: str) -> bool:
        """Whether it is worth asking; an EHR that said nothing gets the question and may refuse it."""
        return not self.known or interaction in self.interactions.get(resource_type, _NO_TYPES)

    def creates_once(self, resource_type: str) -> bool:
        """Whether a conditional create on our identifier is worth sending: the server has to search by it."""
        return resource_type in self.conditional_create and resource_type in self.search_identifier


def capability_of(statement: Mapping[str, Any], read_at: datetime | None = None) -> Capability:
    """What a CapabilityStatement promises; a member that is absent or odd promises nothing."""
    rest = _server(statement)
    by_type = {str(one["type"]): one for one in _dicts(rest.get("resource")) if one.get("type")}
    overall = set(_codes(rest.get("interaction")))
    everywhere = _names(rest.get("searchParam"))
    return Capability(
        fhir_version=_text(statement.get("fhirVersion")),
        software=_software(statement),
        read_at=read_at,
        transaction="transaction" in overall,
        batch="batch" in overall,
        conditional_create=_types(by_type, lambda one: one.get("conditionalCreate") is True),
        conditional_update=_types(by_type, lambda one: one.get("conditionalUpdate") is True),
        versioned=_types(by_type, lambda one: one.get("versioning") in ("versioned", "versioned-update")),
        if_match=_types(by_type, lambda one: one.get("versioning") == "versioned-update"),
        search_identifier=_types(by_type, lambda one: "identifier" in _names(one.get("searchParam"))),
        last_updated=_has_last_updated(by_type, everywhere),
        subscriptions={"create", "read"} <= set(_codes(by_type.get("Subscription", {}).get("interaction"))),
        interactions={name: frozenset(_codes(one.get("interaction"))) for name, one in by_type.items()},
    )


def read_capability(client: EhrClient) -> Capability:
    """Ask the EHR; raises an `EhrError`."""
    return capability_of(read_statement(client))


def read_statement(client: EhrClient) -> dict[str, Any]:
    """Its CapabilityStatement; raises an `EhrError`, also where the answer is none."""
    try:
        statement = orjson.loads(client.get_bytes("metadata", patience_s=PATIENCE_S))
    except orjson.JSONDecodeError:
        raise EhrUnavailable("GET metadata: the answer cannot be read") from None
    if not isinstance(statement, dict) or statement.get("resourceType") != "CapabilityStatement":
        raise EhrUnavailable("GET metadata: no CapabilityStatement came")
    return statement


def abridged(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement with just what `capability_of` reads: some servers list megabytes."""
    rest = _server(statement)
    resources = [
        {name: one[name] for name in _USED_MEMBERS if name in one}
        | {
            "interaction": [{"code": code} for code in _codes(one.get("interaction"))],
            "searchParam": [{"name": name} for name in sorted(_names(one.get("searchParam")) & _USED_PARAMETERS)],
        }
        for one in _dicts(rest.get("resource"))
    ]
    overall = {
        "interaction": [{"code": code} for code in _codes(rest.get("interaction"))],
        "searchParam": [{"name": name} for name in sorted(_names(rest.get("searchParam")) & _USED_PARAMETERS)],
    }
    kept = {name: statement[name] for name in ("resourceType", "fhirVersion", "software") if name in statement}
    return kept | {"rest": [{"mode": "server", "resource": resources, **overall}]}


def _has_last_updated(by_type: Mapping[str, Mapping[str, Any]], everywhere: frozenset[str]) -> bool:
    if "_lastUpdated" in everywhere:
        return True
    asked = [by_type[name] for name in ("ServiceRequest", "Task") if name in by_type]
    return bool(asked) and all("_lastUpdated" in _names(one.get("searchParam")) for one in asked)


def _server(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((rest for rest in _dicts(statement.get("rest")) if rest.get("mode", "server") == "server"), {})


def _software(statement: Mapping[str, Any]) -> str:
    software = statement.get("software")
    if not isinstance(software, Mapping):
        return ""
    return " ".join(filter(None, (_text(software.get("name")), _text(software.get("version")))))


def _types(by_type: Mapping[str, Mapping[str, Any]], promised: Callable[[Mapping[str, Any]], bool]) -> frozenset[str]:
    return frozenset(name for name, one in by_type.items() if promised(one))


def _names(parameters: Any) -> frozenset[str]:
    return frozenset(_text(one.get("name")) for one in _dicts(parameters))


def _codes(interactions: Any) -> list[str]:
    return [code for one in _dicts(interactions) if (code := _text(one.get("code")))]


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else iter(())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
