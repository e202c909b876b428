"""An exercise order is being sent to a programme: whether that one suits, seen with the referral behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cds_hooks.ports import Dispatch, HookCall, Offer
from fhirapp.audit import audit
from fhirapp.cds_clients import remember
from fhirapp.db.direct import linked
from fhirapp.referrals.card_memory import SITTING
from fhirapp.referrals.cards import Card
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.status import BEFORE_RELEASE, State
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import ProgrammeSite, Tenant
from mappings.bundle import Chart
from mappings.structs import ServiceRequest
from models.decision import NoProposal, Proposal, Verdict
from models.placement import Fit, Place, Placement, placement_of

if TYPE_CHECKING:
    from fhirapp.referrals.intake import Intake, Judged

_SEEN: Final = sa.select(sa.func.max(Card.again_at), sa.func.min(Card.at), sa.func.max(Card.dismissed_at)).where(
    Card.tenant_id == sa.bindparam("tenant"),
    Card.referral_id == sa.bindparam("referral"),
    Card.face == sa.bindparam("face"),
)


def advise(intake: Intake, call: HookCall, dispatch: Dispatch, chart: Chart, *, now: datetime) -> Offer:
    """The choice of programme, judged on the chart of this moment; no referral is opened for it.

    One that is open is judged anew, as by every look at a chart, so that a hold stops it. Its suggestions are no
    signature and its dismissal is no opt-out: the order exists already, and its programme is all that is asked about.
    """
    tenant = intake.tenants[call.tenant_id]
    _leave_out(chart, dispatch)
    judged = intake.decide_on(tenant, chart, chart.unread, now=now)
    if call.client.dry_run:
        intake.noted_only(judged, call, now)
        return replace(_quiet(judged, "dry run"), placement=_placement(tenant, dispatch, judged, None, now))
    card_id, handle = uuid4(), token_urlsafe(32)
    with intake.turn.aside(), intake.sessions.begin() as session:
        with linked(session) as link:
            remember(link, tenant.id, call.token)
        referral = _judged_anew(intake, session, tenant, judged, call, now)
        placement = _placement(tenant, dispatch, judged, referral, now)
        quiet, face = _quiet_reason(tenant, dispatch, placement), _face(dispatch, judged, placement)
        if not quiet and referral is not None:
            quiet = _seen_before(session, referral, face, judged, now)
        audit(
            session, Actor.service(tenant.id), f"hook.{call.hook}", at=now, patient_id=call.patient_id,
            subject=referral.id if referral else "", hook_instance=call.hook_instance,
            verdict=judged.summary["verdict"], quiet=quiet,
        )  # fmt: skip
        if referral is not None and not quiet:
            session.add(_card(card_id, call, referral, face, handle, now))
    if call.token is not None:
        call.token.spent = True
    if quiet or placement is None:
        return _quiet(judged, quiet, referral)
    return Offer(
        decision=intake.explained(judged.decision),
        episode_id=referral.id if referral else None,
        show=True,
        card_id=card_id,
        suggestion_id=card_id,
        app_context=handle if referral else None,
        launch_url=intake.launch_url,
        placement=placement,
    )


def _leave_out(chart: Chart, dispatch: Dispatch) -> None:
    """Take the orders themselves out of the chart: on its way, an order is no programme that the patient is in."""
    sent = {order.get("id") for order in dispatch.orders}
    chart.resources[ServiceRequest] = [one for one in chart.of(ServiceRequest) if one.id not in sent]


def _judged_anew(
    intake: Intake, session: Session, tenant: Tenant, judged: Judged, call: HookCall, now: datetime
) -> Referral | None:
    """The patient's open referral, moved if the rules say so."""
    referral = Referrals(session, tenant.id).newest_of(judged.decision.assessment.snapshot.patient_id)
    if referral is None or not referral.is_open:
        return None
    return intake.settle(session, tenant, judged, now=now, occasion=call.hook, once=True)


def _placement(
    tenant: Tenant, dispatch: Dispatch, judged: Judged, referral: Referral | None, now: datetime
) -> Placement | None:
    if isinstance(judged.decision, NoProposal):
        return None
    places = [_place(site) for site in tenant.programmes]
    waits = _waits(judged.decision, referral, now)
    return placement_of(dispatch.performer, places, judged.decision, waits=waits)


def _place(site: ProgrammeSite) -> Place:
    return Place(site.id, site.name, site.level, site.supervision, site.organization, site.note)


def _waits(proposal: Proposal, referral: Referral | None, now: datetime) -> bool:
    """Whether nothing may be sent yet: a hold, a clearance that nobody gave, information without which nothing goes.

    What was released before is not taken back because one call brought less of the chart.
    """
    if proposal.assessment.verdict.held or (referral is not None and referral.status is State.HELD):
        return True
    if proposal.assessment.verdict is Verdict.CLEARANCE:
        return referral is None or referral.clearance_open(now)
    released = referral is not None and referral.status not in BEFORE_RELEASE
    return not released and not proposal.assessment.release.referral


def _quiet_reason(tenant: Tenant, dispatch: Dispatch, placement: Placement | None) -> str:
    if placement is None:
        return "not eligible"
    to_the_service = dispatch.performer == tenant.exercise_service.reference
    if to_the_service and not placement.waits and placement.fit is not Fit.SUITS:
        return "goes to the exercise service"  # whose navigators choose the programme
    return ""


def _face(dispatch: Dispatch, judged: Judged, placement: Placement | None) -> str:
    """A hash of what the card tells, as in `card_memory`: what moves without crossing a limit is nothing new."""
    summary = judged.summary
    told = [
        "dispatch",
        summary["verdict"],
        summary["destination"],
        summary["min_supervision"],
        sorted((finding["rule"], finding["effect"]) for finding in summary["findings"]),
        dispatch.performer,
        sorted(str(order.get("id")) for order in dispatch.orders),
        [placement.fit, placement.waits, [place.id for place in placement.better]] if placement else None,
    ]
    return sha256(orjson.dumps(told)).hexdigest()


def _seen_before(session: Session, referral: Referral, face: str, judged: Judged, now: datetime) -> str:
    """Why this card need not come again. The hook names no user: who sends an order stands for whoever sends it."""
    key = {"tenant": referral.tenant_id, "referral": referral.id, "face": face}
    again, first, dismissed = session.execute(_SEEN, key).one()
    if again is not None and now < again:
        return "snoozed"
    if dismissed is not None:
        return "dismissed"
    emergency = judged.summary["verdict"] == Verdict.HOLD_EMERGENCY
    return "seen before" if first is not None and now >= first + SITTING and not emergency else ""


def _card(card_id: UUID, call: HookCall, referral: Referral, face: str, handle: str, now: datetime) -> Card:
    return Card(
        id=card_id,
        tenant_id=referral.tenant_id,
        referral_id=referral.id,
        suggestion_id=uuid4(),  # never shown: what the card offers is no signature
        hook=call.hook,
        service_id=call.service_id,
        hook_instance=call.hook_instance,
        user=call.user,
        at=now,
        warned=True,  # there is nothing on it that declines the referral
        handle_hash=sha256(handle.encode()).hexdigest(),
        face=face,
    )


def _quiet(judged: Judged, reason: str, referral: Referral | None = None) -> Offer:
    return Offer(
        decision=judged.decision,
        episode_id=referral.id if referral else None,
        show=False,
        card_id=uuid4(),
        suggestion_id=uuid4(),
        quiet_reason=reason,
    )
