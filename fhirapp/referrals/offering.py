"""Whether a new offer may be opened, and why none is."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fhirapp.db.direct import Link
from fhirapp.referrals.reasons import changed_phase, due_early
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.standing import Standing, phase_then
from fhirapp.referrals.status import BEFORE_RELEASE, State
from models.decision import Assessment, Decision, NoProposal, Proposal
from models.occasions import occasions_since

_QUIET: Final = frozenset(State) - BEFORE_RELEASE


def may_reoffer(closed: Referral | None, now: datetime, seen: Assessment | None = None) -> bool:
    """Whether a new offer may be opened: there was none, its day has come, or something has happened since the no.

    Without an assessment nothing is known to have happened.
    """
    return closed is None or _may_reoffer(closed, str(closed.summary.get("phase") or ""), seen, now)


def _may_reoffer(closed: Referral | Standing, phase_before: str, seen: Assessment | None, now: datetime) -> bool:
    if closed.status is State.INELIGIBLE or (closed.reoffer_at is not None and now >= closed.reoffer_at):
        return True
    if seen is None:
        return False
    happened = occasions_since(seen.snapshot, closed.state_since) | changed_phase(phase_before, seen.phase)
    return due_early(closed.reason_code, closed.state_since, happened, now, closed.no_offer_before)


def quiet_reason(referral: Referral | None, decision: Decision) -> str:
    """Why no card is shown, after all was looked at; empty where one is."""
    if isinstance(decision, NoProposal):
        return "not eligible"
    if referral is None:
        return "said no before"
    if referral.status in _QUIET:
        return f"already {referral.state}"
    assert isinstance(decision, Proposal)  # noqa: S101 - for the type checker
    return ""


def nothing_to_open(link: Link, tenant_id: str, found: Standing | None, decision: Decision, now: datetime) -> str:
    """Why there is neither a referral nor a reason to open one; empty when there is."""
    if found is not None and found.is_open:
        return ""
    if isinstance(decision, NoProposal):
        return "not eligible"
    if found is None or _may_reoffer(found, phase_then(link, tenant_id, found.id), decision.assessment, now):
        return ""
    return "said no before"
