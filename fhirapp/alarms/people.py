"""Who is meant by a step of a clock, and where they are reached."""

from __future__ import annotations

from dataclasses import dataclass

from fhirapp.alarms.settings import Lead
from fhirapp.referrals.referral import Referral
from fhirapp.tenants import Contact, Tenant


@dataclass(frozen=True, slots=True)
class Reached:
    """One person, as the hospital's settings know them; "" where it does not say."""

    display: str
    reference: str = ""
    email: str = ""
    pager: str = ""


def person_for(whom: str, tenant: Tenant, referral: Referral) -> Reached:
    """The person behind a role; on call stands in for a lead that the hospital has not named."""
    escalation = tenant.escalation
    on_call = _of_contact(tenant.on_call, escalation.on_call_pager)
    if whom == "responsible":
        return _of_contact(tenant.responsible_clinician)
    if whom == "clinician-lead":
        return _of_lead(escalation.clinician_lead) or on_call
    if whom == "shift-lead":
        return _of_lead(escalation.shift_lead) or _of_contact(tenant.exercise_service)
    if whom == "service-lead":
        return _of_lead(escalation.service_lead) or _of_contact(tenant.exercise_service)
    if whom == "navigator":
        owner = tenant.navigators.get(referral.owner or "")
        return _of_contact(owner) if owner else _of_contact(tenant.exercise_service)
    return on_call


def _of_contact(contact: Contact, pager: str = "") -> Reached:
    return Reached(contact.display, contact.reference, contact.email, pager)


def _of_lead(lead: Lead | None) -> Reached | None:
    return Reached(lead.display, "", lead.email, lead.pager) if lead else None
