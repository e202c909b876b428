"""What each state of a referral means in FHIR. Source: pathway.md section 5, standards.md 3.5 and 3.9."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from fhirapp.referrals.status import State
from models.text import N_, Text

S = State


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one resource should look like in one state."""

    status: str
    create: bool = False  # False: only if it exists already
    business_status: Text | None = None


SERVICE_REQUEST, NAVIGATOR_TASK, FULFILMENT_TASK = "service-request", "navigator-task", "fulfilment-task"
CARE_PLAN, GOAL_ACTIVITY, GOAL_STRENGTH = "care-plan", "goal-activity", "goal-strength"
GOALS: Final = (GOAL_ACTIVITY, GOAL_STRENGTH)
PRESCRIPTION_KINDS: Final = frozenset({CARE_PLAN, *GOALS})  # written only once a prescription is released


ENDED_TASK: Final = frozenset({"rejected", "completed", "failed", "cancelled", "entered-in-error"})


def programme_task(before: str, wanted: Wanted) -> Wanted | None:
    """What the Task of a programme that stands at `before` is brought to; `None`: it stays as it is.

    An ended one stays ended. One that nobody has accepted can neither fail nor wait: it is cancelled, and a new one is
    written when the programme is asked again, for no Task goes back to requested. Source: standards.md 3.9.
    """
    if before in ENDED_TASK and wanted.status != "entered-in-error":
        return None
    if before == "requested" and wanted.status in ("failed", "completed", "on-hold"):
        return Wanted("cancelled", business_status=wanted.business_status)
    if wanted.status == "requested" and before not in ("", "draft", "requested"):
        return None
    return wanted


def _wanted(sr: str, nt: str, ft: str, cp: str, goal: str, said: Text, *, create: str = "") -> Mapping[str, Wanted]:
    """One row of the FHIR table; `create` names by letter what must exist: s n f c."""
    rows = {
        SERVICE_REQUEST: Wanted(sr, "s" in create),
        NAVIGATOR_TASK: Wanted(nt, "n" in create, said),
        FULFILMENT_TASK: Wanted(ft, "f" in create, said),
        CARE_PLAN: Wanted(cp, "c" in create),
        GOAL_ACTIVITY: Wanted(goal, "c" in create),
        GOAL_STRENGTH: Wanted(goal, "c" in create),
    }
    return {kind: wanted for kind, wanted in rows.items() if wanted.status}


_ended = ("revoked", "cancelled", "cancelled", "revoked", "cancelled")

FHIR: Final[Mapping[State, Mapping[str, Wanted]]] = {
    S.IDENTIFIED: {},
    S.INELIGIBLE: _wanted(*_ended, N_("Not eligible")),
    S.INCOMPLETE: _wanted("", "requested", "", "", "", N_("Collect data")),
    S.HELD: _wanted("on-hold", "on-hold", "on-hold", "on-hold", "on-hold", N_("Held for safety")),
    S.CLEARANCE_PENDING: _wanted("draft", "requested", "", "draft", "proposed", N_("Waiting for clearance")),
    S.PROPOSED: _wanted("draft", "", "", "draft", "proposed", N_("Proposed")),
    S.OPT_OUT_OPEN: _wanted(
        "active", "requested", "", "draft", "proposed", N_("Patient may still opt out"), create="snc"
    ),
    S.DECLINED: _wanted(*_ended, N_("Declined by the clinician")),
    S.OPTED_OUT: _wanted(*_ended, N_("Patient opted out")),
    S.QUEUED: _wanted("active", "requested", "", "draft", "proposed", N_("Waiting for a navigator"), create="snc"),
    S.CONTACTING: _wanted("active", "in-progress", "", "draft", "proposed", N_("Contacting the patient"), create="snc"),
    S.UNREACHABLE: _wanted("active", "failed", "cancelled", "revoked", "cancelled", N_("Patient not reached")),
    S.OFFERED: _wanted(
        "active", "in-progress", "requested", "draft", "proposed", N_("Offered to a programme"), create="snfc"
    ),
    S.BOOKED: _wanted("active", "in-progress", "accepted", "draft", "proposed", N_("Booked"), create="snfc"),
    S.REJECTED: _wanted(
        "active", "in-progress", "rejected", "draft", "proposed", N_("Programme said no"), create="snc"
    ),
    S.WAITLISTED: _wanted(
        "active", "in-progress", "requested", "draft", "proposed", N_("On the waiting list"), create="snfc"
    ),
    S.BASELINE_DONE: _wanted(
        "active", "in-progress", "in-progress", "draft", "proposed", N_("Baseline done"), create="snfc"
    ),
    S.ENROLLED: _wanted("active", "completed", "in-progress", "active", "active", N_("Exercising"), create="snfc"),
    S.PAUSED: _wanted("on-hold", "in-progress", "on-hold", "on-hold", "on-hold", N_("Paused")),
    # The request is for exercise, not for one programme: another one is asked under the same (decision 0041).
    S.TRANSFERRED: _wanted("active", "in-progress", "completed", "on-hold", "on-hold", N_("Transferred")),
    S.COMPLETED: _wanted("completed", "completed", "completed", "completed", "completed", N_("Completed")),
    S.DISCONTINUED: _wanted("revoked", "failed", "failed", "revoked", "cancelled", N_("Stopped early")),
    S.DEPARTED: _wanted(*_ended, N_("Left the service")),
    S.ERROR: _wanted(*("entered-in-error",) * 5, N_("Entered in error")),
}

_UNTIL_SIGNED: Final[Mapping[State, Text]] = {
    S.INCOMPLETE: N_("Collect data"),
    S.CLEARANCE_PENDING: N_("Waiting for clearance"),
    S.PROPOSED: N_("Waiting for a signature"),
}


def fhir_of(state: State, resumes: State | None = None) -> Mapping[str, Wanted]:
    """What each resource should look like; `resumes`: the state of a released referral that a hold has interrupted.

    Such a referral waits for a clinician with everything on hold, whatever it waits for: a request that has been active
    does not become a draft again (decision 0001).
    """
    if resumes is None or state not in _UNTIL_SIGNED:
        return FHIR[state]
    words = _UNTIL_SIGNED[state]
    return {
        kind: replace(wanted, business_status=words) if wanted.business_status else wanted
        for kind, wanted in FHIR[S.HELD].items()
    }
