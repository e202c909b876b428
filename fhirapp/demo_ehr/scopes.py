"""SMART scopes, version 1 and 2, and what they permit on one FHIR request. Source: SM-S1 to SM-S5."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl

from fhirapp.demo_ehr import search
from fhirapp.demo_ehr.compartment import SHARED, patients_of
from fhirapp.demo_ehr.errors import FhirError
from fhirapp.demo_ehr.settings import Resource

Action = Literal["c", "r", "u", "d", "s"]
_VERSION_1: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_SCOPE: Final = re.compile(r"^(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)(?:\?(.+))?$")


@dataclass(frozen=True, slots=True)
class Scope:
    """One permission on FHIR data."""

    level: str  # "patient", "user" or "system"
    kind: str  # a resource type or "*"
    actions: frozenset[str]
    query: tuple[tuple[str, str], ...] = ()  # only resources that match, SM-S5

    def covers(self, other: Scope) -> bool:
        """Whether everything that `other` permits is permitted by this one."""
        return (
            self.level == other.level
            and self.kind in ("*", other.kind)
            and self.actions >= other.actions
            and (not self.query or self.query == other.query)
        )


@dataclass(frozen=True, slots=True)
class Access:
    """What the bearer of one token may do, and for whom it was issued."""

    scopes: tuple[Scope, ...]
    patient: str | None = None
    client_id: str = ""
    base: str = ""
    everything: bool = False

    def may(self, action: Action, kind: str, resource: Resource | None = None) -> bool:
        """Whether the action is permitted: on the type, or, given a resource, on that resource."""
        return self.everything or any(
            scope.kind in ("*", kind) and action in scope.actions and self._reaches(scope, resource)
            for scope in self.scopes
        )

    def check(self, action: Action, kind: str, resource: Resource | None = None) -> None:
        """Raises 403 with the scope that is missing."""
        if not self.may(action, kind, resource):
            where = "this resource" if resource is not None and self.may(action, kind) else kind
            raise FhirError(403, "forbidden", f"The token's scopes do not permit {action!r} on {where}.")

    def _reaches(self, scope: Scope, resource: Resource | None) -> bool:
        if resource is None:
            return True
        if scope.query and not search.matches(resource["resourceType"], scope.query, resource, base=self.base):
            return False
        if scope.level != "patient":
            return True
        patients = patients_of(resource)
        return self.patient in patients if patients else resource["resourceType"] in SHARED


FULL: Final = Access((), everything=True)


def parsed(text: str) -> Scope | None:
    """The scope that a word of a scope string means; `None` for one that speaks of no FHIR data."""
    match = _SCOPE.match(text)
    if match is None or not match.group(3):
        return None
    level, kind, actions, query = match.groups()
    return Scope(level, kind, frozenset(_VERSION_1.get(actions, actions)), tuple(parse_qsl(query or "")))


def data_scopes(words: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes on FHIR data among the words of a scope string."""
    return tuple(scope for word in words if (scope := parsed(word)))


def granted(requested: str, allowed: Iterable[str]) -> str:
    """The words of a requested scope string that a client may have, in the order asked for (SM-T4)."""
    words = set(allowed)
    ceilings = data_scopes(words)
    return " ".join(dict.fromkeys(word for word in requested.split() if word in words or _covered(word, ceilings)))


def _covered(word: str, ceilings: tuple[Scope, ...]) -> bool:
    scope = parsed(word)
    return scope is not None and any(ceiling.covers(scope) for ceiling in ceilings)


def as_headers(error: FhirError) -> Mapping[str, str]:
    """The headers that a refusal carries: a 401 names the scheme (RFC 6750)."""
    return {"WWW-Authenticate": 'Bearer realm="demo EHR"'} if error.status == 401 else {}
