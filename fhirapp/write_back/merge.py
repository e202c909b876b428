"""Who is right when somebody else has changed a status that we are about to change: the rules, and where they end.

Safety first: a stop of ours always goes through, and nothing that was ended in the EHR is set going again by us.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

VOID: Final = "entered-in-error"
ENDED: Final[Mapping[str, frozenset[str]]] = {
    "ServiceRequest": frozenset({"revoked", "completed", VOID}),
    "CarePlan": frozenset({"revoked", "completed", VOID}),
    "Goal": frozenset({"completed", "cancelled", "rejected", VOID}),
    "Task": frozenset({"rejected", "completed", "failed", "cancelled", VOID}),
    "RiskAssessment": frozenset({"cancelled", VOID}),
    "DetectedIssue": frozenset({"amended", "corrected", "cancelled", VOID}),
    "Flag": frozenset({"inactive", VOID}),
    "Communication": frozenset({"completed", "not-done", "stopped", VOID}),
}
_PROGRESS: Final = ("draft", "requested", "received", "accepted", "ready", "in-progress", "completed")  # of a Task


class Verdict(Enum):
    """What to do with a status that differs."""

    WRITE = auto()  # ours
    LEAVE = auto()  # theirs serves as well
    ASK = auto()  # a person decides


def verdict_on(resource_type: str, base: str, theirs: str, ours: str) -> Verdict:
    """`base` is what we last knew to be there, "" when the EHR made the resource itself."""
    ended = ENDED[resource_type]
    if theirs in (base, ours) or ours == VOID:
        return Verdict.WRITE
    if theirs in ended:
        return Verdict.LEAVE if ours in ended else Verdict.ASK
    if ours in ended or ours == "on-hold":
        return Verdict.WRITE
    if theirs == "on-hold":
        return Verdict.ASK
    if resource_type == "Task" and _further(theirs, ours):
        return Verdict.LEAVE
    return Verdict.WRITE


def _further(theirs: str, ours: str) -> bool:
    """A programme that has moved on is not called back by what we knew before."""
    if theirs not in _PROGRESS or ours not in _PROGRESS:
        return False
    return _PROGRESS.index(theirs) > _PROGRESS.index(ours)
