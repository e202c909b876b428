"""How an observation was taken: how sure it is, by whom, and whether at rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from mappings import decoders
from mappings.structs import NOTHING, Observation

Status = Literal["final", "preliminary"]

# observations.md section 1. Without a status (which FHIR requires) a value may warn but not clear.
STATUS: Final[Mapping[str | None, Status]] = {
    "final": "final",
    "amended": "final",
    "corrected": "final",
    "preliminary": "preliminary",
    None: "preliminary",
}

_VITAL: Final = frozenset({"vital-signs", "vital-sign"})  # the second is met in charts
_ACTIVITY: Final = frozenset({"activity", "physical-activity", "PhysicalActivity"})


class Performers:
    """Who says a value; performers repeat, so each text of a chart is looked into once."""

    def __init__(self) -> None:
        self._told: dict[bytes, bool] = {}

    def told(self, observation: Observation) -> bool:
        """Whether the patient or a device says it."""
        performer = observation.performer
        if performer is NOTHING:
            return observation.device is not NOTHING
        text = bytes(performer)
        known = self._told.get(text)
        if known is None:
            known = self._told[text] = _told(observation)
        return known


def of_activity(observation: Observation) -> bool:
    """True for a value that was taken in an activity."""
    return not _ACTIVITY.isdisjoint(_categories(observation))


def of_clinic(observation: Observation) -> bool:
    """True for a value that was taken as a vital sign, outside any activity; by whom, `Performers` knows.

    Source: observations.md section 3 (`hr_rest`) and 9 (wearable against clinic).
    """
    found = _categories(observation)
    return not found.isdisjoint(_VITAL) and found.isdisjoint(_ACTIVITY)


def _categories(observation: Observation) -> set[str | None]:
    """The codes of all categories; none when they cannot be read."""
    try:
        concepts = decoders.concepts_decoder.decode(observation.category) if observation.category else None
    except msgspec.MsgspecError:
        return set()
    return {coding.code for concept in concepts or () for coding in concept.coding or ()}


def _told(observation: Observation) -> bool:
    """True when the patient, a relative or a device at home says it, not the clinic."""
    if not observation.performer:
        return bool(observation.device)
    try:
        performers = decoders.references_decoder.decode(observation.performer)
        subject = decoders.subject_decoder.decode(observation.subject) if observation.subject else None
    except msgspec.MsgspecError:
        return True
    names = [performer.reference or "" for performer in performers or ()]
    mine = subject.reference if subject else None
    return bool(names) and all(_is_lay(name, mine) for name in names)


def _is_lay(reference: str, subject: str | None) -> bool:
    kind = reference.split("/")[-2] if "/" in reference else ""
    return kind in ("Patient", "RelatedPerson", "Device") or reference == subject
