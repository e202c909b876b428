"""The risk tier and the least supervision, from the rules alone; an estimate may raise supervision."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from models.decision import Estimate, Verdict
from models.findings import Effect, Finding

# Rules that name a tier whatever else they say. Source: pathway.md section 2, conventions.md section 2.
_VERY_HIGH: Final = frozenset({"CAR-02", "CAR-04", "CAR-05", "CAR-21", "HEM-17"})
_HIGH: Final = frozenset(
    {
        "BON-04",
        "NEU-01",
        "TRT-10",
        "FAL-01",
        "FRA-01",
        "HEM-02",
        "HEM-07",
        "CAC-01",
        "PS-02",
        "RSP-04",
        "RSP-05",
        "CPR-02",
    }
)
_MODERATE: Final = frozenset({"HEM-03", "HEM-09", "HEM-11", "TRT-16", "NEU-05", "FAT-01", "FAT-02", "PQ-02", "TRT-06"})
_ON_TREATMENT: Final = frozenset({"P2", "P3"})
_SUPERVISION: Final = {"T0": 0, "T1": 4, "T2": 3, "T3": 2, "T4": 1, "T?": 2}
_OLD_AGE: Final = 75


def tier_of(
    verdict: Verdict, findings: tuple[Finding, ...], phase: str, age_years: int | None, *, hypertensive: bool = False
) -> str:
    """`T0` (not now) to `T4` (low), `T?` when the chart cannot be judged; high blood pressure as a diagnosis counts."""
    if verdict.held:
        return "T0"
    if verdict in (Verdict.INCOMPLETE, Verdict.INELIGIBLE):
        return "T?"
    tier = _judged(findings, phase, age_years)
    return "T3" if hypertensive and tier == "T4" else tier


def _judged(findings: tuple[Finding, ...], phase: str, age_years: int | None) -> str:
    fired = {finding.rule for finding in findings}
    if fired & _VERY_HIGH or any(_complex(finding) for finding in findings):
        return "T1"
    if fired & _HIGH or any(_needs_clinician(finding) for finding in findings):
        return "T2"
    if fired & _MODERATE or phase in _ON_TREATMENT or any(_precaution(finding) for finding in findings):
        return "T3"
    if "FUN-MISS" in fired and (age_years is None or age_years >= _OLD_AGE):
        return "T3"
    return "T4"


def _complex(finding: Finding) -> bool:
    """A clearance that needs a medically supervised place, or performance status 3."""
    return finding.min_supervision >= 4 or (finding.rule == "PS-01" and finding.effect is Effect.CLEAR)


def _needs_clinician(finding: Finding) -> bool:
    """Any clearance (a partial hold counts as one), or a place with a clinician; not a check before a session."""
    clearance = finding.effect >= Effect.CLEAR and finding.scope != "session"
    return clearance or finding.min_supervision >= 3 or _neuropathy_with_falls(finding)


def _neuropathy_with_falls(finding: Finding) -> bool:
    falls = ("vs.falls", "falls_12_months")
    return finding.rule == "NEU-05" and any(evidence.name in falls for evidence in finding.inputs)


def _precaution(finding: Finding) -> bool:
    """A single precaution: a rule about the patient, not about what is missing."""
    return not finding.missing and finding.effect in (Effect.MOD, Effect.SUP)


def supervision_of(tier: str, findings: Iterable[Finding]) -> int:
    """The least supervision that tier and findings ask for, 0 to 4.

    A chart that cannot be judged asks for what its findings would ask for if it could, and at least for that of T3: an
    answer that is missing lowers nothing. Source: conventions.md section 2, rules.md section 11.
    """
    found = tuple(findings)
    asked = max((finding.min_supervision for finding in found), default=0)
    if tier == "T?":
        return max(_SUPERVISION["T?"], _base(_judged(found, "", 0), found), asked)
    return max(_base(tier, found), asked)


def _base(tier: str, found: tuple[Finding, ...]) -> int:
    """What a tier asks for.

    A transplant alone asks for 3 although its tier is T1; a low tier with every PAR-Q+ question answered `no`
    asks for none. Source: conventions.md section 2, rules.md PQ-01.
    """
    fired = {finding.rule for finding in found}
    if tier == "T1" and not (fired & (_VERY_HIGH - {"HEM-17"}) or any(map(_complex, found))):
        return 3
    if tier == "T4" and "PQ-01" in fired:
        return 0
    return _SUPERVISION[tier]


def raised_by(estimate: Estimate | None, supervision: int) -> int:
    """Supervision after a risk estimate: one level up for a high band, at most to 3 on its word; never down."""
    if estimate is None or estimate.probability is None or estimate.band != "high":
        return supervision
    return max(supervision, min(supervision + 1, 3))
