"""The outbox as a desk: letters to post, calls to make, doubts to settle, answers to read; and the pages of alarms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium

from fhirapp.app import create_app
from fhirapp.referrals.links import OptOutLink
from fhirapp.referrals.notices import NoticeState
from fhirapp.referrals.status import State
from fhirapp.ui.session import COOKIE
from tests.fhirapp.alarms.test_alarms import alarms, feverish, screened
from tests.fhirapp.messages.hospital import Reached, reaching
from tests.fhirapp.messages.test_delivery import add_address
from tests.fhirapp.ui.conftest import NAVIGATOR, Browser, audited
from tests.fhirapp.ui.forms import forms_of
from tests.world import World

pytestmark = pytest.mark.database


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reached]:
    with reaching(tmp_path_factory.mktemp("hospital")) as running:
        yield running


@pytest.fixture(scope="module")
def world(reached: Reached) -> World:
    return reached.world


@pytest.fixture(scope="module")
def app(world: World) -> Flask:
    return create_app(world.stride)


def to_print(reached: Reached, patient: str) -> None:
    reached.settings(channels=("letter",))
    add_address(reached, patient)
    reached.signed(patient)
    reached.world.worker.run_due()


def test_a_letter_is_printed_and_marked_as_posted(browser: Browser, reached: Reached, world: World) -> None:
    to_print(reached, "mia-survivor")
    nav = browser.opens(None, NAVIGATOR)
    assert "The outbox needs a person: 1" in browser.text(nav)
    html = browser.text(f"{nav}outbox")
    notice = reached.notice("mia-survivor")
    letter = browser.text(f"{nav}outbox/{notice.id}")
    for line in ("Mia Halvorsen", "7 Mill Lane", "Springfield 12345", "City Hospital · 1 High Street · Springfield"):
        assert line in letter
    short = world.stride.links.short_url(OptOutLink("city", notice.referral_id))
    assert short in letter
    assert "+1 555 0110" in letter, "to say no by telephone"
    answer = browser.press(html, f"outbox/{notice.id}/posted")
    assert answer.status_code == 303
    assert "Kept as posted" in browser.text(answer.headers["Location"])
    assert reached.notice("mia-survivor").status is NoticeState.POSTED
    again = browser.press(html, f"outbox/{notice.id}/posted")
    assert "Somebody else was faster" in browser.text(again.headers["Location"])
    assert audited(world, "page.letter")[-1].actor == NAVIGATOR


def test_a_letter_that_has_lain_names_the_day_that_is_right_when_it_is_printed(
    browser: Browser, reached: Reached, world: World
) -> None:
    to_print(reached, "jo-accepts")
    world.pass_time(timedelta(days=4))
    nav = browser.opens(None, NAVIGATOR)
    letter = browser.text(f"{nav}outbox/{reached.notice('jo-accepts').id}")
    day = world.stride.clock().astimezone(world.tenant.zone) + timedelta(days=3 + 7)
    assert f"{day:%-d %B %Y}" in letter


def test_the_short_link_says_no_however_it_is_typed(browser: Browser, reached: Reached, world: World) -> None:
    to_print(reached, "ada-refer")
    code = world.stride.links.code(OptOutLink("city", reached.notice("ada-refer").referral_id))
    for typed in (code, code.lower(), "-".join((code[:4], code[4:8], code[8:])), f"{code[:6]} {code[6:]}"):
        assert "I do not want this referral" in browser.text(f"/o/{typed}")
    assert world.referral("ada-refer").status is State.OPT_OUT_OPEN, "looking changes nothing"
    assert browser.client.post(f"/o/{code}").status_code == 303
    assert world.referral("ada-refer").status is State.OPTED_OUT


def test_a_code_that_is_not_ours_or_too_old_is_refused(browser: Browser, reached: Reached, world: World) -> None:
    reached.settings(channels=("letter",))
    reached.signed("cleo-optout")
    code = world.stride.links.code(OptOutLink("city", reached.notice("cleo-optout").referral_id))
    wrong = code[:-1] + ("1" if code[-1] == "0" else "0")
    assert browser.get(f"/o/{wrong}").status_code == 404
    assert browser.get(f"/o/{code}").status_code == 200
    world.stride.clock.move(timedelta(days=366))
    assert browser.get(f"/o/{code}").status_code == 404
    world.stride.clock.move(timedelta(days=-366))


def test_a_patient_whose_language_nobody_has_checked_sees_the_page_with_its_mark(
    browser: Browser, reached: Reached, world: World
) -> None:
    reached.settings(channels=("sms",))
    reached.signed("oli-neuropathy")
    code = world.stride.links.code(OptOutLink("city", reached.notice("oli-neuropathy").referral_id))
    html = browser.text(f"/o/{code}")
    assert "Ich möchte diese Überweisung nicht" in html
    assert "hat noch niemand geprüft" in html
    assert '<html lang="de">' in html


def test_an_answer_is_read_and_dealt_with(browser: Browser, reached: Reached, world: World) -> None:
    world.stride.replies.receive("city", "+15550000", "<b>Who</b> are you?", "r1")
    nav = browser.opens(None, NAVIGATOR)
    html = browser.text(f"{nav}outbox")
    assert "&lt;b&gt;Who&lt;/b&gt; are you?" in html
    (form,) = [one for one in forms_of(html) if "/answers/" in one.action]
    assert browser.client.post(form.action, data=form.values).status_code == 303
    assert "are you?" not in browser.text(f"{nav}outbox")


def test_only_the_navigators_own_page_may_act(browser: Browser, other_browser: Browser, reached: Reached) -> None:
    reached.settings(channels=("letter",))
    nav = browser.opens(None, NAVIGATOR)
    html = browser.text(f"{nav}outbox")
    (form, *_) = [one for one in forms_of(html) if "/outbox/" in one.action]
    assert other_browser.client.post(form.action, data=form.values).status_code == 403
    assert browser.client.post(form.action, data={"form_token": "forged"}).status_code == 403
    assert browser.get(f"{nav}outbox/99999").status_code == 404


def test_an_alarm_is_shown_to_navigators_and_confirmed_by_link_or_page(
    browser: Browser, reached: Reached, world: World
) -> None:
    reached.settings(channels=("outbox",))
    world.queued("eva-falls")
    feverish(reached, "eva-falls")
    screened(reached, "eva-falls")
    assert "Alarms that nobody has confirmed" in browser.text(browser.opens(None, NAVIGATOR))
    link = re.search(r"/a/\S+", reached.pages.texts[-1][1])
    assert link is not None
    for method in ("GET", "HEAD", "GET"):
        assert browser.client.open(link[0], method=method).status_code == 200
    assert alarms(reached)[-1].acknowledged_at is None, "looking changes nothing"
    html = browser.text(link[0])
    for word in ("Eva", "Lemaire", "HEM", "fever", "MRN"):
        assert word not in html
    (form,) = forms_of(html)
    assert browser.client.post(form.action).status_code == 303
    assert browser.client.post(form.action).status_code == 303
    assert "Confirmed by Oncology on call" in browser.text(link[0])
    waiting = browser.text(browser.opens(None, NAVIGATOR)).split("<h1>")[0]
    assert "Eva Lemaire" not in waiting, "others may still wait to be told"
    page = browser.text(browser.opens("eva-falls"))
    assert "Confirmed by Oncology on call" in page
    assert "I have seen this alarm" not in page


def test_the_clinicians_page_confirms_an_alarm_of_its_own_patient_only(
    browser: Browser, reached: Reached, world: World
) -> None:
    reached.settings(channels=("outbox",))
    world.queued("gus-killed")
    feverish(reached, "gus-killed")
    screened(reached, "gus-killed")
    alarm = alarms(reached)[-1]
    other = browser.opens("hana-parallel")
    form = forms_of(browser.text(other))[0]
    refused = browser.client.post(f"{other}alarms/{alarm.id}", data=form.values)
    assert refused.status_code == 404
    doctor = browser.opens("gus-killed")
    answer = browser.press(browser.text(doctor), f"/alarms/{alarm.id}")
    assert answer.status_code == 303
    assert "Nobody else is called" in browser.text(answer.headers["Location"])
    assert (alarms(reached)[-1].acknowledged_by, alarms(reached)[-1].acknowledged_how) == ("Dr Maren Lind", "page")


def test_navigators_hear_nothing_of_an_alarm_about_somebody_who_was_never_referred(
    browser: Browser, reached: Reached, world: World
) -> None:
    reached.settings(channels=("outbox",))
    world.opened("ned-prehab")
    feverish(reached, "ned-prehab")
    screened(reached, "ned-prehab")
    assert alarms(reached)[-1].is_open
    nav = browser.opens(None, NAVIGATOR)
    assert "Edward" not in browser.text(nav)
    doctor = browser.text(browser.opens("ned-prehab"))
    assert "I have seen this alarm" in doctor


@pytest.mark.browser
def test_the_letter_is_one_sheet_with_the_address_in_the_window(
    browser: Browser, reached: Reached, world: World, chromium: Chromium, tmp_path: Path
) -> None:
    to_print(reached, "hana-parallel")
    nav = browser.opens(None, NAVIGATOR)
    notice = reached.notice("hana-parallel")
    secret = browser.secret_of(nav)
    context = chromium.new_context(extra_http_headers={"Cookie": f"{COOKIE}={secret}"})
    page = context.new_page()
    page.goto(f"{world.url}{nav}outbox/{notice.id}")
    page.emulate_media(media="print")
    box = page.evaluate(
        "() => { const s = document.querySelector('.sheet').getBoundingClientRect();"
        " const a = document.querySelector('address').getBoundingClientRect();"
        " return [a.left - s.left, a.top - s.top, a.right - s.left, a.bottom - s.top].map(v => v / 96 * 25.4) }"
    )
    left, top, right, bottom = box
    assert 20 <= left < right <= 110, box  # millimetres: the window of a DL envelope
    assert 45 <= top < bottom <= 90, box
    assert not page.locator(".desk").is_visible()
    pdf = page.pdf(path=tmp_path / "letter.pdf", prefer_css_page_size=True)
    assert pdf.count(b"/Type /Page") - pdf.count(b"/Type /Pages") == 1
    context.close()
