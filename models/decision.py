"""The values that a decision is made of: estimates, assessment, prescription, proposal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.findings import Effect, Finding
from models.quick import quick_to_make
from models.snapshot import Gap, PatientSnapshot
from models.text import Text


class Verdict(StrEnum):
    """What the rules say, in order of precedence. Source: conventions.md section 2."""

    INELIGIBLE = "ineligible"
    HOLD_EMERGENCY = "hold-emergency"
    HOLD = "hold"
    INCOMPLETE = "incomplete"
    CLEARANCE = "clearance"
    REFER = "refer"

    @property
    def held(self) -> bool:
        """True when nothing at all may be released."""
        return self in (Verdict.HOLD, Verdict.HOLD_EMERGENCY)


@quick_to_make
@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether this patient is one whom the service is for."""

    eligible: bool | None  # None: cannot be told from what was read
    reason: Text
    condition: str | None = None  # "Condition/12": what makes the patient eligible; the referral's reason
    condition_text: str = ""


@dataclass(frozen=True, slots=True)
class Driver:
    """One reason behind an estimate, with the patient's own value."""

    feature: str
    text: Text
    effect: float  # contribution on the log-odds scale; positive raises the estimate


@dataclass(frozen=True, slots=True)
class Estimate:
    """A model's calibrated probability beside the rules. It may add caution or support, never remove it."""

    name: str  # "risk" | "adherence"
    probability: float | None  # None: refused, and `refusal` says why
    meaning: Text  # what is estimated: "death from any cause within five years"
    band: str  # "low" | "middle" | "high" | "not scored"
    confidence: str  # "full" | "reduced" | "low": how much of what it was trained on is known here
    version: str  # artifact version
    drivers: tuple[Driver, ...] = ()
    missing: tuple[str, ...] = ()  # features that the chart does not have
    refusal: Text | None = None
    basis: tuple[str, ...] = ()  # entries of the chart that it rests on; filled with the drivers


@quick_to_make
@dataclass(frozen=True, slots=True)
class Release:
    """What may leave the house. A referral is not exercise: they are released apart."""

    referral: bool
    prescription: bool
    waiting_for: tuple[str, ...] = ()  # "answers", "clearance", "data:<what>"


@quick_to_make
@dataclass(frozen=True, slots=True)
class Assessment:
    """Findings, estimates and gaps of one snapshot, and the verdict that follows."""

    snapshot: PatientSnapshot
    eligibility: Eligibility
    verdict: Verdict
    tier: str  # "T0".."T4", "T?"
    min_supervision: int  # 0-4
    phase: str  # "P1".."P7", "N1"
    findings: tuple[Finding, ...]  # all that fired, gravest first
    gaps: tuple[Gap, ...]  # what was not checked
    release: Release
    risk: Estimate | None = None  # None: the model is switched off or not installed
    adherence: Estimate | None = None
    rules_version: str = ""

    def with_effect(self, effect: Effect) -> tuple[Finding, ...]:
        """The findings of exactly this effect."""
        return tuple(finding for finding in self.findings if finding.effect is effect)


@quick_to_make
@dataclass(frozen=True, slots=True)
class Reason:
    """Which rule or table set one number of the plan."""

    what: str  # "aerobic.minutes"
    value: str  # "20"
    by: str  # "table 2, P2", "HEM-03"
    text: Text


@quick_to_make
@dataclass(frozen=True, slots=True)
class Aerobic:
    """Aerobic dose of the first week."""

    days_per_week: int
    minutes: int  # per session
    rpe_min: int  # Borg 6-20
    rpe_max: int
    modes: tuple[Text, ...]


@quick_to_make
@dataclass(frozen=True, slots=True)
class Resistance:
    """Resistance dose of the first week; sets of 0 means none."""

    days_per_week: int
    sets_min: int
    sets_max: int
    repetitions: str  # "8-15"
    load: Text


@quick_to_make
@dataclass(frozen=True, slots=True)
class Prescription:
    """A FITT prescription: what to do, what limits it, and what set each number."""

    phase: str
    aerobic: Aerobic
    resistance: Resistance
    other: tuple[Text, ...]  # balance, flexibility, breathing
    progression: Text
    caps: tuple[Text, ...]  # the limits from the rules, in words
    stop_rules: tuple[Text, ...]  # when to stop a session
    reasons: tuple[Reason, ...]  # the log, in the order of composition
    weeks: int  # length of the plan

    @property
    def minutes_per_week(self) -> int:
        """Aerobic minutes in the first week."""
        return self.aerobic.days_per_week * self.aerobic.minutes


@quick_to_make
@dataclass(frozen=True, slots=True)
class Destination:
    """Which kind of programme. Source: pathway.md section 3."""

    level: str  # "D0".."D5"
    name: Text
    reason: Text
    provisional: bool = False  # worked out as if cleared or answered; nothing is offered meanwhile
    code: str = "390893007"  # SNOMED CT, Task/ServiceRequest.code
    code_display: str = "Referral to physical activity program (procedure)"


@quick_to_make
@dataclass(frozen=True, slots=True)
class Proposal:
    """What we would refer for. It exists for every eligible patient, held ones too."""

    assessment: Assessment
    destination: Destination
    prescription: Prescription | None  # None: no dose may be worked out (held, eligibility unknown)


@dataclass(frozen=True, slots=True)
class NoProposal:
    """Why there is nothing to propose."""

    assessment: Assessment
    reason: Text


Decision = Proposal | NoProposal


@dataclass(frozen=True, slots=True)
class SitePolicy:
    """What a site may set about decisions. Everything has the cautious default."""

    min_age_years: int = 18
    answers_before_referral: bool = False  # True: no referral at all before the safety questions are answered
    require_parq: bool = False
    survivor_years: int = 10  # a history of cancer older than this without late effects is not eligible
    risk_model: bool = True
    adherence_model: bool = True
    populations: frozenset[str] = frozenset()  # beside cancer: names of models/eligibility.py POPULATIONS


def days_between(earlier: datetime, later: datetime) -> int:
    """Calendar days from one aware moment to another, in the later one's zone."""
    return (later.date() - earlier.astimezone(later.tzinfo).date()).days
