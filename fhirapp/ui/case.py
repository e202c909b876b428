"""A decision as a clinician reads it in a minute: reasons, gaps, dose, estimates. Source: navigator.md section 8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fhirapp.ui.reassuring import answered_no, fine_values
from fhirapp.ui.words import EFFECT_WORDS, ENTRY_WORDS, GAP_WORDS, QUERY_WORDS, SUPERVISION_WORDS, TONES
from models.assessment import holds_everything
from models.decision import Assessment, Decision, Estimate, Prescription, Proposal, Verdict
from models.findings import Effect, Evidence, Finding
from models.inputs import INPUTS, label_of
from models.phase import PHASES
from models.safety.inputs import DERIVED
from models.snapshot import Gap
from models.switched_off import switched_off
from models.text import N_, Text

MAX_REASONS: Final = 5
MAX_REASONS_HELD: Final = 4
MAX_VALUES: Final = 2


@dataclass(frozen=True, slots=True)
class Value:
    """One value that a reason rests on."""

    label: Text
    value: str
    unit: str
    date: str  # ISO day; "" when unknown
    source: str
    preliminary: bool


@dataclass(frozen=True, slots=True)
class Why:
    """One reason, with the rule that gave it."""

    text: Text
    rule: str = ""
    word: Text | None = None  # what it does, in words
    tone: str = "plain"  # beside the word, never instead of it
    values: tuple[Value, ...] = ()
    more_values: int = 0  # how many more there are
    needs_review: bool = False


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Inputs that could not be judged, for one reason."""

    word: Text
    names: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Everything of the one screen that comes from the decision."""

    assessment: Assessment
    proposal: Proposal | None
    reasons: tuple[Why, ...]
    more_reasons: tuple[Why, ...]
    unchecked: tuple[Unchecked, ...]
    to_clear: tuple[str, ...]  # rule ids that a clearance answers

    @property
    def prescription(self) -> Prescription | None:
        """The dose, released or drafted; `None` when none may be worked out."""
        return self.proposal.prescription if self.proposal else None

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """The models' estimates, as far as they are switched on."""
        found = (self.assessment.risk, self.assessment.adherence)
        return tuple(estimate for estimate in found if estimate is not None)

    @property
    def switched_off(self) -> tuple[Text, ...]:
        """A line for each model that says nothing because it is off."""
        return switched_off(self.assessment)

    @property
    def phase(self) -> Text:
        """The phase of treatment in words."""
        return PHASES.get(self.assessment.phase, N_("{name}", name=self.assessment.phase))

    @property
    def supervision(self) -> Text:
        """The least supervision in words."""
        return SUPERVISION_WORDS[self.assessment.min_supervision]

    @property
    def tasks(self) -> tuple[Text, ...]:
        """What somebody should do, gravest first, each once; in a hold only what the hold asks for."""
        found = [f for f in self.assessment.findings if f.effect >= Effect.HOLD or not self.held]
        return tuple({str(f.task): f.task for f in found if f.task is not None}.values())

    @property
    def cautions(self) -> tuple[Text, ...]:
        """What the programme must know, each once; what to stay away from says so."""
        if self.prescription is None:
            return ()
        away = {str(cap.text) for f in self.assessment.findings for cap in f.caps if cap.kind == "avoid"}
        return tuple(avoided(cap) if str(cap) in away else cap for cap in self.prescription.caps)

    @property
    def held(self) -> bool:
        """True while nothing may be released."""
        return self.assessment.verdict in (Verdict.HOLD, Verdict.HOLD_EMERGENCY)

    @property
    def emergency(self) -> bool:
        """True when somebody has to act at once."""
        return self.assessment.verdict is Verdict.HOLD_EMERGENCY


def case_of(decision: Decision) -> Case:
    """The case of a decision, gravest reason first."""
    assessment = decision.assessment
    proposal = decision if isinstance(decision, Proposal) else None
    every = list(_grounds(assessment, proposal))
    if proposal is not None:
        fired = [*_fired(assessment, at_least=Effect.MOD)]
        every = [*fired, *every, *_reassuring(assessment), *_fired(assessment, only=Effect.INFO)]
    first = MAX_REASONS_HELD if assessment.verdict.held else MAX_REASONS
    return Case(
        assessment=assessment,
        proposal=proposal,
        reasons=tuple(every[:first]),
        more_reasons=tuple(every[first:]),
        unchecked=tuple(_unchecked(assessment.gaps)),
        to_clear=tuple(dict.fromkeys(f.rule for f in assessment.findings if asks_clearance(f))),
    )


def asks_clearance(finding: Finding) -> bool:
    """A CLEAR, or a hold of a part of the plan; a check before each session asks nobody now."""
    return finding.effect >= Effect.CLEAR and finding.scope != "session" and not holds_everything(finding)


def _fired(assessment: Assessment, *, at_least: Effect = Effect.INFO, only: Effect | None = None) -> Iterator[Why]:
    for finding in assessment.findings:
        if finding.effect is only or (only is None and finding.effect >= at_least):
            yield _why(finding)


def _why(finding: Finding) -> Why:
    different: dict[tuple[str, ...], Evidence] = {}
    for one in finding.inputs:  # one dose may belong to several value sets, one drug may be given many times
        different.setdefault((str(value_of(one).label), one.value, one.unit), one)
    shown = list(different.values())[:MAX_VALUES]
    return Why(
        text=finding.text,
        rule=finding.rule,
        word=EFFECT_WORDS[finding.effect],
        tone=TONES[finding.effect],
        values=tuple(value_of(one) for one in shown),
        more_values=len({one.source for one in finding.inputs} - {one.source for one in shown}),
        needs_review=finding.needs_review,
    )


def value_of(evidence: Evidence) -> Value:
    """One value as the page cites it."""
    label = INPUTS[evidence.name].label if evidence.name in INPUTS else _label_of_source(evidence)
    return Value(label, evidence.value, evidence.unit, evidence.date, evidence.source, evidence.status == "preliminary")


def _label_of_source(evidence: Evidence) -> Text:
    """What kind of entry a value comes from, where the value is no input of its own."""
    if evidence.name in DERIVED:
        return DERIVED[evidence.name].label
    return ENTRY_WORDS.get(evidence.source.split("/")[0], N_("Chart"))


def _grounds(assessment: Assessment, proposal: Proposal | None) -> Iterator[Why]:
    """Why this patient, and why this kind of programme."""
    eligibility = assessment.eligibility
    source = eligibility.condition or ""
    values = (Value(N_("Diagnosis"), "", "", "", source, False),) if source else ()
    yield Why(eligibility.reason, word=N_("Eligibility"), values=values)
    if proposal is not None and not assessment.verdict.held:
        yield Why(proposal.destination.reason, word=N_("Programme"))


def _reassuring(assessment: Assessment) -> Iterator[Why]:
    """One reason of what was looked at and found in order; none in a hold, where nothing reassures."""
    if assessment.verdict.held:
        return
    answered, values = answered_no(assessment), tuple(value_of(one) for one in fine_values(assessment))
    if answered or values:
        yield Why(answered or N_("Looked at and in order"), word=N_("In order"), tone="go", values=values)


def _unchecked(gaps: Iterable[Gap]) -> Iterator[Unchecked]:
    """By reason, an unread part of the chart first; each input once."""
    found = tuple(gaps)
    for why, word in GAP_WORDS.items():
        aliases = dict.fromkeys(gap.input for gap in found if gap.why == why)
        if aliases:
            yield Unchecked(word, tuple(gap_name(alias) for alias in aliases))


def gap_name(alias: str) -> Text:
    """What people call an input, a value set or a part of the chart."""
    if alias in QUERY_WORDS:
        return QUERY_WORDS[alias]
    if alias.startswith("vs."):
        return N_("{name}", name=alias[3:].replace("_", " "))
    return label_of(alias)


def avoided(what: Text) -> Text:
    """A limit that names something to stay away from."""
    return N_("Avoid: {what}", what=what)


def aerobic_line(dose: Prescription) -> Text:
    """Line 1 of the dose."""
    one = dose.aerobic
    return N_(
        "{days} days a week, {minutes} minutes, Borg effort {low}–{high}",
        days=one.days_per_week,
        minutes=one.minutes,
        low=one.rpe_min,
        high=one.rpe_max,
    )


def resistance_line(dose: Prescription) -> Text:
    """Line 2 of the dose."""
    one = dose.resistance
    if not one.sets_max or not one.days_per_week:
        return N_("None for now")
    sets = str(one.sets_max) if one.sets_min == one.sets_max else f"{one.sets_min}–{one.sets_max}"
    return N_(
        "{days} days a week, {sets} × {repetitions}, {load}",
        days=one.days_per_week,
        sets=sets,
        repetitions=one.repetitions,
        load=one.load,
    )
