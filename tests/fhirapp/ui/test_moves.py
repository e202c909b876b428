"""Whatever the table of states lets a person do, some page offers to the role that may do it, or it is said why not."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from fhirapp.referrals.navigating import TARGETS
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.status import (
    BEFORE_RELEASE,
    CLOSED,
    OPEN,
    RELEASED,
    TRANSITIONS,
    Action,
    Role,
    State,
    actions_for,
    allowed,
)
from fhirapp.ui.moves import MOVES, PLACES, chosen, moves_for
from tests.fhirapp.ui.conftest import DOCTOR, NAVIGATOR, Browser, answers, audited
from tests.fhirapp.ui.forms import Form, forms_of
from tests.world import CLINICIAN_WINDOW, PATIENT_WINDOW, World

PATIENTS = ("ada-refer", "mia-survivor", "oli-neuropathy", "gus-killed", "bea-override", "jo-accepts", "hana-parallel")


@pytest.fixture(scope="module", autouse=True)
def _queued(world: World) -> None:
    for patient in PATIENTS:
        world.opened(patient)
    world.pass_time(CLINICIAN_WINDOW)
    world.pass_time(PATIENT_WINDOW)


# ------------------------------------------------------------ the table


def test_every_move_of_a_person_has_a_place_and_every_place_a_move() -> None:
    moves = {(role, row.action) for row in TRANSITIONS for role in row.roles if role is not Role.SERVICE}
    assert set(PLACES) == moves
    assert all(place.why for place in PLACES.values() if place.page == "elsewhere")


def test_every_plain_button_leads_where_the_table_says() -> None:
    assert set(MOVES) == set(TARGETS)
    for role in Role:
        for state in State:
            for move in moves_for(state, role) if role is not Role.SERVICE else ():
                assert allowed(move.action, state, TARGETS[move.action], role)
                assert move.action in actions_for(state, role)


def test_a_form_that_is_no_button_of_the_page_does_nothing() -> None:
    assert chosen(Role.NAVIGATOR, State.ENROLLED, "complete", "", sure=True) is None
    assert chosen(Role.PROGRAMME, State.BOOKED, "enrol", "", sure=True) is None
    assert chosen(Role.PROGRAMME, State.BOOKED, "baseline", "", sure=False) is None, "no consent was ticked"
    assert chosen(Role.NAVIGATOR, State.ENROLLED, "pause", "nonsense", sure=True) is None


# ------------------------------------------------------------ the pages


def put(world: World, patient: str, state: State) -> Referral:
    """Set a referral into a state, as if it had come there."""
    referral = world.referral(patient)
    with world.stride.sessions.begin() as session:
        session.execute(
            sa.update(Referral)
            .where(Referral.tenant_id == referral.tenant_id, Referral.id == referral.id)
            .values(
                state=state.value, is_open=state in OPEN, programme="cardiac-clinic", signed_at=referral.opened_at,
                held_from="enrolled" if state in BEFORE_RELEASE else None, reason_code=None, offers=1,
            )
        )  # fmt: skip
    return world.referral(patient)


def offers(forms: list[Form], role: Role, action: Action) -> bool:
    """Whether one of the forms does this."""
    place = PLACES[role, action]
    for form in forms:
        if not form.action.endswith(place.form):
            continue
        if place.form == "/move":
            by = "clinician" if role is Role.CLINICIAN else role.value
            if (form.values.get("move"), form.values.get("by")) == (action.value, by):
                return True
        elif place.form != "/programme" or form.buttons:
            return True
    return False


@pytest.mark.parametrize("state", [one for one in State if one is not State.IDENTIFIED])  # which is never stored
def test_the_navigators_page_offers_what_navigator_and_programme_may_do(
    browser: Browser, world: World, state: State
) -> None:
    """Pathway sections 5 and 7."""
    referral = put(world, "gus-killed", state)
    forms = forms_of(browser.text(f"{browser.opens(None, NAVIGATOR)}{referral.id}"))
    for role in (Role.NAVIGATOR, Role.PROGRAMME):
        for action in actions_for(state, role):
            if action is not Action.GIVE_UP:  # said to be missing something until enough was tried
                assert offers(forms, role, action), f"{role.value} cannot {action.value} in {state.value}"
    for form in forms:
        if form.action.endswith("/move"):
            assert Action(form.values["move"]) in actions_for(state, Role(form.values["by"])), "never more than that"


@pytest.mark.parametrize("state", sorted((RELEASED | CLOSED) - {State.INELIGIBLE}, key=list(State).index))
def test_the_clinicians_page_offers_what_a_clinician_may_do(browser: Browser, world: World, state: State) -> None:
    put(world, "bea-override", state)
    forms = forms_of(browser.text(browser.opens("bea-override", DOCTOR)))
    after = world.referral("bea-override").status
    assert after is state, "the look at the chart has moved nothing"
    for action in actions_for(state, Role.CLINICIAN):
        if PLACES[Role.CLINICIAN, action].page == "clinician":
            assert offers(forms, Role.CLINICIAN, action), f"a clinician cannot {action.value} in {state.value}"


def test_a_patient_who_is_dead_or_an_error_is_offered_nothing_but_the_error(browser: Browser, world: World) -> None:
    for state, moves in ((State.DEPARTED, ["mark_error"]), (State.ERROR, [])):
        referral = put(world, "gus-killed", state)
        forms = forms_of(browser.text(f"{browser.opens(None, NAVIGATOR)}{referral.id}"))
        assert [form.values.get("move") for form in forms] == moves


# ------------------------------------------------------------ a whole life


def press(browser: Browser, page: str, ending: str, move: str = "", by: str = "", **filled: str) -> str:
    """Press the button of a move; the page that follows."""
    found = [
        form
        for form in forms_of(browser.text(page))
        if form.action.endswith(ending) and (not move or (form.values["move"], form.values["by"]) == (move, by))
    ]
    assert found, f"no form for {move or ending}"
    answer = browser.client.post(found[0].action, data={**found[0].values, **filled})
    assert answer.status_code == 303, answer.text
    return browser.text(answer.headers["Location"])


@pytest.fixture
def booked(browser: Browser, world: World, request: pytest.FixtureRequest) -> str:
    """The page of a referral that a programme has accepted."""
    patient = str(request.param)
    page = f"{browser.opens(None, NAVIGATOR)}{world.referral(patient).id}"
    press(browser, page, "/claim")
    press(browser, page, "/answers", **answers())
    press(browser, page, "/offer", programme="cardiac-clinic")
    press(browser, page, "/programme", said="accept")
    return page


@pytest.mark.parametrize("booked", ["ada-refer"], indirect=True)
def test_a_patient_begins_pauses_changes_and_completes(browser: Browser, world: World, booked: str) -> None:
    """Pathway S13 to S20, on the pages alone."""
    page, patient = booked, "ada-refer"

    def written() -> dict[str, list[str]]:
        world.worker.run_due()
        return world.written(patient)

    assert "baseline is done" in press(browser, page, "/move", "baseline", "programme", sure="1")
    assert world.referral(patient).status is State.BASELINE_DONE
    assert "sessions have begun" in press(browser, page, "/move", "enrol", "programme")
    assert written()["CarePlan"] == ["active"]
    press(browser, page, "/move", "pause", "navigator", why="travel")
    assert written()["ServiceRequest"] == ["on-hold"]
    press(browser, page, "/move", "resume", "programme")
    assert written()["ServiceRequest"] == ["active"]
    press(browser, page, "/move", "transfer", "programme")
    assert world.referral(patient).status is State.TRANSFERRED
    press(browser, page, "/offer", programme="cardiac-clinic")
    assert written()["Task"] == ["completed", "in-progress", "requested"], "the first programme has done its part"
    press(browser, page, "/programme", said="accept")
    press(browser, page, "/move", "baseline", "programme", sure="1")
    press(browser, page, "/move", "enrol", "programme")
    assert written()["Task"] == ["completed", "completed", "in-progress"]
    press(browser, page, "/move", "complete", "programme", sure="1")
    after = world.referral(patient)
    assert (after.status, after.offers) == (State.COMPLETED, 2)
    assert after.reoffer_at == after.state_since + timedelta(days=180)
    assert written() == {
        "ServiceRequest": ["completed"], "CarePlan": ["completed"], "Goal": ["completed"] * 2,
        "Task": ["completed", "completed", "completed"],
    }  # fmt: skip
    html = browser.text(page)
    assert "Travel" in html
    assert "told by the programme" in html
    assert audited(world, "referral.pause")[-1].details["why"] == "travel"
    assert audited(world, "referral.complete")[-1].details["on_word_of"] == "programme"


@pytest.mark.parametrize("booked", ["oli-neuropathy"], indirect=True)
def test_no_baseline_without_consent_and_no_pause_without_a_reason(browser: Browser, world: World, booked: str) -> None:
    form = next(f for f in forms_of(browser.text(booked)) if f.values.get("move") == "baseline")
    unticked = {name: value for name, value in form.values.items() if name != "sure"}
    assert browser.client.post(form.action, data=unticked).status_code == 422
    assert world.referral("oli-neuropathy").status is State.BOOKED
    without_token = {name: value for name, value in form.values.items() if name != "form_token"}
    assert browser.client.post(form.action, data={**without_token, "sure": "1"}).status_code in (400, 403)
    assert world.referral("oli-neuropathy").status is State.BOOKED


@pytest.mark.parametrize("booked", ["jo-accepts"], indirect=True)
def test_nobody_goes_on_after_a_pause_with_old_answers(browser: Browser, world: World, booked: str) -> None:
    """Pathway S18: re-screened when the pause was longer than two weeks."""
    press(browser, booked, "/move", "baseline", "programme", sure="1")
    press(browser, booked, "/move", "enrol", "programme")
    press(browser, booked, "/move", "pause", "programme", why="illness")
    world.pass_time(timedelta(days=15))
    page = f"{browser.opens(None, NAVIGATOR)}{world.referral('jo-accepts').id}"
    form = next(f for f in forms_of(browser.text(page)) if f.values.get("move") == "resume")
    refused = browser.client.post(form.action, data=form.values)
    assert refused.status_code == 409
    assert world.referral("jo-accepts").status is State.PAUSED
    press(browser, page, "/answers", **answers())
    press(browser, page, "/move", "resume", "programme")
    assert world.referral("jo-accepts").status is State.ENROLLED


@pytest.mark.parametrize("booked", ["hana-parallel"], indirect=True)
def test_a_navigator_routes_to_the_same_supervision_or_more_and_only_a_programme_steps_down(
    browser: Browser, world: World, booked: str
) -> None:
    """Pathway section 7: a navigator cannot lower supervision."""
    press(browser, booked, "/move", "baseline", "programme", sure="1")
    press(browser, booked, "/move", "enrol", "programme")
    press(browser, booked, "/move", "transfer", "navigator")
    form = next(f for f in forms_of(browser.text(booked)) if f.action.endswith("/offer"))
    refused = browser.client.post(form.action, data={**form.values, "programme": "physiotherapy"})
    assert refused.status_code in (409, 422)
    assert world.referral("hana-parallel").status is State.TRANSFERRED
    press(browser, booked, "/offer", programme="cardiac-clinic")
    press(browser, booked, "/programme", said="accept")
    press(browser, booked, "/move", "baseline", "programme", sure="1")
    press(browser, booked, "/move", "enrol", "programme")
    press(browser, booked, "/move", "transfer", "programme")
    press(browser, booked, "/offer", programme="physiotherapy")
    assert world.referral("hana-parallel").status is State.OFFERED


# ------------------------------------------------------------ after a no


def test_what_may_be_offered_at_once_is_offered_once(browser: Browser, world: World) -> None:
    """Pathway section 4, OO-TRANSP: at once, home programme or transport."""
    queue = browser.opens(None, NAVIGATOR)
    page = f"{queue}{world.referral('mia-survivor').id}"
    press(browser, page, "/claim")
    press(browser, page, "/close", reason="OO-TRANSP")
    assert "help with transport" in browser.text(queue)
    assert "help with transport" in browser.text(page)
    press(browser, page, "/leave")
    assert "help with transport" not in browser.text(queue)
    assert "help with transport" not in browser.text(page)
    assert world.referral("mia-survivor").status is State.OPTED_OUT


def test_who_wants_to_come_back_is_referred_anew_and_the_old_no_stays(browser: Browser, world: World) -> None:
    first = world.referral("mia-survivor")
    page = f"{browser.opens(None, NAVIGATOR)}{first.id}"
    press(browser, page, "/again")
    world.worker.run_due()
    again = world.referral("mia-survivor")
    assert (again.ordinal, again.is_open) == (2, True)
    assert world.by_id(first.id).status is State.OPTED_OUT
    assert audited(world, "referral.ask_again")[-1].role == "patient"
