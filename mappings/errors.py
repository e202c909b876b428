"""What can go wrong between FHIR and our own values.

MappingError
  UnreadableChart   it is no JSON, no FHIR, or says nothing of a patient
  ForeignPatient    a resource of another patient lies in the chart
  InvalidResource   a resource that we built breaks FHIR or its profile
  InvalidConceptMap a site's map of its codes cannot be used
"""

from __future__ import annotations


class MappingError(Exception):
    """Base of all errors of this package; its message holds ids and places, never patient data."""


class UnreadableChart(MappingError):
    """The body is not JSON, not FHIR, or holds no patient; `key` names the part that was read."""

    def __init__(self, reason: str, *, key: str = "") -> None:
        super().__init__(f"{key}: {reason}" if key else reason)
        self.key = key
        self.reason = reason


class ForeignPatient(MappingError):
    """A resource belongs to another patient than the one whose chart is read; `source` names the resource."""

    def __init__(self, source: str, *, key: str = "") -> None:
        super().__init__(f"{source} belongs to another patient")
        self.key = key
        self.source = source


class InvalidResource(MappingError):
    """A resource that is to be sent breaks FHIR R4 or its profile."""


class InvalidConceptMap(MappingError):
    """A site's ConceptMap cannot be read, or maps nothing."""
