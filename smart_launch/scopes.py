"""SMART scopes: what to ask for in the server's own grammar, and what was granted. Source: SM-S1..S5, SM-T4."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["patient", "user", "system"]
Access = Literal["no", "partly", "yes"]

ACTIONS: Final = "cruds"  # create, read, update, delete, search; a suffix keeps this order
_V1: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_SCOPE: Final = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]*)\."
    r"(?P<actions>read|write|\*|c?r?u?d?s?)(?:\?(?P<query>\S+))?"
)


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """Access to one resource type (or `*`), in the words of SMART 2: `patient/Observation.rs?category=...`."""

    level: Level
    type: str
    actions: str  # letters of ACTIONS in their order, at least one
    query: str = ""  # narrows the scope to a search; kept as written

    def __str__(self) -> str:
        return f"{self.level}/{self.type}.{self.actions}" + (f"?{self.query}" if self.query else "")

    def covers(self, level: Level, type_: str, action: str) -> bool:
        """Whether this scope gives `action` on some of these resources; the query is not looked at.

        What the user may see includes the patient whose chart is open, so `user/` answers for `patient/`.
        """
        levels = (level, "user") if level == "patient" else (level,)
        return self.level in levels and self.type in ("*", type_) and action in self.actions


@dataclass(frozen=True, slots=True)
class ScopeSet:
    """A parsed scope string: access to resources, and all other words (`openid`, `launch`, vendor scopes)."""

    resources: tuple[ResourceScope, ...]
    words: frozenset[str]

    def access(self, level: Level, type_: str, action: str) -> Access:
        """Whether `action` (one letter of ACTIONS) is granted: to all, or to those of a search only."""
        found = [scope for scope in self.resources if scope.covers(level, type_, action)]
        if any(not scope.query for scope in found):
            return "yes"
        return "partly" if found else "no"

    def allows(self, type_: str, actions: str, level: Level = "patient") -> bool:
        """Whether every letter of `actions` is granted without a narrowing search."""
        return all(self.access(level, type_, action) == "yes" for action in actions)


def parse_scopes(text: str) -> ScopeSet:
    """The scopes of a space-separated string, v1 and v2 mixed; what is neither is kept as a word."""
    resources: list[ResourceScope] = []
    words: set[str] = set()
    for word in text.split():
        scope = parse_scope(word)
        if scope is None:
            words.add(word)
        elif scope not in resources:
            resources.append(scope)
    return ScopeSet(tuple(resources), frozenset(words))


def parse_scope(word: str) -> ResourceScope | None:
    """One resource scope, v1 read as its v2 meaning; `None` for any other word, letters out of order included."""
    match = _SCOPE.fullmatch(word)
    if match is None or not match["actions"]:
        return None
    written, query = match["actions"], match["query"] or ""
    if written in _V1 and query:  # searches came with v2
        return None
    level: Level = match["level"]  # type: ignore[assignment]  # the pattern allows these three only
    return ResourceScope(level, match["type"], _V1.get(written, written), query)


def as_v1(scope: ResourceScope) -> tuple[str, ...]:
    """The v1 scopes that give at least this access; v1 has no searches and no single letters."""
    head = f"{scope.level}/{scope.type}."
    wanted = set(scope.actions)
    if wanted == set(ACTIONS):
        return (f"{head}*",)
    reads = (f"{head}read",) if wanted & set("rs") else ()
    writes = (f"{head}write",) if wanted & set("cud") else ()
    return reads + writes


def withheld(requested: str, granted: str) -> tuple[ResourceScope, ...]:
    """What was asked for and not given in full: the missing letters of each resource scope asked for."""
    have = parse_scopes(granted)
    missing = []
    for scope in parse_scopes(requested).resources:
        allowed = _letters_given(scope, have)
        letters = "".join(action for action in scope.actions if action not in allowed)
        if letters:
            missing.append(ResourceScope(scope.level, scope.type, letters, scope.query))
    return tuple(missing)


def _letters_given(scope: ResourceScope, have: ScopeSet) -> set[str]:
    """The letters of `scope` that `have` gives: whole, or narrowed by the very search that was asked for."""
    same_search = [s for s in have.resources if s.query == scope.query]
    return {
        action
        for action in scope.actions
        if have.access(scope.level, scope.type, action) == "yes"
        or any(s.covers(scope.level, scope.type, action) for s in same_search)
    }


def speaks_v2(capabilities: Collection[str]) -> bool:
    """Whether to ask in v2 words. A server that names neither grammar is older than v2. Source: SM-S2."""
    return "permission-v2" in capabilities


def negotiated(wanted: Iterable[str], capabilities: Collection[str], scopes_supported: Collection[str] = ()) -> str:
    """The scope string to send: each wanted scope in the server's grammar, optional words only where known.

    `wanted` is written in v2. `openid fhirUser` need `sso-openid-connect`, the refresh words need their
    `permission-*`; a server that lists them among `scopes_supported` knows them as well. What is only read beside
    (medicines from elsewhere, allergies) is asked for where the server lists it: a strict one refuses a whole request
    for one unknown word.
    """
    sent: list[str] = []
    known = {scope.type for word in scopes_supported if (scope := parse_scope(word)) is not None}
    for word in wanted:
        needs = _NEEDS.get(word)
        if needs is not None and needs not in capabilities and word not in scopes_supported:
            continue
        scope = parse_scope(word)
        if scope is not None and scope.type in _IF_LISTED and known.isdisjoint((scope.type, "*")):
            continue
        forms = (word,) if scope is None or speaks_v2(capabilities) else as_v1(scope)
        sent += [form for form in forms if form not in sent]
    return " ".join(sent)


_NEEDS: Final = {
    "openid": "sso-openid-connect",
    "fhirUser": "sso-openid-connect",
    "online_access": "permission-online",
    "offline_access": "permission-offline",
}

_READ: Final = (
    "Encounter",
    "Condition",
    "Observation",
    "MedicationRequest",
    "MedicationAdministration",
    "Procedure",
    "QuestionnaireResponse",
)
_BESIDE: Final = ("MedicationStatement", "AllergyIntolerance", "AdverseEvent", "Appointment")
_WRITTEN: Final = ("ServiceRequest", "CarePlan", "Goal", "Task")
_TOLD: Final = ("Provenance", "RiskAssessment")  # written beside
_IF_LISTED: Final = frozenset((*_BESIDE, *_TOLD, "Subscription", "DetectedIssue", "Flag"))

CLINICIAN: Final[tuple[str, ...]] = (
    *("launch", "openid", "fhirUser", "online_access", "patient/Patient.r"),
    *(f"patient/{type_}.rs" for type_ in (*_READ, *_BESIDE)),
    *(f"patient/{type_}.crus" for type_ in _WRITTEN),  # s: our conditional creates search first (SM-S3)
    *(f"patient/{type_}.crus" for type_ in _TOLD),
)
BACKEND: Final[tuple[str, ...]] = (
    "system/Patient.rs",  # s: deaths and merges are looked for in many records at once
    *(f"system/{type_}.rs" for type_ in (*_READ, *_BESIDE)),
    *(f"system/{type_}.crus" for type_ in (*_WRITTEN, *_TOLD)),
    "system/Subscription.crus",  # the EHR knocks where it can; else we look
    "system/Communication.crs",  # a safety hold is told in the record system itself, and what a patient was told
    *("system/DetectedIssue.crus", "system/Flag.crus"),  # a hold stands in the chart, as the one or as the other
)
