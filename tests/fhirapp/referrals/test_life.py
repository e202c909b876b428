"""Random lives of referrals: what each path leaves in FHIR, and which edges a programme's Task may take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirapp.referrals.actions import resumed_at
from fhirapp.referrals.errors import HoldOpen, TransitionNotAllowed
from fhirapp.referrals.fhir_status import (
    CARE_PLAN,
    FHIR,
    FULFILMENT_TASK,
    GOAL_ACTIVITY,
    NAVIGATOR_TASK,
    SERVICE_REQUEST,
    Wanted,
    fhir_of,
    programme_task,
)
from fhirapp.referrals.reasons import (
    GONE,
    ONLY_THE_PATIENT,
    REASONS,
    REST,
    changed_phase,
    due_early,
    no_offer_before,
    reoffer_at,
)
from fhirapp.referrals.referral import FRESH, Actor, Referral, versions_of
from fhirapp.referrals.status import (
    BEFORE_RELEASE,
    CLOSED,
    OPEN,
    RELEASED,
    TRANSITIONS,
    Action,
    Role,
    State,
    Transition,
)

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
GO: dict[str, Any] = {"findings": [], "release": {"waiting_for": []}, "rules_version": "7"}

# Source: standards.md 3.9. The Care Manager makes Tasks, releases them as requested, cancels and marks errors.
CARE_MANAGER = {
    ("", "requested"), ("requested", "cancelled"), ("accepted", "cancelled"), ("in-progress", "cancelled"),
    ("on-hold", "cancelled"),
}  # fmt: skip
PROVIDER = {
    ("requested", "accepted"), ("requested", "rejected"), ("accepted", "in-progress"), ("accepted", "completed"),
    ("accepted", "failed"), ("in-progress", "completed"), ("in-progress", "failed"), ("in-progress", "on-hold"),
    ("on-hold", "in-progress"), ("on-hold", "failed"),
}  # fmt: skip
# Where pathway.md section 5 asks for more than the guide draws: a hold stops what the programme has agreed to.
A_HOLD = {("accepted", "on-hold"), ("on-hold", "accepted")}


def a_referral(**more: Any) -> Referral:
    values: dict[str, Any] = {
        "id": uuid4(), "tenant_id": "ward", "patient_id": "p1", "ordinal": 1, "state": "identified", "is_open": True,
        "version": 0, "opened_at": NOW, "state_since": NOW, "assessed_at": NOW, "verdict": "go", "tier": "T4",
        "destination": "D4", "summary": GO, "prescription_released": True, "cleared_rules": [], "offers": 0,
    }  # fmt: skip
    return Referral(**(values | more))


Life = tuple[State, list[Transition]]


@st.composite
def lives(draw: st.DrawFn, length: int = 30) -> Life:
    """Paths through the table, from the beginning on or from where a navigator has the patient."""
    start = draw(st.sampled_from([State.IDENTIFIED, State.CONTACTING]))
    state, taken = start, []
    for _ in range(draw(st.integers(1, length))):
        rows = [row for row in TRANSITIONS if row.source is state]
        goes_on = [row for row in rows if row.target in OPEN - {State.HELD, state}]
        if not rows:
            break
        taken.append(draw(st.sampled_from(goes_on if goes_on and draw(st.integers(0, 9)) else rows)))
        state = taken[-1].target
    return start, taken


def walked(life: Life) -> Iterator[tuple[Transition, Referral]]:
    """The referral after each move of a life that the guards let pass."""
    start, path = life
    referral = a_referral(state=start.value)
    for row in path:
        if referral.status is not row.source or (row.action is Action.SIGN and row.target is not resumed_at(referral)):
            return
        try:
            referral.move(row.action, row.target, actor=Actor("ward", min(row.roles)), at=NOW)
        except HoldOpen:
            return
        if row.target in (State.OFFERED, State.WAITLISTED) and row.action in (Action.OFFER, Action.SIGN):
            referral.offers += 1
        yield row, referral


@given(lives())
@settings(max_examples=300)
def test_a_referral_is_open_exactly_while_its_state_is(life: Life) -> None:
    version = 0
    for _, referral in walked(life):
        assert referral.is_open == (referral.status in OPEN)
        assert referral.version > version
        version = referral.version


@given(lives())
@settings(max_examples=300)
def test_what_is_active_in_fhir_is_so_only_after_a_signature_and_never_after_the_end(life: Life) -> None:
    signed = life[0] is not State.IDENTIFIED
    for row, referral in walked(life):
        signed = signed or row.action in (Action.SIGN, Action.SIGN_BY_STANDING_ORDER)
        row_of = fhir_of(referral.status, referral.resumes)
        statuses = {kind: wanted.status for kind, wanted in row_of.items()}
        if "active" in statuses.values():
            assert signed
            assert referral.status in OPEN
        if not referral.is_open and referral.status is not State.COMPLETED:
            assert {statuses[kind] for kind in (SERVICE_REQUEST, CARE_PLAN)} <= {"revoked", "entered-in-error"}
            assert statuses[GOAL_ACTIVITY] in ("cancelled", "entered-in-error")
            assert statuses[NAVIGATOR_TASK] in ("cancelled", "failed", "entered-in-error")
        if any(wanted.create for wanted in row_of.values()):
            assert signed, "nothing is created before somebody has signed"


REQUEST_EDGES = {
    ("", "draft"), ("", "active"), ("draft", "active"), ("active", "on-hold"), ("on-hold", "active"),
    ("active", "completed"), ("on-hold", "completed"), ("draft", "revoked"), ("active", "revoked"),
    ("on-hold", "revoked"),
}  # fmt: skip


@given(lives())
@settings(max_examples=500)
def test_a_request_that_was_active_never_becomes_a_draft_again(life: Life) -> None:
    """Pathway S3 to S5: what a hold has interrupted stays on hold until a clinician signs (decision 0001)."""
    now = "active" if life[0] is State.CONTACTING else ""
    for _, referral in walked(life):
        wanted = fhir_of(referral.status, referral.resumes).get(SERVICE_REQUEST)
        if wanted is None or (not now and not wanted.create) or wanted.status == now:
            continue
        assert wanted.status == "entered-in-error" or (now, wanted.status) in REQUEST_EDGES, referral.state
        now = wanted.status


@pytest.mark.parametrize("state", ["incomplete", "clearance_pending", "proposed"])
def test_what_waits_for_a_signature_after_a_hold_is_on_hold_throughout(state: str) -> None:
    row = fhir_of(State(state), State.ENROLLED)
    assert {wanted.status for wanted in row.values()} == {"on-hold"}
    assert row[NAVIGATOR_TASK].business_status != FHIR[State.HELD][NAVIGATOR_TASK].business_status
    assert not any(wanted.create for wanted in row.values())
    assert fhir_of(State(state)) == FHIR[State(state)], "one that was never released is the draft that it is"


@given(lives())
@settings(max_examples=500)
def test_each_programmes_task_takes_only_edges_of_the_guide(life: Life) -> None:
    tasks: dict[int, str] = {}
    for row, referral in walked(life):
        wanted, number = fhir_of(referral.status, referral.resumes).get(FULFILMENT_TASK), referral.offers
        if wanted is None or not number or (number not in tasks and not wanted.create):
            continue
        before = tasks.get(number, "")
        brought = programme_task(before, Wanted("requested") if number not in tasks else wanted)
        if brought is None:
            continue
        tasks[number] = brought.status
        theirs = row.action is Action.COMPLETE  # a report of the programme, which has written it itself
        if before != brought.status and brought.status != "entered-in-error" and not theirs:
            assert (before, brought.status) in CARE_MANAGER | PROVIDER | A_HOLD, (
                before,
                brought.status,
                referral.state,
            )


@pytest.mark.parametrize(
    "wanted", sorted({row[FULFILMENT_TASK].status for row in FHIR.values() if FULFILMENT_TASK in row})
)
@pytest.mark.parametrize("before", ["rejected", "completed", "failed", "cancelled"])
def test_an_ended_task_is_left_alone(before: str, wanted: str) -> None:
    assert wanted == "entered-in-error" or programme_task(before, Wanted(wanted)) is None


@given(lives())
@settings(max_examples=300)
def test_a_no_is_the_end(life: Life) -> None:
    said_no = False
    for row, referral in walked(life):
        assert not (said_no and referral.is_open)
        said_no = said_no or row.target in (State.DECLINED, State.OPTED_OUT, State.DEPARTED)


@pytest.mark.parametrize("target", [State.OPT_OUT_OPEN, State.QUEUED, State.OFFERED, State.ENROLLED])
@pytest.mark.parametrize("held", [{"verdict": "hold"}, {"verdict": "hold-emergency"}, {"held_by": "service-request"}])
def test_nothing_goes_on_while_a_hold_is_open(target: State, held: dict[str, Any]) -> None:
    for row in TRANSITIONS:
        if row.target is target and row.source is not target:
            referral = a_referral(state=row.source.value, **held)
            with pytest.raises(HoldOpen):
                referral.move(row.action, target, actor=Actor("ward", sorted(row.roles)[0]), at=NOW)


@pytest.mark.parametrize("target", [State.OFFERED, State.ENROLLED])
@pytest.mark.parametrize(
    ("word", "old", "may"),
    [("fresh", timedelta(0), True), ("at the edge", FRESH, True), ("stale", FRESH + timedelta(seconds=1), False)],
)
def test_no_programme_begins_on_an_assessment_older_than_two_weeks(
    target: State, word: str, old: timedelta, may: bool
) -> None:
    source = State.CONTACTING if target is State.OFFERED else State.BASELINE_DONE
    action = Action.OFFER if target is State.OFFERED else Action.ENROL
    role = Role.NAVIGATOR if target is State.OFFERED else Role.PROGRAMME
    referral = a_referral(state=source.value, assessed_at=NOW - old)
    if may:
        referral.move(action, target, actor=Actor("ward", role), at=NOW)
    else:
        with pytest.raises(HoldOpen, match="answers"):
            referral.move(action, target, actor=Actor("ward", role), at=NOW)


def test_every_role_does_only_what_the_pathway_lets_it_do() -> None:
    """Source: pathway.md section 7."""
    by_role = {role: {row.action for row in TRANSITIONS if role in row.roles} for role in Role}
    assert by_role[Role.PATIENT] <= {Action.OPT_OUT, Action.ENTER_QUEUE, Action.PAUSE}
    assert not by_role[Role.NAVIGATOR] & {Action.SIGN, Action.ASSESS, Action.BASELINE, Action.ENROL, Action.COMPLETE}
    assert not by_role[Role.PROGRAMME] & {Action.SIGN, Action.ASSESS, Action.OFFER, Action.DECLINE, Action.OPT_OUT}
    assert not by_role[Role.SERVICE] & {Action.SIGN, Action.DECLINE, Action.OPT_OUT, Action.OFFER, Action.ENROL}
    assert not by_role[Role.CLINICIAN] & {Action.ASSESS, Action.CLAIM, Action.ENROL}


def test_a_role_that_may_not_is_refused() -> None:
    with pytest.raises(TransitionNotAllowed):
        a_referral(state="proposed").move(Action.SIGN, State.OPT_OUT_OPEN, actor=Actor("ward", Role.NAVIGATOR), at=NOW)


# Source: pathway.md section 5, column "Next states". Where the table of the code goes further, it is said why.
NEXT = {
    "incomplete": {"held", "clearance_pending", "proposed", "opted_out"},
    "held": {"proposed", "incomplete", "declined"},
    "clearance_pending": {"proposed", "declined"},
    "proposed": {"opt_out_open", "declined"},
    "opt_out_open": {"opted_out", "queued"},
    "queued": {"contacting"},
    "contacting": {"unreachable", "offered", "opted_out"},
    "unreachable": {"contacting"},
    "offered": {"booked", "rejected", "waitlisted"},
    "booked": {"baseline_done", "contacting"},
    "rejected": {"offered"},
    "waitlisted": {"booked", "offered"},
    "baseline_done": {"enrolled", "opted_out", "held"},
    "enrolled": {"paused", "transferred", "completed", "discontinued", "held"},
    "paused": {"enrolled", "discontinued"},
    "transferred": {"offered"},
}


@pytest.mark.parametrize("state", sorted(NEXT))
def test_every_next_state_of_the_pathway_can_be_reached(state: str) -> None:
    assert NEXT[state] <= {row.target.value for row in TRANSITIONS if row.source.value == state}


@pytest.mark.parametrize("state", sorted(BEFORE_RELEASE | RELEASED))
def test_every_open_state_can_end_by_a_death_a_no_and_an_error(state: State) -> None:
    ends = {row.target for row in TRANSITIONS if row.source is state}
    assert ends >= {State.DEPARTED, State.OPTED_OUT, State.DECLINED, State.ERROR}
    assert ends - OPEN <= CLOSED


# ---------------------------------------------------------------- asking again (pathway.md section 4)


@given(st.sampled_from(sorted(REASONS)), st.lists(st.integers(0, 720), max_size=6))
def test_nobody_is_asked_again_before_the_day_nor_more_often_than_the_table_allows(code: str, days: list[int]) -> None:
    reason, before = REASONS[code], [NOW - timedelta(days=day) for day in days]
    again = reoffer_at(code, NOW, before)
    if reason.reoffer_days is None:
        assert again is None
        return
    if again is None:
        assert reason.most is not None
        assert reason.within is None
        assert len(before) + 1 > reason.most
        return
    assert again >= NOW + timedelta(days=reason.reoffer_days)
    if reason.most is not None and reason.within is not None:
        counted = [end for end in (*before, NOW) if end > again - reason.within]
        assert len(counted) <= reason.most


@pytest.mark.parametrize(
    ("word", "code", "before", "after", "days", "due"),
    [
        ("a new phase makes it due", "OO-NOTINT", "P3", "P5", 20, True),
        ("not at once", "OO-NOTINT", "P3", "P5", REST.days - 1, False),
        ("the same phase does not", "OO-NOTINT", "P3", "P3", 60, False),
        ("never after do not contact", "OO-NEVER", "P3", "P5", 400, False),
        ("nor after privacy", "OO-PRIV", "P3", "P5", 400, False),
        ("nor after a death", "OO-DIED", "P3", "P5", 400, False),
        ("an unknown phase is no new one", "CL-OTHER", "", "P5", 60, False),
        ("a clinician's no is reviewed in the next phase", "CL-CONTRA", "P3", "P6", 30, True),
    ],
)
def test_a_new_phase_of_treatment_may_override_the_wait(
    word: str, code: str, before: str, after: str, days: int, due: bool
) -> None:
    assert due_early(code, NOW - timedelta(days=days), changed_phase(before, after), NOW) is due


HAPPENS = ("phase", "diagnosis", "discharge", "fatigue", "better")


@pytest.mark.parametrize(
    ("codes", "early"),
    [
        ("OO-NOTINT OO-ACTIVE OO-FEAR OO-TIME OO-TRANSP OO-COST OO-DIGI OO-LANG OO-OTHERCARE PG-ENDED",
         {"phase", "diagnosis", "discharge", "fatigue"}),
        ("OO-UNWELL", {"phase", "diagnosis", "discharge", "fatigue", "better"}),
        ("CL-CONTRA CL-PALL CL-CHOICE CL-OTHER", {"phase", "diagnosis"}),
        ("OO-PRIV OO-NEVER OO-MOVED OO-DIED OO-LOST", set()),
    ],
)  # fmt: skip
def test_each_trigger_of_the_pathway_overrides_the_timer_of_these_reasons_and_no_others(
    codes: str, early: set[str]
) -> None:
    """Pathway section 4, "Re-offer triggers overriding the timer (not for OO-NEVER/OO-PRIV)"."""
    closed = NOW - timedelta(days=20)
    for code in codes.split():
        assert {what for what in HAPPENS if due_early(code, closed, {what}, NOW)} == early, code
        assert not due_early(code, NOW - REST + timedelta(hours=1), set(HAPPENS), NOW), "a no stands for two weeks"


def test_every_reason_is_in_that_table() -> None:
    assert len(REASONS) == 20


@pytest.mark.parametrize(
    ("code", "ends", "until"),
    [
        ("OO-FEAR", 2, None), ("OO-FEAR", 3, "for good"), ("OO-UNWELL", 3, None), ("OO-UNWELL", 4, "for good"),
        ("OO-NOTINT", 2, None), ("OO-NOTINT", 3, "a year"), ("OO-LOST", 1, None), ("OO-LOST", 2, "for good"),
        ("OO-OTHERCARE", 9, None),
    ],
)  # fmt: skip
def test_nothing_that_happens_makes_more_offers_than_the_table_allows(code: str, ends: int, until: str | None) -> None:
    """Pathway section 4, column Max: `ends` noes with this reason, a month between them, the last 20 days ago."""
    days = [20 + 30 * number for number in range(ends)][::-1]
    moments = [NOW - timedelta(days=day) for day in days]
    limit = no_offer_before(code, moments[-1], moments[:-1])
    assert (limit is None) is (until is None)
    if code != "OO-LOST":
        assert due_early(code, moments[-1], {"phase"}, NOW, limit) is (until is None)
    if until == "a year":
        assert limit == moments[0] + timedelta(days=365)
        assert due_early(code, moments[-1], {"phase"}, limit, limit)
    if until == "for good":
        assert not due_early(code, moments[-1], {"phase"}, NOW + timedelta(days=3650), limit)


@pytest.mark.parametrize(
    ("phase", "days"),
    [("P1", None), ("P2", None), ("P3", None), ("P5", None), ("P4", 90), ("P6", 90), ("P7", 90), ("N1", 90)],
)
def test_a_clinicians_no_is_reviewed_in_the_next_phase_and_after_90_days_where_none_will_come(
    phase: str, days: int | None
) -> None:
    """Pathway section 4, row CL-*: reviewed at next phase."""
    again = reoffer_at("CL-OTHER", NOW, (), phase)
    assert again == (None if days is None else NOW + timedelta(days=days))


def test_who_was_not_reached_is_offered_again_once_when_they_are_next_seen() -> None:
    """Pathway section 4, row OO-LOST."""
    assert reoffer_at("OO-LOST", NOW) == NOW
    assert reoffer_at("OO-LOST", NOW, [NOW - timedelta(days=400)]) is None


def test_a_way_round_is_known_for_each_reason_that_something_can_be_done_about() -> None:
    """Pathway section 4, rows "at once", and the call of a physiotherapist."""
    ways = {code for code, reason in REASONS.items() if reason.way is not None}
    assert ways == {"OO-TRANSP", "OO-COST", "OO-DIGI", "OO-LANG", "OO-FEAR"}


def test_the_reasons_that_end_for_good_are_those_of_the_pathway() -> None:
    assert {"OO-NEVER", "OO-PRIV"} == ONLY_THE_PATIENT
    assert {"OO-DIED", "OO-MOVED"} == GONE
    assert all(REASONS[code].reoffer_days is None for code in ONLY_THE_PATIENT | GONE)


def test_a_line_of_history_knows_the_versions_behind_it() -> None:
    summary = {"rules_version": "7", "estimates": {"risk": {"version": "risk-3"}, "adherence": None}}
    assert versions_of(summary) == {"rules_version": "7", "models": {"risk": "risk-3"}}
    assert versions_of({}) == {"rules_version": "", "models": {}}
