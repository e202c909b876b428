"""Who is told next when nobody answers: `[tenants.NAME.escalation]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from marshmallow import RAISE, Schema, fields


@dataclass(frozen=True, slots=True)
class Lead:
    """Somebody to tell."""

    display: str
    email: str = ""
    pager: str = ""  # as the paging service knows them


@dataclass(frozen=True, slots=True)
class Escalation:
    """The people behind the clocks, and the days on which nobody works."""

    on_call_pager: str = ""
    clinician_lead: Lead | None = None
    shift_lead: Lead | None = None
    service_lead: Lead | None = None
    holidays: frozenset[date] = field(default_factory=frozenset)


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _LeadSchema(_Strict):
    display = fields.String(required=True)
    email = fields.Email()
    pager = fields.String()


class EscalationSchema(_Strict):
    """Checks `[tenants.NAME.escalation]`."""

    on_call_pager = fields.String()
    clinician_lead = fields.Nested(_LeadSchema)
    shift_lead = fields.Nested(_LeadSchema)
    service_lead = fields.Nested(_LeadSchema)
    holidays = fields.List(fields.Date())


def escalation_of(data: Mapping[str, Any]) -> Escalation:
    """The settings, from what the schema has checked."""
    made: dict[str, Any] = dict(data)
    for name in ("clinician_lead", "shift_lead", "service_lead"):
        if name in made:
            made[name] = Lead(**made[name])
    made["holidays"] = frozenset(made.get("holidays", ()))
    return Escalation(**made)
