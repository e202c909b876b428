"""Snapshot in, assessment out: eligibility, rules, verdict, tier, release, estimates."""

from __future__ import annotations

from typing import Final, Protocol

from models.decision import Assessment, Eligibility, Estimate, Release, SitePolicy, Verdict
from models.eligibility import eligibility_of
from models.findings import Effect, Finding
from models.phase import phase_of
from models.safety.rule import RuleSet, rule_set
from models.safety.screen import Screening, screen
from models.safety.view import View
from models.snapshot import Gap, PatientSnapshot
from models.tier import raised_by, supervision_of, tier_of


class Estimators(Protocol):
    """The installed models; `None` from one that is switched off or not installed."""

    def risk(self, s: PatientSnapshot) -> Estimate | None:
        """How likely the illness takes a bad turn."""

    def adherence(self, s: PatientSnapshot) -> Estimate | None:
        """How likely the patient will need help to keep going."""


def assess(
    snapshot: PatientSnapshot,
    estimators: Estimators | None = None,
    policy: SitePolicy | None = None,
    rules: RuleSet | None = None,
    seen: View | None = None,
) -> Assessment:
    """Findings, estimates and gaps of one snapshot, and the verdict, tier and release that follow.

    Rules decide. A high risk estimate may raise supervision by one level; no estimate lowers or lifts anything.
    """
    site, used = policy or SitePolicy(), rules or rule_set()
    view = seen or View(snapshot)
    eligibility = eligibility_of(snapshot, site)
    screening = screen(snapshot, used, view)
    phase = phase_of(snapshot, view)
    verdict = _verdict(snapshot, eligibility, screening, site)
    tier = tier_of(verdict, screening.findings, phase, snapshot.age_years, hypertensive=view.mark("hypertensive"))
    risk, adherence = _estimates(snapshot, eligibility, estimators, site)
    return Assessment(
        snapshot=snapshot,
        eligibility=eligibility,
        verdict=verdict,
        tier=tier,
        min_supervision=raised_by(risk, supervision_of(tier, screening.findings)),
        phase=phase,
        findings=screening.findings,
        gaps=_gaps(snapshot, screening),
        release=_release(snapshot, eligibility, verdict, screening, site),
        risk=risk,
        adherence=adherence,
        rules_version=used.version,
    )


# Verdict


_WHOLE_PLAN: Final = frozenset({"plan", "day"})


def holds_everything(finding: Finding) -> bool:
    """True for a hold of the whole plan; one of a limb or of moderate effort only asks for clearance."""
    return finding.effect >= Effect.HOLD and finding.scope in _WHOLE_PLAN


def _verdict(snapshot: PatientSnapshot, eligibility: Eligibility, screening: Screening, site: SitePolicy) -> Verdict:
    """Source: conventions.md section 2, row Verdict."""
    if eligibility.eligible is False:
        return Verdict.INELIGIBLE
    holds = [finding for finding in screening.findings if holds_everything(finding)]
    if any(finding.effect is Effect.HOLD_E for finding in holds):
        return Verdict.HOLD_EMERGENCY
    if holds:
        return Verdict.HOLD
    if eligibility.eligible is None or snapshot.unread or _answers_missing(screening, site):
        return Verdict.INCOMPLETE
    if _needs_clearance(screening):
        return Verdict.CLEARANCE
    return Verdict.REFER


def _needs_clearance(screening: Screening) -> bool:
    """True with a clearance rule, or a hold of a part; a check before each session changes no verdict."""
    return any(finding.effect >= Effect.CLEAR and finding.scope != "session" for finding in screening.findings)


def _answers_missing(screening: Screening, site: SitePolicy) -> bool:
    return bool(screening.unanswered) or (site.require_parq and _parq_missing(screening))


def _parq_missing(screening: Screening) -> bool:
    return any(finding.rule == "PQ-04" for finding in screening.findings)


def _release(
    snapshot: PatientSnapshot,
    eligibility: Eligibility,
    verdict: Verdict,
    screening: Screening,
    site: SitePolicy,
) -> Release:
    """Source: conventions.md section 2, rows "What incomplete means" and Destination."""
    if verdict is Verdict.REFER:
        return Release(True, True)
    if verdict is Verdict.CLEARANCE:
        return Release(False, False, ("clearance",))
    if verdict is not Verdict.INCOMPLETE:
        return Release(False, False)
    waiting = _waiting_for(snapshot, eligibility, screening, site)
    only_answers = waiting == ("answers",) and not site.answers_before_referral
    return Release(only_answers, False, waiting)


def _waiting_for(
    snapshot: PatientSnapshot, eligibility: Eligibility, screening: Screening, site: SitePolicy
) -> tuple[str, ...]:
    waiting: list[str] = []
    if _answers_missing(screening, site):
        waiting.append("answers")
    if _needs_clearance(screening):
        waiting.append("clearance")
    if eligibility.eligible is None:
        waiting.append("data:eligibility")
    return (*waiting, *(f"data:{key}" for key in sorted(snapshot.unread)))


def _gaps(snapshot: PatientSnapshot, screening: Screening) -> tuple[Gap, ...]:
    """What was not checked: queries unread, inputs that rules asked for, and entries that could not be used."""
    if not snapshot.unread and not snapshot.faults:
        return screening.gaps
    unread = tuple(Gap(key, "unread") for key in sorted(snapshot.unread))
    named = {(gap.input, gap.source) for gap in screening.gaps}
    faults = tuple(fault for fault in snapshot.faults if (fault.input, fault.source) not in named)
    return (*unread, *screening.gaps, *faults)


# Estimates


def _estimates(
    snapshot: PatientSnapshot, eligibility: Eligibility, estimators: Estimators | None, site: SitePolicy
) -> tuple[Estimate | None, Estimate | None]:
    """Both estimates where the site uses them; none for a patient whom the service is not for."""
    if estimators is None or eligibility.eligible is False:
        return None, None
    return (
        estimators.risk(snapshot) if site.risk_model else None,
        estimators.adherence(snapshot) if site.adherence_model else None,
    )
