"""An offer becomes a card, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cds_hooks.card_parts import INDICATORS, SOURCE_URL, coded, smart_link, source_of, summary_of
from cds_hooks.detail import detail_of
from cds_hooks.dispatch_card import dispatch_card
from cds_hooks.markdown import Gettext, plain
from cds_hooks.ports import Dispatch, DraftOrder, Offer
from cds_hooks.reasons import OFFERED
from models.decision import NoProposal, Proposal, Verdict
from models.text import N_, Text


def cards_for(
    offer: Offer,
    *,
    gettext: Gettext = None,
    orders: Sequence[DraftOrder] = (),
    dispatch: Dispatch | None = None,
    drafted: bool = False,
    action_selection: bool = False,
    source_url: str = SOURCE_URL,
) -> list[dict[str, Any]]:
    """The cards of one offer; empty when there is nothing to say.

    `orders` are those being signed, `dispatch` what is being sent to whom. `drafted`: the draft goes to the client as
    a system action, so that the card must not suggest it again (CH-Y4). `action_selection`: the client is known to
    understand which actions belong together (CH-A5). Source: CH-C1 to CH-C9, CH-A1 to CH-A6.
    """
    proposal = offer.decision
    if not offer.show or isinstance(proposal, NoProposal):
        return []
    if offer.placement is not None and dispatch is not None:
        return [dispatch_card(offer, proposal, dispatch, gettext, source_url)]
    card = _card(offer, proposal, gettext, source_url)
    card["detail"] = detail_of(offer, proposal, gettext, orders=orders, drafted=drafted)
    if may_suggest(offer) and not drafted:
        suggested = _suggestion(offer, proposal, gettext)
        # Nothing here may be taken alone: the plan refers to the goals, and both belong to the referral.
        card["suggestions"] = [suggested | ({"actionSelectionBehavior": "all"} if action_selection else {})]
        card["selectionBehavior"] = "at-most-one"
    return [card]


def system_actions_for(offer: Offer, *, gettext: Gettext = None) -> list[dict[str, Any]]:
    """One unsigned draft for the client to add to the orders being signed; only ever for clients with an agreement.

    One self-contained resource: several would need references that system actions do not define. It is still for
    a person to sign or to remove. Source: CH-Y1 to CH-Y3; standards.md 1.4.
    """
    proposal = offer.decision
    if not offer.show or isinstance(proposal, NoProposal) or not may_suggest(offer):
        return []
    drafts = [one for one in offer.suggestion if one["resourceType"] == "ServiceRequest" and one["status"] == "draft"]
    return [_create(resource, proposal, gettext) for resource in drafts[:1]]


def _card(offer: Offer, proposal: Proposal, gettext: Gettext, source_url: str) -> dict[str, Any]:
    verdict = proposal.assessment.verdict
    card: dict[str, Any] = {
        "uuid": str(offer.card_id),
        "summary": summary_of(_summary(offer, proposal), gettext),
        "indicator": INDICATORS.get(verdict, "info"),
        "source": source_of(gettext, source_url),
    }
    if not verdict.held:  # to dismiss a warning is not to decline the referral
        card["overrideReasons"] = [coded(reason, gettext) for reason in OFFERED]
    if offer.launch_url:
        card["links"] = [_link(offer, offer.launch_url, verdict, gettext)]
    return card


def may_suggest(offer: Offer) -> bool:
    """Nothing to act on is offered while a rule forbids it, whatever the caller put into the offer."""
    assessment = offer.decision.assessment
    return (
        bool(offer.suggestion)
        and assessment.verdict in (Verdict.REFER, Verdict.INCOMPLETE)
        and assessment.release.referral
    )


def _summary(offer: Offer, proposal: Proposal) -> Text:
    verdict, name = proposal.assessment.verdict, proposal.destination.name
    first = next((finding.text for finding in proposal.assessment.findings), N_("see the details"))
    match verdict:
        case Verdict.HOLD_EMERGENCY:
            return N_("Emergency, no exercise: {finding}", finding=first)
        case Verdict.HOLD:
            return N_("No exercise for now: {finding}", finding=first)
        case Verdict.CLEARANCE:
            return N_("Exercise referral waits for your clearance: {finding}", finding=first)
        case Verdict.INCOMPLETE if not proposal.assessment.release.referral:
            return N_("Exercise referral waits for missing information")
        case _ if offer.clinician_deadline is not None:
            day = offer.clinician_deadline.date().isoformat()
            return N_("Exercise referral goes out on {day} unless you say no: {name}", name=name, day=day)
        case _:
            return N_("Exercise referral is ready to sign: {name}", name=name)


def _suggestion(offer: Offer, proposal: Proposal, gettext: Gettext) -> dict[str, Any]:
    return {
        "label": plain(N_("Refer: {name}", name=proposal.destination.name), gettext),
        "uuid": str(offer.suggestion_id),
        "isRecommended": True,
        "actions": [_create(resource, proposal, gettext) for resource in offer.suggestion],
    }


def _create(resource: dict[str, Any], proposal: Proposal, gettext: Gettext) -> dict[str, Any]:
    return {"type": "create", "description": _description(resource, proposal, gettext), "resource": resource}


def _description(resource: dict[str, Any], proposal: Proposal, gettext: Gettext) -> str:
    match resource["resourceType"]:
        case "ServiceRequest":
            return plain(N_("Draft referral: {name}", name=proposal.destination.name), gettext)
        case "CarePlan":
            return plain(N_("Draft exercise plan"), gettext)
        case "Goal":
            goal = resource.get("description", {}).get("text", "")
            return plain(N_("Proposed goal: {goal}", goal=goal) if goal else N_("Proposed goal"), gettext)
        case kind:
            return plain(N_("Create {kind}", kind=kind), gettext)


def _link(offer: Offer, url: str, verdict: Verdict, gettext: Gettext) -> dict[str, str]:
    labels = {Verdict.CLEARANCE: N_("Record clearance"), Verdict.REFER: N_("Look, change or decline in Stride")}
    labels[Verdict.INCOMPLETE] = labels[Verdict.REFER]
    return smart_link(labels.get(verdict, N_("See why in Stride")), url, offer, gettext)
