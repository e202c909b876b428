"""What an EHR offers, and what Stride will therefore do: in plain words, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from fhirapp.ehr.capability import Capability
from fhirapp.tenants import WriteBackSettings
from fhirapp.write_back.beside import hold_type, tells_notices
from mappings.queries import EXTRAS, QUERIES, Query

Level = Literal["ok", "note", "FIX"]

WRITTEN: Final = ("ServiceRequest", "CarePlan", "Goal", "Task")
_WITHOUT: Final = {
    "ServiceRequest": "no referral can be written; it arises only where a clinician accepts the card, or stays with us",
    "CarePlan": "the exercise plan is shown in Stride's pages only",
    "Goal": "goals are shown in Stride's pages only",
    "Task": "navigators work in Stride's queue only; programmes are told outside the EHR",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    level: Level  # ok: as we would like it; note: works otherwise; FIX: somebody must do something
    topic: str
    said: str
    therefore: str = ""

    def __str__(self) -> str:
        return f"{self.level:<5}{self.topic}: {self.said}" + (f". Stride {self.therefore}" if self.therefore else "")


def lines_about(capability: Capability, settings: WriteBackSettings) -> Iterator[Line]:
    """Everything that follows from what the EHR says of itself (WB-1)."""
    yield _version(capability)
    yield from _reading(capability)
    yield from _writing(capability)
    yield _transactions(capability, settings)
    yield _once(capability)
    yield _versions(capability)
    yield from _beside(capability, settings)
    yield _notices(capability, settings)
    yield _holds(capability, settings)
    yield _closed_loop(capability)


def _version(capability: Capability) -> Line:
    said = f"{capability.software or 'unnamed software'}, FHIR {capability.fhir_version or 'unknown'}"
    if capability.fhir_version.startswith("4.0"):
        return Line("ok", "version", said)
    return Line("FIX", "version", said, "speaks FHIR R4 (4.0.1); ask for the EHR's R4 base URL")


def _reading(capability: Capability) -> Iterator[Line]:
    needed, beside = _unreadable(capability, QUERIES), _unreadable(capability, EXTRAS)
    if needed:
        yield Line(
            "note",
            "chart",
            f"cannot be searched: {', '.join(needed)}",
            "counts what they would say as not known, never as normal: referrals wait for it",
        )
    else:
        yield Line("ok", "chart", f"all {len(QUERIES)} parts of a chart can be read")
    if beside:
        yield Line("note", "chart", f"not offered: {', '.join(beside)}", "shows them as not checked")


def _unreadable(capability: Capability, queries: tuple[Query, ...]) -> list[str]:
    kinds = dict.fromkeys((query.path.split("?")[0].split("/")[0], "?" in query.path) for query in queries)
    return [kind for kind, search in kinds if not capability.can(kind, "search-type" if search else "read")]


def _writing(capability: Capability) -> Iterator[Line]:
    for kind in WRITTEN:
        if not capability.can(kind, "create"):
            yield Line("note", f"writing {kind}", "cannot be created", f"goes without: {_WITHOUT[kind]}")
        elif not capability.can(kind, "update"):
            why = "an opt-out could not be written. Do not go live before it can be changed"
            yield Line("FIX", f"writing {kind}", "can be created but not changed", why)
        else:
            yield Line("ok", f"writing {kind}", "can be created and changed")


def _transactions(capability: Capability, settings: WriteBackSettings) -> Line:
    if capability.transaction and settings.transactions:
        return Line("ok", "transactions", "offered", "writes a referral, its plan, goals and task in one, or none")
    why = "offered, but switched off for this tenant" if capability.transaction else "not offered"
    return Line("note", "transactions", why, "writes one resource after the other and goes on where it was cut off")


def _once(capability: Capability) -> Line:
    missing = [kind for kind in WRITTEN if kind not in capability.conditional_create]
    if not missing:
        return Line("ok", "conditional create", "offered", "lets the EHR itself see to it that nothing is there twice")
    searches = [kind for kind in missing if kind not in capability.search_identifier]
    how = "searches before each create and once after"
    if searches:
        how += f"; for {', '.join(searches)} through all of the patient's, as identifiers cannot be searched"
    return Line("note", "conditional create", f"not offered for {', '.join(missing)}", how)


def _versions(capability: Capability) -> Line:
    missing = [kind for kind in WRITTEN if kind not in capability.if_match]
    if not missing:
        return Line("ok", "If-Match", "offered", "never overwrites what somebody has changed in between")
    said = f"not promised for {', '.join(missing)}"
    return Line("note", "If-Match", said, "reads once more right before it writes; a gap of milliseconds stays")


def _beside(capability: Capability, settings: WriteBackSettings) -> Iterator[Line]:
    if not settings.provenance:
        yield Line("note", "Provenance", "switched off for this tenant", "keeps who did what in its own audit")
    elif capability.can("Provenance", "create"):
        yield Line("ok", "Provenance", "can be created", "writes who stands behind each set of changes")
    else:
        yield Line("note", "Provenance", "cannot be created", "keeps who did what in its own audit")
    if settings.risk_assessments and not capability.can("RiskAssessment", "create"):
        yield Line("FIX", "RiskAssessment", "cannot be created, though this tenant asks for it", "writes none")


def _notices(capability: Capability, settings: WriteBackSettings) -> Line:
    if not settings.notices:
        return Line("note", "notices to patients", "switched off for this tenant", "keeps them in its own outbox")
    if tells_notices(settings, capability):
        return Line("ok", "notices to patients", "Communication can be created", "writes what each patient was told")
    return Line("note", "notices to patients", "Communication cannot be created", "keeps them in its own outbox")


def _holds(capability: Capability, settings: WriteBackSettings) -> Line:
    written = hold_type(settings, capability)
    if settings.holds == "none":
        return Line("note", "safety holds", "switched off for this tenant", "shows them on cards and in its own pages")
    if written:
        therefore = f"writes each as a {written} and ends it there when the hold has gone"
        return Line("ok", "safety holds", f"{written} can be created and changed", therefore)
    if settings.holds == "auto":
        said = "neither DetectedIssue nor Flag can be created and changed"
        return Line("note", "safety holds", said, "shows them on cards and in its own pages")
    said = f"{settings.holds} cannot be created and changed, though this tenant asks for it"
    return Line("FIX", "safety holds", said, "shows them on cards and in its own pages")


def _closed_loop(capability: Capability) -> Line:
    if capability.subscriptions:
        return Line("ok", "changes there", "Subscriptions are offered", "is told of changes, and looks as well")
    if capability.last_updated:
        return Line("ok", "changes there", "can be searched by _lastUpdated", "looks for changes every few minutes")
    said = "neither Subscriptions nor _lastUpdated"
    return Line("note", "changes there", said, "reads each open referral's resources again, which is slower")
