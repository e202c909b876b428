"""The detail of a card: what a clinician reads in a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from cds_hooks.markdown import Gettext, bullets, escaped, plain, unit_shown
from cds_hooks.ports import DraftOrder, Offer
from models.decision import Assessment, Estimate, Prescription, Proposal, Verdict
from models.findings import Effect, Evidence, Finding
from models.inputs import INPUTS, SAFETY_QUESTIONS
from models.snapshot import Gap, Reading
from models.text import N_, Text

_MAX_REASONS: Final = 5
_MAX_GAPS: Final = 8
_MAX_CAPS: Final = 5
_MAX_OTHER: Final = 2
_MAX_EVIDENCE: Final = 4
_LOOKED_FOR_FIRST: Final = ("platelets", "hb", "anc", "ecog")
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
        _section(N_("Why"), _reasons(proposal, gettext), gettext),
        _section(N_("Not checked"), _unchecked(proposal.assessment, gettext), gettext),
        _section(N_("First week"), _dose(proposal, gettext), gettext),
        _section(N_("Pass on"), _cautions(proposal, gettext), gettext),
        _section(N_("What happens now"), _next_steps(offer, proposal, gettext, drafted), gettext),
        _occasion(orders, gettext),
        [_provenance(proposal.assessment, gettext)],
    )
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def _section(title: Text, lines: Iterable[str], gettext: Gettext) -> list[str]:
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


def _reasons(proposal: Proposal, gettext: Gettext) -> Iterator[str]:
    """What decided, gravest first, each with value, unit and date; then why this patient and this programme."""
    assessment = proposal.assessment
    findings = [one for one in assessment.findings if one.effect > Effect.INFO]
    room = _MAX_REASONS if assessment.verdict.held else _MAX_REASONS - 2
    for finding in findings[:room]:
        yield _finding(finding, gettext)
    if len(findings) > room:
        more = N_("{count} more findings: open Stride to see them", count=len(findings) - room)
        yield escaped(more, gettext)
    if not assessment.verdict.held:
        yield escaped(assessment.eligibility.reason, gettext)
        yield escaped(proposal.destination.reason, gettext)
        yield from _reassuring(assessment, gettext)


def _finding(finding: Finding, gettext: Gettext) -> str:
    said = escaped(finding.text, gettext).rstrip(".")
    newest = list({one.name: one for one in reversed(finding.inputs)}.values())[::-1]
    evidence = "; ".join(_evidence(one, gettext) for one in newest[:_MAX_EVIDENCE])
    return " · ".join(filter(None, (said, evidence, escaped(finding.rule))))


def _evidence(evidence: Evidence, gettext: Gettext) -> str:
    """`Platelets: 8 ×10⁹/L (2026-11-20)`; what belongs to a value set names itself."""
    value = " ".join(filter(None, (escaped(evidence.value), escaped(unit_shown(evidence.unit)))))
    known = INPUTS.get(evidence.name)
    shown = f"{escaped(known.label, gettext)}: {value}" if known else value
    date = evidence.date or plain(N_("date unknown"), gettext)
    preliminary = f", {plain(N_('preliminary'), gettext)}" if evidence.status == "preliminary" else ""
    return f"{shown} ({escaped(date)}{preliminary})"


def _reassuring(assessment: Assessment, gettext: Gettext) -> Iterator[str]:
    """Values that a clinician looks for first and that raised no finding, so that "fit" is not taken on trust."""
    snapshot = assessment.snapshot
    answers = [snapshot.latest(alias) for alias in SAFETY_QUESTIONS]
    doubted = {gap.input for gap in assessment.gaps}
    doubted |= {one.name for finding in assessment.findings for one in finding.inputs}
    if all(answer is not None and answer.value is False for answer in answers) and not doubted & {*SAFETY_QUESTIONS}:
        oldest = min(answer.when.day for answer in answers if answer is not None)
        yield escaped(N_("All safety questions answered with no ({day})", day=oldest), gettext)
    readings = [snapshot.latest(alias) for alias in _LOOKED_FOR_FIRST if alias not in doubted]
    values = "; ".join(_reading(reading, gettext) for reading in readings if reading is not None)
    if values:
        yield values


def _reading(reading: Reading, gettext: Gettext) -> str:
    value = f"{reading.value:g}" if isinstance(reading.value, int | float) else str(reading.value)
    shown = f"{reading.comparator or ''}{value}"
    return _evidence(
        Evidence(reading.alias, shown, reading.unit, reading.when.day, reading.source, reading.status), gettext
    )


def _unchecked(assessment: Assessment, gettext: Gettext) -> Iterator[str]:
    """Inputs that could not be judged, by the reason why not; an unread chart part comes first."""
    words = {
        "unread": N_("could not be read: {names}"),
        "unanswered": N_("not answered: {names}"),
        "stale": N_("too old: {names}"),
        "implausible": N_("implausible: {names}"),
        "unit": N_("in a unit that is not understood: {names}"),
        "conflict": N_("contradictory: {names}"),
        "missing": N_("not on file: {names}"),
    }
    for why, pattern in words.items():
        names = list(dict.fromkeys(_gap_name(gap, gettext) for gap in assessment.gaps if gap.why == why))
        if names:
            shown = ", ".join(names[:_MAX_GAPS])
            more = f" +{len(names) - _MAX_GAPS}" if len(names) > _MAX_GAPS else ""
            yield escaped(Text(pattern.msgid, {"names": f"{shown}{more}"}), gettext)


def _gap_name(gap: Gap, gettext: Gettext) -> str:
    known = INPUTS.get(gap.input)
    return plain(known.label if known else gap.input.removeprefix("vs.").replace("_", " "), gettext)


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


def _cautions(proposal: Proposal, gettext: Gettext) -> Iterator[str]:
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
    names = list(dict.fromkeys(order.text or order.reference for order in orders if order.selected))
    named = ", ".join(filter(None, names[:_MAX_ORDERS]))
    if not named:
        return []
    more = f" +{len(names) - _MAX_ORDERS}" if len(names) > _MAX_ORDERS else ""
    said = N_("Seen while ordering {orders}; it is about the patient, not about one order", orders=f"{named}{more}")
    return [escaped(said, gettext)]


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


def _provenance(assessment: Assessment, gettext: Gettext) -> str:
    """How old the facts are and what computed this, since a card may be kept too long (CH-C9)."""
    read = f"{assessment.snapshot.as_of:%Y-%m-%d %H:%M %Z}".strip()
    lines = [N_("Chart as of {time}; rules {version}", time=read, version=assessment.rules_version or "?")]
    lines += [_estimate(one) for one in (assessment.risk, assessment.adherence) if one is not None]
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
