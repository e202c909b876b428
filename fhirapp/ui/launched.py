"""Where a SMART launch arrives: it opens the clinician's page, the navigators' queue, or nothing."""

from __future__ import annotations

import logging
import secrets
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from flask import Response, make_response, redirect, url_for
from flask.typing import ResponseReturnValue

from fhirapp.audit import audit
from fhirapp.ehr.errors import EhrError
from fhirapp.referrals.cards import HANDLE_LIVES, Card
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.status import RELEASED, Role
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant, is_patient
from fhirapp.ui.errors import NotForYou
from fhirapp.ui.house import House
from fhirapp.ui.session import PageSessions, digest, remember_browser
from smart_launch.context import LaunchContext
from smart_launch.ports import OnLaunched

log = logging.getLogger("stride.pages")

QUEUE_INTENT: Final = "referral-queue"


def on_launched(house: House) -> OnLaunched:
    """The port that `smart_launch` calls after its callback."""
    pages = PageSessions(house.sessions, house.sealer, house.wall_clock)

    def launched(context: LaunchContext) -> ResponseReturnValue:
        return arrived(house, pages, context)

    return launched


def arrived(house: House, pages: PageSessions, context: LaunchContext) -> Response:
    """The redirect into the page that this launch opens; raises `NotForYou` where there is none.

    Navigators are the people whom the tenant's settings name. They never get the clinician's page, whatever chart is
    open: a navigator may not sign or clear. Source: pathway.md section 7; SM-C3.
    """
    tenant = house.tenants[context.tenant_id]
    navigator = context.fhir_user in tenant.navigators
    if is_patient(context.fhir_user):
        raise NotForYou("a patient's own launch")  # who opts out by the link of the notice, and signs for nobody
    if context.patient is None and not navigator:
        raise NotForYou("no chart open, and not a navigator")
    browser = secrets.token_urlsafe(32)
    display = _display(house, tenant, context)
    if navigator:
        sid = pages.open(context, Role.NAVIGATOR, browser=browser, display=display)
        target, room = _queue_address(house, tenant, context, sid), url_for("navigator.queue", sid=sid)
    else:
        referral_id = _referral_of_card(house, tenant, context)
        sid = pages.open(context, Role.CLINICIAN, browser=browser, display=display, referral_id=referral_id)
        target = room = url_for("clinician.show", sid=sid)
    answer = make_response(redirect(target, 303))
    remember_browser(answer, browser, room)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _queue_address(house: House, tenant: Tenant, context: LaunchContext, sid: str) -> str:
    """The queue, or straight to the referral of the chart that is open."""
    if context.patient is not None and context.intent != QUEUE_INTENT:
        with house.sessions() as session:
            referral = Referrals(session, tenant.id).newest_of(context.patient)
            if referral is not None and referral.status in RELEASED:
                return url_for("navigator.referral", sid=sid, referral_id=referral.id)
    return url_for("navigator.queue", sid=sid)


def _referral_of_card(house: House, tenant: Tenant, context: LaunchContext) -> UUID | None:
    """The referral that a card's link was about: an opaque handle, good once, for its own patient (SM-C7)."""
    handle = context.app_context
    if not handle:
        return None
    now = house.clock()
    with house.sessions.begin() as session:
        card = session.execute(
            sa.update(Card)
            .where(
                Card.tenant_id == tenant.id,
                Card.handle_hash == digest(handle),
                Card.handle_used_at.is_(None),
                Card.at > now - HANDLE_LIVES,
            )
            .values(handle_used_at=now)
            .returning(Card.referral_id)
        ).scalar_one_or_none()
        known = sa.select(Referral).where(Referral.tenant_id == tenant.id, Referral.id == card)
        referral = session.execute(known).scalar_one_or_none() if card else None
        outcome = "ok" if referral and referral.patient_id == context.patient else "ignored"
        actor = Actor(tenant.id, Role.CLINICIAN, context.fhir_user or "")
        audit(session, actor, "launch.card", at=now, patient_id=context.patient, subject=card or "", outcome=outcome)
    if outcome == "ignored":
        log.warning("a card's handle was ignored: unknown, used, too old, or of another patient")
        return None
    return card


def _display(house: House, tenant: Tenant, context: LaunchContext) -> str:
    """The person's name as the EHR has it, else as the settings name them; the bare reference as a last resort."""
    user = context.fhir_user
    if user is None:
        return ""
    try:
        found = house.ehrs.as_user(tenant, context.access_token).read(user).resource
    except EhrError:  # many grants cover the patient's data only
        return _name_in_settings(tenant, user)
    names = found.get("name") or ()
    practitioner = found.get("practitioner") or {}
    return next((text for name in names if (text := _name(name))), practitioner.get("display") or user)


def _name_in_settings(tenant: Tenant, user: str) -> str:
    people = (tenant.exercise_service, tenant.on_call, tenant.responsible_clinician, *tenant.navigators.values())
    named = {contact.reference: contact.display for contact in people}
    return named.get(user, user)


def _name(name: object) -> str:
    if not isinstance(name, dict):
        return ""
    parts = [*name.get("prefix", ()), *name.get("given", ()), name.get("family", "")]
    return str(name.get("text") or " ".join(str(part) for part in parts if part))
