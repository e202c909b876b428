"""A site's own codes, translated to those that we know, by a FHIR ConceptMap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from mappings.bundle import Chart
from mappings.errors import InvalidConceptMap
from mappings.measures import observed
from mappings.structs import CodeableConcept, Coding, Observation

Code = tuple[str, str]  # system, code

# The target says what the source says, or the same more broadly; a narrower target would claim more than the chart.
_BROADER: Final = frozenset({"equivalent", "equal", "wider", "subsumes"})
_ANSWERS: Final = ("code", "value_codeable_concept", "component", "contained")


class _Target(msgspec.Struct):
    code: str | None = None
    equivalence: str | None = None


class _Element(msgspec.Struct):
    code: str | None = None
    target: list[_Target] = []


class _Group(msgspec.Struct):
    source: str | None = None
    target: str | None = None
    element: list[_Element] = []


class _ConceptMap(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    group: list[_Group] = []


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """Site coding -> our codings."""

    targets: Mapping[Code, tuple[Code, ...]]

    @property
    def systems(self) -> frozenset[str]:
        """The code systems of the site."""
        return frozenset(system for system, _ in self.targets)

    def asked(self, key: str) -> tuple[str, ...]:
        """The site's codes of observations that a query has to ask for beside ours, as `system|code`."""
        wanted = frozenset(observed().asked.get(key, ()))
        return tuple(
            f"{system}|{code}"
            for (system, code), targets in self.targets.items()
            if any(f"{ours}|{target}" in wanted for ours, target in targets)
        )

    def apply(self, chart: Chart) -> None:
        """Adds our coding beside each coding of the site; the chart's own stays, and doing it twice adds nothing."""
        for kind, resources in chart.resources.items():
            for resource in resources:
                if kind is Observation:
                    self._observation(resource)
                else:
                    self._struct(resource)
        chart.index = None  # it goes by the codes as they are written
        if chart.patient is not None:
            self._struct(chart.patient)

    def _observation(self, one: Observation) -> None:
        """Most of an observation is still bytes: only those that name a system of the site are opened."""
        for name in _ANSWERS:
            raw = getattr(one, name)
            text = bytes(raw)
            if text and any(mark in text for mark in self._marks()):
                setattr(one, name, msgspec.Raw(self._bytes(text)))

    def _marks(self) -> Iterator[bytes]:
        for system in self.systems:
            yield system.encode()
            yield system.replace("/", "\\/").encode()

    def _bytes(self, text: bytes) -> bytes:
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            return text  # broken: it is named when it is read
        waiting: list[Any] = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, list):
                waiting.extend(one)
            elif isinstance(one, dict):
                codings = one.get("coding")
                if isinstance(codings, list):
                    codings.extend(dict(zip(("system", "code"), new, strict=True)) for new in self._missing(codings))
                waiting.extend(one.values())
        return msgspec.json.encode(value)

    def _missing(self, codings: list[Any]) -> list[Code]:
        held = [(c.get("system"), c.get("code")) for c in codings if isinstance(c, dict)]
        return self._wanted(held)

    def _wanted(self, held: list[Any]) -> list[Code]:
        found = [new for one in held if all(isinstance(part, str) for part in one) for new in self.targets.get(one, ())]
        return [new for new in dict.fromkeys(found) if new not in held]

    def _struct(self, top: Any) -> None:
        waiting = [top]
        while waiting:
            one = waiting.pop()
            if isinstance(one, list):
                waiting.extend(part for part in one if isinstance(part, list | msgspec.Struct))
            elif isinstance(one, CodeableConcept):
                held = [(coding.system, coding.code) for coding in one.coding or ()]
                new = [Coding(system, code) for system, code in self._wanted(held)]
                if new:
                    one.coding = [*(one.coding or ()), *new]
            elif isinstance(one, msgspec.Struct):
                waiting.extend(getattr(one, name) for name in one.__struct_fields__)


def read_concept_map(text: bytes) -> ConceptMap:
    """The map in a FHIR R4 ConceptMap; raises `InvalidConceptMap` with a plain reason.

    Targets that are equal, equivalent, wider or that subsume the source are used, all others left out.

    Source: FHIR R4 ConceptMap; conventions.md section 1.
    """
    try:
        given = msgspec.json.decode(text, type=_ConceptMap)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidConceptMap(f"is no FHIR ConceptMap: {error}") from error
    if given.resource_type != "ConceptMap":
        raise InvalidConceptMap("is no FHIR ConceptMap: resourceType is something else")
    targets: dict[Code, list[Code]] = {}
    for group in given.group:
        if not group.source or not group.target:
            raise InvalidConceptMap("has a group without source or target code system")
        for element in group.element:
            for target in element.target:
                if element.code and target.code and target.equivalence in _BROADER:
                    targets.setdefault((group.source, element.code), []).append((group.target, target.code))
    if not targets:
        raise InvalidConceptMap("maps no code: use equivalence equal, equivalent or wider")
    return ConceptMap({code: tuple(found) for code, found in targets.items()})
