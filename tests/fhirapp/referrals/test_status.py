"""The one table of states: complete, reachable, and closed where it must be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirapp.referrals.fhir_status import (
    CARE_PLAN,
    FHIR,
    FULFILMENT_TASK,
    GOAL_ACTIVITY,
    NAVIGATOR_TASK,
    SERVICE_REQUEST,
)
from fhirapp.referrals.status import (
    BEFORE_RELEASE,
    CLOSED,
    LABELS,
    NUMBER,
    OPEN,
    TRANSITIONS,
    Action,
    Role,
    State,
    actions_for,
    allowed,
)

REQUEST_STATUSES = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error"}
TASK_STATUSES = {"requested", "accepted", "rejected", "in-progress", "on-hold", "completed", "failed", "cancelled",
                 "entered-in-error"}  # fmt: skip
GOAL_STATUSES = {"proposed", "active", "on-hold", "completed", "cancelled", "entered-in-error"}


def test_every_state_has_its_number_of_the_pathway_and_a_word_for_people() -> None:
    assert [NUMBER[state] for state in State] == [*(f"S{n}" for n in range(23)), "SX"]
    assert set(LABELS) == set(State) == set(FHIR)


def test_every_state_can_be_reached_from_identified() -> None:
    seen, edge = {State.IDENTIFIED}, {State.IDENTIFIED}
    while edge:
        edge = {row.target for row in TRANSITIONS if row.source in edge} - seen
        seen |= edge
    assert seen == set(State)


def test_a_closed_state_leads_nowhere_but_to_entered_in_error() -> None:
    for state in CLOSED:
        assert {row.action for row in TRANSITIONS if row.source is state} <= {Action.MARK_ERROR}, state


@given(st.sampled_from(sorted(OPEN)))
def test_the_patient_can_say_no_in_every_open_state(state: State) -> None:
    assert Action.OPT_OUT in actions_for(state, Role.PATIENT)


@given(st.sampled_from(sorted(OPEN)))
def test_the_clinician_can_decline_in_every_open_state(state: State) -> None:
    assert allowed(Action.DECLINE, state, State.DECLINED, Role.CLINICIAN)


@given(st.lists(st.sampled_from(TRANSITIONS), max_size=40))
def test_no_path_leads_from_a_no_back_to_a_referral(rows: list[object]) -> None:
    state = State.IDENTIFIED
    said_no = False
    for row in rows:
        if row.source is not state:  # type: ignore[attr-defined]
            continue
        state = row.target  # type: ignore[attr-defined]
        said_no = said_no or state in (State.OPTED_OUT, State.DECLINED)
        assert not (said_no and state in OPEN)


def test_only_a_signature_releases() -> None:
    before = BEFORE_RELEASE | {State.IDENTIFIED}
    releasing = {row.action for row in TRANSITIONS if row.source in before and row.target in OPEN - BEFORE_RELEASE}
    assert releasing == {Action.SIGN, Action.SIGN_BY_STANDING_ORDER}


def test_a_navigator_can_neither_sign_nor_clear_a_hold() -> None:
    for state in BEFORE_RELEASE:
        assert actions_for(state, Role.NAVIGATOR) <= {Action.OPT_OUT, Action.DEPART, Action.MARK_ERROR}


@pytest.mark.parametrize("state", list(State))
def test_the_fhir_statuses_of_a_state_are_codes_of_the_profiles(state: State) -> None:
    row = FHIR[state]
    for kind, known in (
        (SERVICE_REQUEST, REQUEST_STATUSES),
        (CARE_PLAN, REQUEST_STATUSES),
        (NAVIGATOR_TASK, TASK_STATUSES),
        (FULFILMENT_TASK, TASK_STATUSES),
        (GOAL_ACTIVITY, GOAL_STATUSES),
    ):
        assert kind not in row or row[kind].status in known


@pytest.mark.parametrize("state", sorted(CLOSED - {State.COMPLETED, State.ERROR}))
def test_no_request_stays_active_in_a_closed_state(state: State) -> None:
    assert FHIR[state][SERVICE_REQUEST].status == "revoked"


def test_nothing_is_created_before_somebody_signed() -> None:
    for state in BEFORE_RELEASE | CLOSED | {State.IDENTIFIED}:
        assert not any(wanted.create for wanted in FHIR[state].values()), state
