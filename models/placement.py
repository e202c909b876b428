"""Whether a programme suits one patient, and which ones would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from models.decision import Proposal


class Fit(StrEnum):
    """How a programme compares with what the patient needs."""

    SUITS = "suits"  # the kind that was worked out, with enough supervision
    OTHER_KIND = "other-kind"  # enough supervision, another kind
    TOO_LITTLE = "too-little"  # less supervision than needed: never offered, however near or free
    UNKNOWN = "unknown"  # nobody has told us how much it gives


@dataclass(frozen=True, slots=True)
class Place:
    """One programme of a site, as far as the choice depends on it."""

    id: str
    name: str
    level: str  # "D1".."D5"
    supervision: int  # 0-4
    reference: str  # "Organization/12": whom an order names as its performer
    note: str = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """A choice of programme, judged."""

    place: Place | None  # the one chosen; None: not one of the site's
    fit: Fit
    better: tuple[Place, ...]  # what may be offered instead, best first
    waits: bool = False  # nothing may be sent anywhere yet


def fit_of(place: Place | None, proposal: Proposal) -> Fit:
    """How one programme fits. Source: pathway.md section 3: feasibility never lowers the supervision."""
    if place is None:
        return Fit.UNKNOWN
    if place.supervision < proposal.assessment.min_supervision:
        return Fit.TOO_LITTLE
    return Fit.SUITS if place.level == proposal.destination.level else Fit.OTHER_KIND


def offered(proposal: Proposal, places: Iterable[Place]) -> tuple[Place, ...]:
    """The programmes with enough supervision: those of the right kind first, then those with the least to spare."""
    enough = (place for place in places if place.supervision >= proposal.assessment.min_supervision)
    level = proposal.destination.level
    return tuple(sorted(enough, key=lambda place: (place.level != level, place.supervision, place.name)))


def placement_of(performer: str, places: Iterable[Place], proposal: Proposal, *, waits: bool = False) -> Placement:
    """The choice of `performer`, judged: of several programmes that one organisation has, by the one that fits best.

    While nothing may be sent, nothing is offered instead either.
    """
    known = tuple(places)
    theirs = [place for place in known if place.reference == performer]
    place = min(theirs, key=lambda one: list(Fit).index(fit_of(one, proposal)), default=None)
    fit = fit_of(place, proposal)
    held = waits or proposal.assessment.verdict.held
    others = () if held or fit is Fit.SUITS else offered(proposal, known)
    better = tuple(one for one in others if one.reference != performer)
    return Placement(place, fit, better, held)
