"""The new resources of a referral, each valid before it is sent."""

from __future__ import annotations

import logging
from typing import Any

from fhirapp.db.encrypted import Sealer
from fhirapp.ehr.errors import EhrRefused
from fhirapp.i18n import gettext_for
from fhirapp.referrals.fhir_status import CARE_PLAN, GOALS, NAVIGATOR_TASK, SERVICE_REQUEST, Wanted
from fhirapp.referrals.notices import person_of
from fhirapp.write_back.beside import built_beside, type_beside
from fhirapp.write_back.work import RISK, TYPES, Work
from mappings.errors import InvalidResource
from mappings.to_fhir.care_plan import care_plan
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.goal import goal
from mappings.to_fhir.risk_assessment import risk_assessments
from mappings.to_fhir.service_request import service_request
from mappings.to_fhir.task import fulfilment_task, navigator_task
from mappings.to_fhir.validate import checked

Json = dict[str, Any]

log = logging.getLogger("stride.write_back")


def first_of(kind: str, wanted: Wanted) -> Wanted:
    """The status in which it is created.

    A programme's Task SHALL be released as "requested" first (standards.md 3.9); the update comes right after.
    """
    if kind in TYPES or kind.startswith(RISK) or type_beside(kind):
        return wanted
    return Wanted("requested", business_status=wanted.business_status)


def new_resource(work: Work, kind: str, wanted: Wanted, sealer: Sealer) -> Json | None:
    """The resource as it is created, checked; `None` where the prescription has nothing for it, as no strength work."""
    built = _built(work, kind, first_of(kind, wanted), sealer)
    try:
        return None if built is None else checked(built)
    except InvalidResource as error:
        if not type_beside(kind):
            raise
        log.error("a %s was not written: %s", type_beside(kind), error)
        return None  # the referral goes on without it


def _built(work: Work, kind: str, wanted: Wanted, sealer: Sealer) -> Json | None:
    request = work.reference(SERVICE_REQUEST) or ""
    if kind == SERVICE_REQUEST:
        return service_request(work.facts, wanted.status)
    if kind in GOALS:
        return goal(work.facts, kind, wanted.status)
    if kind == CARE_PLAN:
        aims = [reference for aim in GOALS if (reference := work.reference(aim))]
        language = person_of(work.referral, sealer).get("language") or work.tenant.language
        return care_plan(work.facts, wanted.status, request, aims, gettext=gettext_for(language))
    if kind == NAVIGATOR_TASK:
        return navigator_task(work.facts, wanted.status, str(wanted.business_status or ""), request)
    if kind.startswith(RISK):
        return _risk(work, kind)
    if type_beside(kind):
        return built_beside(work, kind, wanted, sealer)
    return _request_to_programme(work, wanted, request)


def _risk(work: Work, kind: str) -> Json | None:
    tag = work.tenant.write_back.ai_tag
    ours = work.facts.identifiers(kind)
    return next((one for one in risk_assessments(work.facts, ai_tag=tag) if one["identifier"] == ours), None)


def _request_to_programme(work: Work, wanted: Wanted, request: str) -> Json:
    site = work.tenant.programme(work.referral.programme or "")
    if site is None:
        raise EhrRefused("Task: the programme is no longer on file; put it back into the tenants file")
    owner, attempt = Ref(site.organization, site.name), work.referral.offers
    return fulfilment_task(work.facts, wanted.status, request, owner, attempt, part_of=work.reference(NAVIGATOR_TASK))
