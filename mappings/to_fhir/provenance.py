"""Who and what stands behind a set of writes: one Provenance for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mappings.canonical import BASE
from mappings.errors import InvalidResource
from mappings.to_fhir.codes import AI_ASSERTED, Json, concept
from mappings.to_fhir.facts import Ref, ReferralFacts, instant

US_CORE_PROVENANCE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance"
VERSION: Final = f"{BASE}/sid/version"
_PARTICIPANT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_US_PARTICIPANT: Final = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"
_ON_BEHALF: Final = frozenset({"Practitioner", "PractitionerRole"})  # a patient acts for nobody but themselves
_OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"


def provenance(
    facts: ReferralFacts,
    targets: Sequence[str],
    *,
    activity: str,
    recorded: datetime,
    author: Ref | None = None,
    organization: Ref | None = None,
    ai_tag: bool = False,
) -> Json:
    """The origin of the resources in `targets` (with their versions where known).

    `activity` is "CREATE" or "UPDATE". The author is whoever decided, by default the requester who signed; software
    is never the author: its versions are the sources, and `ai_tag` marks its part.

    Source: standards.md 6.4.
    """
    if not targets:
        raise InvalidResource("a Provenance needs something that it is about")
    who = author or facts.requester
    written_by: Json = {"type": concept(_PARTICIPANT, "author", "Author"), "who": who.json()}
    if who.type in _ON_BEHALF:
        written_by["onBehalfOf"] = (organization or facts.owner).json()
    resource: Json = {
        "resourceType": "Provenance",
        "meta": {"profile": [US_CORE_PROVENANCE]},
        "target": [{"reference": target} for target in targets],
        "recorded": instant(recorded),
        "activity": concept(_OPERATION, activity, activity.lower()),
        "agent": [
            written_by,
            {
                "type": concept(_US_PARTICIPANT, "transmitter", "Transmitter"),
                "who": facts.owner.json(),
            },
        ],
        "entity": [_source(name, version) for name, version in _versions(facts)],
    }
    if not resource["entity"]:
        del resource["entity"]
    if ai_tag:
        resource["meta"]["security"] = [AI_ASSERTED]
        resource["reason"] = [{"coding": [AI_ASSERTED]}]
    return resource


def _versions(facts: ReferralFacts) -> list[tuple[str, str]]:
    """What decided: the rules, and each model that gave an estimate."""
    estimates = facts.summary.get("estimates") or {}
    named = [("Stride safety rules", facts.summary.get("rules_version"))]
    named += [(f"Stride {name} model", estimate.get("version")) for name, estimate in estimates.items() if estimate]
    return [(name, str(version)) for name, version in named if version]


def _source(name: str, version: str) -> Json:
    return {
        "role": "source",
        "what": {"identifier": {"system": VERSION, "value": version}, "display": f"{name} {version}"},
    }
