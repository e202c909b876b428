"""Page sessions: whose they are, how they end, what a card's handle may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fhirapp.referrals.status import Role
from fhirapp.ui.errors import FormRefused, SessionUnknown
from fhirapp.ui.session import COOKIE, LIVES, PageSession, PageSessions
from tests.fhirapp.ui.conftest import DOCTOR, NAVIGATOR, Browser, audited
from tests.fhirapp.ui.forms import form_to
from tests.world import World


def handle_from(world: World, patient: str) -> str:
    """The appContext of the link on a fresh card."""
    link = world.cards(patient)[0]["links"][0]
    return str(link["appContext"])


def test_sm_l9_the_cookie_is_partitioned_secure_and_out_of_reach_of_scripts(browser: Browser) -> None:
    answer = browser.launch("ada-refer")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for mark in ("Secure", "HttpOnly", "Path=/clinician/", "SameSite=None", "Partitioned"):
        assert mark in cookie
    assert "Domain" not in cookie
    assert answer.headers["Cache-Control"] == "no-store"


def test_sm_c6_two_tabs_of_one_browser_keep_their_own_patients(browser: Browser) -> None:
    first, second = browser.opens("ada-refer"), browser.opens("mia-survivor")
    assert first != second
    for path, name in ((first, "Ada Marlow"), (second, "Mia Halvorsen"), (first, "Ada Marlow")):
        assert name in browser.text(path)


def test_two_frames_opened_at_once_do_not_lose_each_others_cookie(browser: Browser) -> None:
    first, second = browser.opens("ada-refer"), browser.opens("ada-refer")
    assert browser.secret_of(first) != browser.secret_of(second)
    assert browser.get(first).status_code == browser.get(second).status_code == 200


def test_a_page_opens_in_no_other_browser(browser: Browser, other_browser: Browser) -> None:
    page = browser.opens("ada-refer")
    assert other_browser.get(page).status_code == 403
    other_browser.opens("mia-survivor")  # even with a cookie of its own
    assert other_browser.get(page).status_code == 403
    assert "Ada" not in other_browser.get(page).text
    assert browser.get(page).status_code == 200


def test_a_page_ends_with_the_shift(browser: Browser, house: object) -> None:
    page = browser.opens("ada-refer")
    sid = page.split("/")[2]
    pages = PageSessions(browser.house.sessions, browser.house.sealer, browser.house.wall_clock)
    assert pages.find(sid, browser.secret_of(page), Role.CLINICIAN).row.patient_id == "ada-refer"
    later = browser.house.wall_clock() + LIVES
    late = PageSessions(browser.house.sessions, browser.house.sealer, lambda: later)
    with pytest.raises(SessionUnknown):
        late.find(sid, browser.secret_of(page), Role.CLINICIAN)


def test_a_demo_that_moves_the_clock_ends_no_page(browser: Browser, world: World) -> None:
    page = browser.opens("cleo-optout")
    world.stride.clock.move(timedelta(days=2))
    assert "Cleof" in browser.text(page)


def test_an_ended_session_is_gone(browser: Browser) -> None:
    page = browser.opens("ada-refer")
    pages = PageSessions(browser.house.sessions, browser.house.sealer, browser.house.wall_clock)
    pages.end(pages.find(page.split("/")[2], browser.secret_of(page), Role.CLINICIAN))
    assert browser.get(page).status_code == 403


def test_a_clinicians_session_opens_no_queue_and_a_navigators_no_chart(browser: Browser) -> None:
    doctor, navigator = browser.opens("ada-refer"), browser.opens(None, NAVIGATOR)
    assert browser.get(doctor.replace("/clinician/", "/queue/")).status_code == 403
    assert browser.get(navigator.replace("/queue/", "/clinician/")).status_code == 403


def test_neither_secrets_nor_tokens_lie_open_in_the_table(browser: Browser, world: World) -> None:
    page = browser.opens("ada-refer", access_token="a-very-secret-token", refresh_token="a-refresh-token")
    with world.stride.sessions() as session:
        rows = session.query(PageSession).all()
    everything = " ".join(str(value) for row in rows for value in vars(row).values())
    for secret in ("a-very-secret-token", "a-refresh-token", page.split("/")[2], browser.secret_of(page)):
        assert secret not in everything


@pytest.mark.parametrize("token", ["", "0" * 64], ids=["no token", "a made-up token"])
def test_a_form_without_its_token_changes_nothing(browser: Browser, world: World, token: str) -> None:
    html = browser.text(browser.opens("mia-survivor"))
    form = form_to(html, "/sign")
    answer = browser.client.post(form.action, data={**form.values, "form_token": token})
    assert answer.status_code == 403
    assert world.referral("mia-survivor").signed_at is None


def test_a_form_token_of_another_session_is_refused(browser: Browser, world: World) -> None:
    mine = form_to(browser.text(browser.opens("mia-survivor")), "/sign")
    theirs = form_to(browser.text(browser.opens("mia-survivor")), "/sign")
    assert mine.values["form_token"] != theirs.values["form_token"]
    assert browser.client.post(mine.action, data=theirs.values).status_code == 403
    assert world.referral("mia-survivor").signed_at is None


def test_a_form_token_is_checked_in_the_page_itself(browser: Browser) -> None:
    page = browser.opens("mia-survivor")
    pages = PageSessions(browser.house.sessions, browser.house.sealer, browser.house.wall_clock)
    found = pages.find(page.split("/")[2], browser.secret_of(page), Role.CLINICIAN)
    found.check_form(b"secret", found.form_token(b"secret"))
    with pytest.raises(FormRefused):
        found.check_form(b"secret", found.form_token(b"another secret"))
    with pytest.raises(FormRefused):
        found.check_form(b"secret", replace(found, browser="x").form_token(b"secret"))


def test_sm_c7_a_cards_handle_leads_to_its_referral_once(browser: Browser, world: World) -> None:
    handle = handle_from(world, "ned-prehab")
    browser.opens("ned-prehab", app_context=handle)
    browser.opens("ned-prehab", app_context=handle)
    with world.stride.sessions() as session:
        rows = (
            session.query(PageSession).filter(PageSession.patient_id == "ned-prehab").order_by(PageSession.created_at)
        )
        assert [row.referral_id is not None for row in rows] == [True, False]
    assert [row.outcome for row in audited(world, "launch.card")][-2:] == ["ok", "ignored"]


def test_sm_c7_a_handle_of_another_patient_is_ignored_and_noted(browser: Browser, world: World) -> None:
    handle = handle_from(world, "cleo-optout")
    page = browser.opens("ned-prehab", app_context=handle)
    assert "Edward Byrne" in browser.text(page)
    assert audited(world, "launch.card")[-1].outcome == "ignored"


@pytest.mark.parametrize("handle", ["", "made-up", "x" * 5000])
def test_sm_c7_what_is_no_handle_of_ours_only_opens_the_chart(browser: Browser, handle: str) -> None:
    assert "Edward Byrne" in browser.text(browser.opens("ned-prehab", app_context=handle))


def test_a_handle_does_not_live_for_ever(browser: Browser, world: World) -> None:
    handle = handle_from(world, "hana-parallel")
    world.stride.clock.move(timedelta(hours=13))
    browser.opens("hana-parallel", app_context=handle)
    assert audited(world, "launch.card")[-1].outcome == "ignored"


def test_a_navigator_never_gets_the_page_that_signs(browser: Browser) -> None:
    assert browser.opens("ada-refer", NAVIGATOR).startswith("/queue/")


def test_without_a_chart_only_a_navigator_gets_in(browser: Browser) -> None:
    from fhirapp.ui.errors import NotForYou

    assert browser.opens(None, NAVIGATOR).startswith("/queue/")
    for user in (DOCTOR, None):
        with pytest.raises(NotForYou):
            browser.launch(None, user, intent="referral-queue")  # a wish, not a right


def test_the_demo_ehrs_own_launch_arrives_at_the_page(browser: Browser, world: World) -> None:
    import requests

    from fhirapp.demo_ehr.authorization import launch_url
    from fhirapp.demo_ehr.tokens import Launch

    leave = launch_url(world.ehr.settings, world.ehr.tokens, Launch("ada-refer", DOCTOR)).removeprefix(world.url)
    to_ehr = browser.client.get(leave).headers["Location"]
    back = requests.get(to_ehr, allow_redirects=False, timeout=10).headers["Location"].removeprefix(world.url)
    arrived = browser.client.get(back, base_url=world.url)
    assert arrived.status_code == 303
    html = browser.text(arrived.headers["Location"])
    assert "Ada Marlow" in html
    assert "Dr Maren Lind" in html
