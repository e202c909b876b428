"""From an assessment to what we would refer for, or to why there is nothing to propose."""

from __future__ import annotations

from models.assessment import Estimators, assess
from models.decision import Assessment, Decision, NoProposal, Proposal, SitePolicy, Verdict
from models.prescription import prescribe
from models.programme import destination_of
from models.safety.view import View
from models.snapshot import PatientSnapshot


def propose(assessment: Assessment, policy: SitePolicy | None = None, seen: View | None = None) -> Decision:
    """The proposal of an eligible patient, a held or incomplete one too; `NoProposal` of an ineligible one.

    A dose is worked out unless everything is held or eligibility is unknown; whether it may leave the house is
    `assessment.release`. `seen` is the view that the assessment was made of, if it is at hand.
    """
    if assessment.verdict is Verdict.INELIGIBLE:
        return NoProposal(assessment, assessment.eligibility.reason)
    dosed = not assessment.verdict.held and assessment.eligibility.eligible is True
    return Proposal(assessment, destination_of(assessment), prescribe(assessment, seen) if dosed else None)


def decide(
    snapshot: PatientSnapshot, estimators: Estimators | None = None, policy: SitePolicy | None = None
) -> Decision:
    """The whole road of the decision room: assess, then propose."""
    view = View(snapshot)
    return propose(assess(snapshot, estimators, policy, seen=view), policy, view)
