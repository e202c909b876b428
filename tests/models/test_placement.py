"""The choice of a programme: supervision is never traded for anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import Destination, Proposal, Verdict
from models.placement import Fit, Place, fit_of, offered, placement_of
from models.text import N_
from tests.cds_hooks.builders import a_proposal, an_assessment

LEVELS = ("D1", "D2", "D3", "D4", "D5")


def needing(supervision: int, level: str, verdict: Verdict = Verdict.REFER) -> Proposal:
    assessment = an_assessment(verdict, min_supervision=supervision)
    return a_proposal(verdict, assessment=assessment, destination=Destination(level, N_("a kind"), N_("a reason")))


def a_place(**changes: Any) -> Place:
    return replace(Place("p", "A programme", "D3", 2, "Organization/p"), **changes)


places = st.lists(
    st.builds(
        Place,
        id=st.uuids().map(str),
        name=st.text(max_size=5),
        level=st.sampled_from(LEVELS),
        supervision=st.integers(0, 4),
        reference=st.sampled_from(["Organization/a", "Organization/b", "Organization/c"]),
    )
)


@pytest.mark.parametrize(
    ("supervision", "level", "fit"),
    [
        (2, "D3", Fit.SUITS),
        (4, "D3", Fit.SUITS),
        (1, "D3", Fit.TOO_LITTLE),
        (1, "D1", Fit.TOO_LITTLE),
        (3, "D2", Fit.OTHER_KIND),
        (2, "D4", Fit.OTHER_KIND),
    ],
)
def test_supervision_comes_first_and_then_the_kind(supervision: int, level: str, fit: Fit) -> None:
    assert fit_of(a_place(supervision=supervision, level=level), needing(2, "D3")) is fit


def test_of_a_stranger_nothing_is_assumed() -> None:
    placement = placement_of("Organization/else", [a_place()], needing(0, "D5"))
    assert (placement.place, placement.fit) == (None, Fit.UNKNOWN)
    assert placement.better == (a_place(),)


@given(places, st.integers(0, 4), st.sampled_from(LEVELS))
def test_what_is_offered_always_gives_enough_and_the_right_kind_comes_first(
    some: list[Place], needed: int, level: str
) -> None:
    proposal = needing(needed, level)
    found = offered(proposal, some)
    assert all(place.supervision >= needed for place in found)
    assert len(found) == sum(place.supervision >= needed for place in some)
    kinds = [place.level == level for place in found]
    assert kinds == sorted(kinds, reverse=True)


@given(places, st.integers(0, 4), st.sampled_from(LEVELS), st.sampled_from(list(Verdict)), st.booleans())
def test_a_place_that_suits_is_not_improved_on_and_while_it_waits_nothing_is_offered(
    some: list[Place], needed: int, level: str, verdict: Verdict, waits: bool
) -> None:
    placement = placement_of("Organization/a", some, needing(needed, level, verdict), waits=waits)
    if placement.fit is Fit.SUITS:
        assert placement.place is not None
        assert placement.place.supervision >= needed
        assert placement.better == ()
    if waits or verdict.held:
        assert placement.waits
        assert placement.better == ()
    assert all(place.reference != "Organization/a" for place in placement.better)


def test_of_several_programmes_of_one_house_the_one_that_fits_counts() -> None:
    house = [
        a_place(id="home", level="D4", supervision=1),
        a_place(id="class"),
        a_place(id="clinic", level="D1", supervision=4),
    ]
    placement = placement_of("Organization/p", house, needing(2, "D3"))
    assert placement.place is not None
    assert placement.place.id == "class"
    assert placement_of("Organization/p", house[:1], needing(2, "D3")).fit is Fit.TOO_LITTLE
