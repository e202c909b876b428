"""What the resources of a referral are written from, gathered from the referral and its tenant."""

from __future__ import annotations

from datetime import datetime

from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.notices import person_of
from fhirapp.referrals.referral import Referral
from fhirapp.tenants import Contact, Tenant
from mappings.to_fhir.facts import Ref, ReferralFacts

SUPPORTING = 6  # references to the Observations that the proposal rests on: enough to find them, not a data dump


def facts_of(
    tenant: Tenant, referral: Referral, sealer: Sealer, *, now: datetime, replaces: str | None = None
) -> ReferralFacts:
    """The facts of one referral, in the tenant's zone; `replaces` is the ServiceRequest of an earlier offer."""
    summary = referral.summary
    eligibility = summary.get("eligibility", {})
    condition = eligibility.get("condition")
    authored = (referral.signed_at or now).astimezone(tenant.zone)
    return ReferralFacts(
        tenant_id=tenant.id,
        patient_id=referral.patient_id,
        patient_display=person_of(referral, sealer).get("name", ""),
        episode_id=referral.id,
        authored_on=authored,
        requester=requester_of(tenant, referral),
        owner=_ref(tenant.exercise_service),
        reason=Ref(condition, eligibility.get("condition_text", "")) if condition else None,
        reason_text=eligibility.get("condition_text") or eligibility.get("reason", ""),
        encounter=Ref(f"Encounter/{referral.encounter}") if referral.encounter else None,
        summary=summary,
        plan_start=(referral.patient_deadline or authored).astimezone(tenant.zone).date(),
        supporting=_supporting(referral),
        replaces=Ref(replaces) if replaces else None,
        identity=referral.identity,
    )


def requester_of(tenant: Tenant, referral: Referral) -> Ref:
    """Who asks for it: who signed or will sign, else the responsible clinician."""
    if referral.requester:
        return Ref(referral.requester, referral.requester_display or "")
    return _ref(tenant.responsible_clinician)


def _ref(contact: Contact) -> Ref:
    return Ref(contact.reference, contact.display)


def _supporting(referral: Referral) -> tuple[Ref, ...]:
    sources = dict.fromkeys(
        item["source"]
        for finding in referral.summary.get("findings", ())
        for item in finding.get("inputs", ())
        if str(item.get("source", "")).startswith("Observation/")
    )
    return tuple(Ref(source.split("#")[0]) for source in list(sources)[:SUPPORTING])
