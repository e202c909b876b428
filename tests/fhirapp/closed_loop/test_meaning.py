"""The table of what a change in the record system means: it asks for nothing that the table of states forbids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirapp.closed_loop.meaning import ENDED, MEANINGS, QUESTIONS, Meaning, family_of, meaning_of
from fhirapp.referrals.fhir_status import CARE_PLAN, FHIR, FULFILMENT_TASK, NAVIGATOR_TASK, SERVICE_REQUEST
from fhirapp.referrals.reasons import REASONS
from fhirapp.referrals.status import CLOSED, OPEN, RELEASED, Action, Role, State, allowed

MOVES = [row for row in MEANINGS if row.effect == "move"]


def name_of(row: Meaning) -> str:
    return f"{row.kind}-{row.status}-{len(row.states)}"


def first_for(row: Meaning) -> list[State]:
    """The states in which this row is the one that is found."""
    return [state for state in sorted(row.states) if meaning_of(row.kind, row.status, state) is row]


@pytest.mark.parametrize("row", MOVES, ids=name_of)
def test_every_move_is_one_that_the_table_of_states_allows(row: Meaning) -> None:
    for start in first_for(row):
        state = start
        for action, target in row.steps:
            assert allowed(action, state, target, row.role), (start, action, target)
            state = target


@pytest.mark.parametrize("row", MEANINGS, ids=name_of)
def test_every_row_can_be_found(row: Meaning) -> None:
    assert first_for(row), "a row above it takes all its states"


@pytest.mark.parametrize("row", MEANINGS, ids=name_of)
def test_every_question_and_reason_has_its_words(row: Meaning) -> None:
    assert row.question == "" or row.question in QUESTIONS
    assert row.code == "" or row.code in REASONS
    assert row.effect != "ask" or row.question


@given(st.sampled_from(sorted(OPEN)), st.sampled_from(["revoked", "entered-in-error"]))
def test_the_clinicians_no_counts_in_every_open_state(state: State, status: str) -> None:
    row = meaning_of(SERVICE_REQUEST, status, state)
    assert row is not None
    assert row.steps[-1][1] in (State.DECLINED, State.ERROR)


@given(st.sampled_from(sorted(CLOSED)), st.sampled_from(MEANINGS))
def test_nothing_in_the_ehr_opens_a_referral_again(state: State, row: Meaning) -> None:
    found = meaning_of(row.kind, row.status, state)
    assert found is None or found.effect in ("ask", "keep") or found.steps == ((Action.MARK_ERROR, State.ERROR),)


@pytest.mark.parametrize("row", [row for row in MEANINGS if row.role is not Role.CLINICIAN], ids=name_of)
def test_no_status_of_a_programme_or_a_desk_releases_or_lifts_a_hold(row: Meaning) -> None:
    assert row.effect in ("move", "ask", "keep")
    if meaning_of(row.kind, row.status, State.HELD) is row:
        assert all(target not in RELEASED for _, target in row.steps)


@pytest.mark.parametrize("row", MOVES, ids=name_of)
def test_after_a_move_the_ehr_agrees_or_has_ended_so_that_it_is_heard_once(row: Meaning) -> None:
    wanted = FHIR[row.steps[-1][1]].get(row.kind)
    agrees = wanted is not None and wanted.status == row.status
    assert agrees or row.status in ENDED[row.kind] or row.kind in (CARE_PLAN, NAVIGATOR_TASK)


def test_a_death_or_a_merge_is_not_read_from_a_status() -> None:
    assert {row.kind for row in MEANINGS} == {SERVICE_REQUEST, CARE_PLAN, FULFILMENT_TASK, NAVIGATOR_TASK}


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("fulfilment-task-2", "fulfilment-task"),
        ("goal-activity", "goal"),
        ("service-request", "service-request"),
        ("navigator-task", "navigator-task"),
    ],
)
def test_a_kind_belongs_to_its_family(kind: str, family: str) -> None:
    assert family_of(kind) == family
