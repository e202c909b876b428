"""An EHR of one answer, and the tenant that it belongs to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.connect import pooled_session
from fhirapp.tenants import Contact, Ehr, StandingOrder, Tenant, Windows


class AnEhr(EhrClient):
    """Gives the same answer to every read: a resource, bytes, or an error that is raised."""

    def __init__(self, answer: Any) -> None:
        super().__init__("http://127.0.0.1:9/fhir", lambda: None, pooled_session(1))
        self._answer = answer

    def get_bytes(self, path: str, *, patience_s: float = 0) -> bytes:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer if isinstance(self._answer, bytes) else orjson.dumps(self._answer)


def a_tenant(*, zone: str = "Europe/Vienna", **changes: Any) -> Tenant:
    """A hospital with a standing order and nothing special."""
    who = Contact("Practitioner/p", "Dr P")
    plain = Tenant(
        id="north",
        name="North Hospital",
        zone=ZoneInfo(zone),
        language="en",
        ehr=Ehr("http://127.0.0.1:9/fhir", "app", "backend"),
        cds_client=None,
        windows=Windows(),
        release="standing-order",
        accepted_is_signature=True,
        standing_order=StandingOrder(who.reference, who.display, frozenset({"D1", "D2"}), date(2030, 1, 1)),
        exercise_service=Contact("Organization/o", "Exercise"),
        responsible_clinician=who,
        on_call=who,
        navigators={},
    )
    return replace(plain, **changes)
