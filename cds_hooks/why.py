"""Why a card says what it says: findings with their values, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cds_hooks.markdown import Gettext, escaped, plain, unit_shown
from models.decision import Assessment, Proposal
from models.findings import Effect, Evidence, Finding
from models.inputs import INPUTS, SAFETY_QUESTIONS
from models.snapshot import Gap, Reading
from models.text import N_, Text

_MAX_REASONS: Final = 5
_MAX_EVIDENCE: Final = 4
_MAX_GAPS: Final = 8
_LOOKED_FOR_FIRST: Final = ("platelets", "hb", "anc", "ecog")


def reasons_for(proposal: Proposal, gettext: Gettext) -> Iterator[str]:
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
    doubt = escaped(N_("rule not confirmed yet"), gettext) if finding.needs_review else ""
    return " · ".join(filter(None, (said, evidence, escaped(finding.rule), doubt)))


def _evidence(evidence: Evidence, gettext: Gettext) -> str:
    """`Platelets: 8 ×10⁹/L (2026-11-20)`; what belongs to a value set names itself."""
    value = " ".join(filter(None, (escaped(evidence.value), escaped(unit_shown(evidence.unit)))))
    known = INPUTS.get(evidence.name)
    shown = f"{escaped(known.label, gettext)}: {value}" if known else value
    date = evidence.date or plain(N_("date unknown"), gettext)
    said = [date, plain(N_("preliminary"), gettext)] if evidence.status == "preliminary" else [date]
    return f"{shown} ({escaped(', '.join(said))})"


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


def unchecked(assessment: Assessment, gettext: Gettext) -> Iterator[str]:
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
