"""The detail of a card: what a clinician reads in a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from cds_hooks.markdown import Gettext, bullets, escaped, plain
from cds_hooks.ports import DraftOrder, Offer
from cds_hooks.why import reasons_for, unchecked
from models.decision import Assessment, Estimate, Prescription, Proposal, Verdict
from models.findings import Effect
from models.switched_off import switched_off
from models.text import N_, Text

_MAX_CAPS: Final = 5
_MAX_OTHER: Final = 2
_MAX_ORDERS: Final = 4


def detail_of(
    offer: Offer,
    proposal: Proposal,
    gettext: Gettext,
    *,
    orders: Sequence[DraftOrder] = (),
    drafted: bool = False,
) -> str:
    """GitHub-flavoured Markdown without HTML and links: verdict, why, what was not checked, dose, what follows.

    Everything that comes from the chart is escaped. Source: navigator.md section 8; CH-C4, CH-C9.
    """
    blocks = (
        [_verdict(proposal, gettext)],
        section(N_("Why"), reasons_for(proposal, gettext), gettext),
        section(N_("Not checked"), unchecked(proposal.assessment, gettext), gettext),
        section(N_("First week"), _dose(proposal, gettext), gettext),
        section(N_("Pass on"), cautions(proposal, gettext), gettext),
        section(N_("What happens now"), _next_steps(offer, proposal, gettext, drafted), gettext),
        _occasion(orders, gettext),
        [provenance(proposal.assessment, gettext)],
    )
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def section(title: Text, lines: Iterable[str], gettext: Gettext) -> list[str]:
    listed = list(bullets(lines))
    return [f"**{escaped(title, gettext)}**", "", *listed] if listed else []


def _verdict(proposal: Proposal, gettext: Gettext) -> str:
    assessment, destination = proposal.assessment, proposal.destination
    words = {
        Verdict.HOLD_EMERGENCY: N_("Emergency: nothing may be released"),
        Verdict.HOLD: N_("Hold: nothing may be released"),
        Verdict.CLEARANCE: N_("A clinician must clear exercise first"),
        Verdict.INCOMPLETE: N_("Some information is missing"),
    }
    said = words.get(assessment.verdict, N_("Fit for referral"))
    if assessment.verdict.held:
        return f"**{escaped(said, gettext)}**"
    pattern = (
        N_("{name}, provisional; tier {tier}, supervision level {level}")
        if destination.provisional
        else N_("{name}; tier {tier}, supervision level {level}")
    )
    values = {"name": destination.name, "tier": assessment.tier, "level": assessment.min_supervision}
    return f"**{escaped(said, gettext)}**: {escaped(Text(pattern.msgid, values), gettext)}"


def _dose(proposal: Proposal, gettext: Gettext) -> Iterator[str]:
    """Three lines, and only when the prescription may leave the house."""
    prescription = proposal.prescription
    if prescription is None or not proposal.assessment.release.prescription:
        return
    yield escaped(_aerobic(prescription, gettext), gettext)
    yield escaped(_resistance(prescription), gettext)
    other = [plain(one, gettext) for one in prescription.other[:_MAX_OTHER]]
    other.append(plain(N_("all days and steps are in the plan"), gettext))
    yield escaped("; ".join(other))


def _aerobic(prescription: Prescription, gettext: Gettext) -> Text:
    dose = prescription.aerobic
    return N_(
        "Aerobic: {days} days a week, {minutes} min, Borg {low} to {high} (6-20): {modes}",
        days=dose.days_per_week,
        minutes=dose.minutes,
        low=dose.rpe_min,
        high=dose.rpe_max,
        modes=", ".join(plain(mode, gettext) for mode in dose.modes),
    )


def _resistance(prescription: Prescription) -> Text:
    dose = prescription.resistance
    if not dose.sets_max or not dose.days_per_week:
        return N_("Resistance: none for now")
    sets = str(dose.sets_max) if dose.sets_min == dose.sets_max else f"{dose.sets_min}-{dose.sets_max}"
    return N_(
        "Resistance: {days} days a week, {sets} × {repetitions} repetitions, {load}",
        days=dose.days_per_week,
        sets=sets,
        repetitions=dose.repetitions,
        load=dose.load,
    )


def cautions(proposal: Proposal, gettext: Gettext) -> Iterator[str]:
    if proposal.prescription is None or not proposal.assessment.release.prescription:
        return
    to_avoid = [cap.text for one in proposal.assessment.findings for cap in one.caps if cap.kind == "avoid"]
    for cap in proposal.prescription.caps[:_MAX_CAPS]:
        # The rule's words name the thing only: "Uneven ground" must not read as advice to seek it.
        yield escaped(N_("Avoid: {what}", what=cap) if cap in to_avoid else cap, gettext)
    hidden = len(proposal.prescription.caps) - _MAX_CAPS
    if hidden > 0:
        yield escaped(N_("{count} more in the plan", count=hidden), gettext)


def _next_steps(offer: Offer, proposal: Proposal, gettext: Gettext, drafted: bool) -> Iterator[str]:
    assessment = proposal.assessment
    if assessment.verdict.held:
        tasks = (finding.task for finding in assessment.findings if finding.effect >= Effect.HOLD)
        yield from (escaped(task, gettext) for task in tasks if task)
        yield escaped(N_("Nothing is sent while this holds; the chart is looked at again"), gettext)
        return
    if assessment.verdict is Verdict.CLEARANCE:
        yield escaped(N_("Record your clearance in Stride, or decline; nothing is sent until then"), gettext)
        return
    if not assessment.release.referral:
        yield escaped(N_("Nothing is sent until the missing information is there"), gettext)
        return
    if not assessment.release.prescription:
        yield escaped(N_("The navigator asks the safety questions first; no exercise dose before that"), gettext)
    if drafted:
        yield escaped(N_("A draft referral stands among the orders to sign; remove it to say no"), gettext)
    yield from (escaped(step, gettext) for step in _windows(offer.clinician_deadline, offer.opt_out_deadline))


def _occasion(orders: Sequence[DraftOrder], gettext: Gettext) -> list[str]:
    """Which orders were being signed, since a card may stand among several (CH-C8)."""
    names = list(dict.fromkeys(_order_name(order, gettext) for order in orders if order.selected))
    named = ", ".join(filter(None, names[:_MAX_ORDERS]))
    if not named:
        return []
    more = f" +{len(names) - _MAX_ORDERS}" if len(names) > _MAX_ORDERS else ""
    said = N_("Seen while ordering {orders}; it is about the patient, not about one order", orders=f"{named}{more}")
    return [escaped(said, gettext)]


def _order_name(order: DraftOrder, gettext: Gettext) -> str:
    if order.text or not order.unresolved:
        return order.text or order.reference
    return plain(N_("unknown drug ({reference})", reference=order.unresolved[0]), gettext)


def _windows(clinician: datetime | None, opt_out: datetime | None) -> Iterator[Text]:
    if clinician is None:
        yield N_("It waits for a clinician's signature")
    else:
        yield N_(
            "The referral goes out by itself on {day} unless somebody says no; then the patient is told",
            day=clinician.date().isoformat(),
        )
    if opt_out is not None:
        yield N_(
            "The patient may say no at any time; without a no the navigator begins on {day}",
            day=opt_out.date().isoformat(),
        )


def provenance(assessment: Assessment, gettext: Gettext) -> str:
    """How old the facts are and what computed this, since a card may be kept too long (CH-C9)."""
    read = f"{assessment.snapshot.as_of:%Y-%m-%d %H:%M %Z}".strip()
    lines = [N_("Chart as of {time}; rules {version}", time=read, version=assessment.rules_version or "?")]
    lines += [_estimate(one) for one in (assessment.risk, assessment.adherence) if one is not None]
    lines += switched_off(assessment)
    return "*" + ". ".join(escaped(line, gettext) for line in lines) + "*"


def _estimate(estimate: Estimate) -> Text:
    return N_(
        "Statistical estimate (machine learning {version}, {confidence} confidence), {meaning}: {band}; it may only"
        " add caution",
        version=estimate.version,
        confidence=estimate.confidence,
        meaning=estimate.meaning,
        band=estimate.band,
    )
