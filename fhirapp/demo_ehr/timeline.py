"""A chart as it stood on a day, moved to another day: how old records are tried today."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from fhirapp.demo_ehr.parameters import walk
from fhirapp.demo_ehr.settings import Resource

_DATE: Final = re.compile(r"^(\d{4})-(\d{2})-(\d{2})(T.*)?$")

# When something happened, per type; the first element that is there decides.
_BEGINS: Final[Mapping[str, tuple[str, ...]]] = {
    "Condition": ("onsetDateTime", "onsetPeriod.start", "recordedDate"),
    "Observation": ("effectiveDateTime", "effectivePeriod.start", "effectiveInstant", "issued"),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod.start", "issued"),
    "MedicationRequest": ("authoredOn",),
    "MedicationAdministration": ("effectiveDateTime", "effectivePeriod.start"),
    "MedicationStatement": ("effectiveDateTime", "effectivePeriod.start", "dateAsserted"),
    "Procedure": ("performedDateTime", "performedPeriod.start"),
    "Encounter": ("period.start",),
    "CarePlan": ("period.start", "created"),
    "Goal": ("startDate", "statusDate"),
    "ServiceRequest": ("authoredOn",),
    "QuestionnaireResponse": ("authored",),
    "Communication": ("sent",),
    "Immunization": ("occurrenceDateTime",),
    "ImagingStudy": ("started",),
    "Claim": ("created",),
    "ExplanationOfBenefit": ("created",),
    "AllergyIntolerance": ("onsetDateTime", "recordedDate"),
    "Specimen": ("collection.collectedDateTime", "receivedTime"),
}

# What a later end says that was not known yet, and what stands in the chart meanwhile.
_ENDS: Final[Mapping[str, tuple[str, tuple[str, ...], Mapping[str, Any]]]] = {
    "Patient": ("deceasedDateTime", ("deceasedDateTime",), {}),
    "Condition": (
        "abatementDateTime",
        ("abatementDateTime", "abatementPeriod"),
        {
            "clinicalStatus": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                        "code": "active",
                    }
                ]
            }
        },
    ),
    "CarePlan": ("period.end", (), {"status": "active"}),
    "Encounter": ("period.end", (), {"status": "in-progress"}),
}


def latest_day(bundle: Resource) -> date:
    """The day of the latest event in a chart; raises ValueError for a chart without one."""
    days = [day for one in _resources(bundle) if (day := _begins(one))]
    if not days:
        raise ValueError("the chart has no dated entry")
    return max(days)


def as_it_stood(bundle: Resource, day: date) -> Resource:
    """The chart at the end of that day: what came later is gone, ends that came later are undone."""
    entries = [
        {**entry, "resource": _reopened(entry["resource"], day)}
        for entry in bundle.get("entry") or ()
        if not ((begins := _begins(entry["resource"])) and begins > day)
    ]
    return {**bundle, "entry": entries}


def moved(bundle: Resource, by: timedelta) -> Resource:
    """A copy with every full date moved by whole days; birth dates too, so that ages stay."""
    shifted: Resource = _moved(bundle, by)
    return shifted


def brought_to(bundle: Resource, day: date, today: date) -> Resource:
    """The chart as it stood on `day`, with that day made `today`."""
    return moved(as_it_stood(bundle, day), today - day)


def _resources(bundle: Resource) -> Iterator[Resource]:
    for entry in bundle.get("entry") or ():
        yield entry["resource"]


def _begins(resource: Resource) -> date | None:
    for path in _BEGINS.get(resource["resourceType"], ()):
        for text in walk(resource, path.split(".")):
            if day := _day(text):
                return day
    return None


def _reopened(resource: Resource, day: date) -> Resource:
    ends = _ENDS.get(resource["resourceType"])
    if ends is None:
        return resource
    path, dropped, instead = ends
    later = [end for text in walk(resource, path.split(".")) if (end := _day(text)) and end > day]
    if not later:
        return resource
    kept = {name: value for name, value in resource.items() if name not in dropped}
    if "period" in kept:
        kept["period"] = {name: value for name, value in kept["period"].items() if name != "end"}
    return {**kept, **instead}


def _day(text: Any) -> date | None:
    match = _DATE.match(text) if isinstance(text, str) else None
    return date(int(match[1]), int(match[2]), int(match[3])) if match else None


def _moved(node: Any, by: timedelta) -> Any:
    if isinstance(node, dict):
        return {name: _moved(value, by) for name, value in node.items()}
    if isinstance(node, list):
        return [_moved(one, by) for one in node]
    day = _day(node)
    return node if day is None else f"{(day + by).isoformat()}{node[10:]}"
