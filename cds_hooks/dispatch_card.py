"""The card for whoever sends an exercise order to a programme: whether that one suits, and which ones would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid5

from cds_hooks.card_parts import INDICATORS, coded, smart_link, source_of, summary_of
from cds_hooks.detail import cautions, provenance, section
from cds_hooks.markdown import Gettext, escaped, plain
from cds_hooks.ports import Dispatch, Offer
from cds_hooks.reasons import FOR_A_CHOICE
from cds_hooks.why import reasons_for, unchecked
from models.decision import Proposal, Verdict
from models.placement import Fit, Place, Placement
from models.programme import kind_of
from models.text import N_, Text

_MAX_OFFERED: Final = 3
_CLINICIAN_NEAR: Final = 3  # from this level of supervision on, not knowing what a place gives is a warning

Json = dict[str, Any]


def dispatch_card(offer: Offer, proposal: Proposal, dispatch: Dispatch, gettext: Gettext, source_url: str) -> Json:
    """One card on the choice of a programme.

    Its suggestions change the order, and the Task that goes with it, to a programme with enough supervision; none is
    offered while nothing may be sent. Source: pathway.md section 3; CH-A4: an update carries the whole resource.
    """
    assert offer.placement is not None  # noqa: S101 - for the type checker; the caller looked
    placement = offer.placement
    card: Json = {
        "uuid": str(offer.card_id),
        "summary": summary_of(_summary(placement, proposal, dispatch), gettext),
        "indicator": _indicator(placement, proposal),
        "source": source_of(gettext, source_url),
        "detail": _detail(placement, proposal, dispatch, gettext),
    }
    if placement.better:
        card["suggestions"] = list(_suggestions(offer.card_id, placement, dispatch, gettext))
        card["selectionBehavior"] = "at-most-one"
    if not placement.waits and placement.fit is not Fit.SUITS:
        card["overrideReasons"] = [coded(reason, gettext) for reason in FOR_A_CHOICE]
    if offer.launch_url and offer.episode_id is not None:
        card["links"] = [smart_link(N_("See why in Stride"), offer.launch_url, offer, gettext)]
    return card


def _indicator(placement: Placement, proposal: Proposal) -> str:
    verdict, needed = proposal.assessment.verdict, proposal.assessment.min_supervision
    if verdict.held:
        return INDICATORS[verdict]
    doubtful = placement.fit is Fit.UNKNOWN and needed >= _CLINICIAN_NEAR
    return "warning" if placement.waits or doubtful or placement.fit is Fit.TOO_LITTLE else "info"


def _summary(placement: Placement, proposal: Proposal, dispatch: Dispatch) -> Text:
    assessment = proposal.assessment
    first = next((finding.text for finding in assessment.findings), N_("see the details"))
    values = {"name": _name(placement, dispatch), "needed": assessment.min_supervision}
    match assessment.verdict:
        case Verdict.HOLD_EMERGENCY:
            return N_("Emergency, no exercise: {finding}", finding=first)
        case Verdict.HOLD:
            return N_("Do not send, no exercise for now: {finding}", finding=first)
        case Verdict.CLEARANCE if placement.waits:
            return N_("Do not send yet, exercise waits for clearance: {finding}", finding=first)
        case _ if placement.waits:
            return N_("Do not send yet: the referral is on hold or waits for information")
    match placement.fit, placement.place:
        case Fit.TOO_LITTLE, Place() as place:
            return N_(
                "{name} gives too little supervision: level {given}, needed {needed}", given=place.supervision, **values
            )
        case Fit.OTHER_KIND, Place():
            kind = proposal.destination.name
            return N_("{name} gives enough supervision; what fits best: {kind}", kind=kind, **values)
        case Fit.SUITS, Place() as place:
            return N_("{name} suits: supervision level {given}, needed {needed}", given=place.supervision, **values)
    return N_("Nobody has told Stride how {name} supervises; needed is level {needed}", **values)


def _detail(placement: Placement, proposal: Proposal, dispatch: Dispatch, gettext: Gettext) -> str:
    blocks = (
        [_needed(proposal, gettext)],
        section(N_("Chosen"), [_chosen(placement, dispatch, gettext)], gettext),
        section(N_("Why"), reasons_for(proposal, gettext), gettext),
        section(N_("Not checked"), unchecked(proposal.assessment, gettext), gettext),
        section(N_("Programmes with enough supervision"), _others(placement, gettext), gettext),
        section(N_("Pass on"), () if placement.waits else cautions(proposal, gettext), gettext),
        section(N_("Orders"), _orders(dispatch), gettext),
        [provenance(proposal.assessment, gettext)],
    )
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def _needed(proposal: Proposal, gettext: Gettext) -> str:
    assessment, destination = proposal.assessment, proposal.destination
    if assessment.verdict.held:
        return f"**{escaped(N_('Hold: nothing may be released'), gettext)}**"
    said = N_(
        "{name}; tier {tier}, supervision level {level} or more",
        name=destination.name,
        tier=assessment.tier,
        level=assessment.min_supervision,
    )
    doubt = N_("Provisional: what is missing may ask for more") if destination.provisional else None
    words = " · ".join(escaped(one, gettext) for one in (said, doubt) if one)
    return f"**{escaped(N_('Needed'), gettext)}**: {words}"


def _chosen(placement: Placement, dispatch: Dispatch, gettext: Gettext) -> str:
    return _described(placement.place, gettext) if placement.place else escaped(_name(placement, dispatch))


def _others(placement: Placement, gettext: Gettext) -> Iterator[str]:
    yield from (_described(place, gettext) for place in placement.better)
    if not placement.better and not placement.waits and placement.fit in (Fit.TOO_LITTLE, Fit.UNKNOWN):
        yield escaped(N_("None of this site; ask the exercise service before anything is sent"), gettext)


def _described(place: Place, gettext: Gettext) -> str:
    values = {"name": place.name, "given": place.supervision, "kind": kind_of(place.level)}
    said = N_("{name}: supervision level {given}; {kind}", **values)
    return escaped(said, gettext) + (f" · {escaped(place.note)}" if place.note else "")


def _orders(dispatch: Dispatch) -> Iterator[str]:
    for order in dispatch.orders:
        yield escaped(f"ServiceRequest/{order.get('id')}")


def _name(placement: Placement, dispatch: Dispatch) -> str:
    return placement.place.name if placement.place else dispatch.performer_name or dispatch.performer


def _suggestions(card_id: UUID, placement: Placement, dispatch: Dispatch, gettext: Gettext) -> Iterator[Json]:
    for rank, place in enumerate(placement.better[:_MAX_OFFERED]):
        label = N_("Send to {name} (supervision level {given})", name=place.name, given=place.supervision)
        suggestion: Json = {
            "label": plain(label, gettext),
            "uuid": str(uuid5(card_id, place.id)),
            "actions": list(_actions(place, dispatch, gettext)),
        }
        yield suggestion | ({"isRecommended": True} if rank == 0 else {})


def _actions(place: Place, dispatch: Dispatch, gettext: Gettext) -> Iterator[Json]:
    whom = {"reference": place.reference, "display": place.name}
    for order in dispatch.orders:
        said = plain(N_("Order: performer becomes {name}", name=place.name), gettext)
        yield {"type": "update", "description": said, "resource": order | {"performer": [whom]}}
    for task in dispatch.tasks:
        said = plain(N_("Task: owner becomes {name}", name=place.name), gettext)
        yield {"type": "update", "description": said, "resource": task | {"owner": whom}}
