"""The road as people walk it: a clinician in the EHR's frame, a navigator in the queue, a patient with a letter."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.browser.conftest import kept
from tests.world import CLINICIAN_WINDOW, PATIENT_WINDOW, World

pytestmark = pytest.mark.browser


def opened_app(page: Page, world: World, patient: str, button: str = "Open Stride") -> Frame:
    """Stride in the frame of the patient's chart: another site, as in a hospital."""
    page.goto(f"{world.ehr.settings.base_url}/patients/{patient}")
    page.get_by_role("button", name=button).first.click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_be_visible()
    found = next(frame for frame in page.frames if frame is not page.main_frame)
    assert found.url.startswith(world.url)
    return found


def test_a_clinician_signs_from_the_card_inside_the_ehrs_frame(page: Page, world: World) -> None:
    app = opened_app(page, world, "ada-refer", "Look, change or decline in Stride")
    kept(page, "clinician-refer")
    app.get_by_role("button", name="Sign referral").click()
    expect(app.get_by_role("heading", level=1)).to_contain_text(re.compile("signed|referred", re.IGNORECASE))
    kept(page, "clinician-signed")
    assert world.referral("ada-refer").state == "opt_out_open"
    (request,) = world.ours("ada-refer", "ServiceRequest")
    assert request["requester"]["reference"] == "Practitioner/dr-lind"
    line = [
        entry for entry in world.ehr.journal.since(0) if entry["method"] == "POST" and entry["path"] == "ServiceRequest"
    ]
    assert [entry["client_id"] for entry in line] == ["stride-app"], "written with the clinician's own token"


def test_a_clinician_says_not_now_with_a_reason(page: Page, world: World) -> None:
    app = opened_app(page, world, "bea-override")
    app.get_by_text("Not now", exact=True).first.click()
    app.get_by_text("Prefers another plan").click()
    app.get_by_role("button", name=re.compile("Not now|Decline|Record")).last.click()
    expect(app.get_by_role("heading", name="In the record system")).to_be_visible()
    assert world.referral("bea-override").reason_code == "CL-CHOICE"
    assert world.written("bea-override")["ServiceRequest"] == []


def test_a_held_patient_cannot_be_signed_for_and_the_page_says_why(page: Page, world: World) -> None:
    app = opened_app(page, world, "dan-platelets")
    kept(page, "clinician-hold")
    expect(app.get_by_text(re.compile("Platelets", re.IGNORECASE)).first).to_be_visible()
    assert app.get_by_role("button", name=re.compile("^Sign")).count() == 0


def test_a_clearance_is_recorded_and_signed_in_one_click(page: Page, world: World) -> None:
    app = opened_app(page, world, "kim-bonemets")
    kept(page, "clinician-clearance")
    app.get_by_role("button", name=re.compile("clearance and sign", re.IGNORECASE)).click()
    expect(app.get_by_role("heading", name="In the record system")).to_be_visible()
    assert world.referral("kim-bonemets").state == "opt_out_open"


def test_two_charts_in_two_tabs_do_not_disturb_each_other(chromium: Browser, world: World) -> None:
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    first, second = context.new_page(), context.new_page()
    ada = opened_app(first, world, "ada-refer")
    opened_app(second, world, "hana-parallel")
    ada.get_by_role("button", name="Sign referral").click()
    expect(ada.get_by_role("heading", name="In the record system")).to_be_visible()
    assert world.referral("ada-refer").state == "opt_out_open"
    assert world.referral("hana-parallel").state == "proposed"
    context.close()


def test_a_navigator_works_a_referral_from_the_queue_to_a_programme(page: Page, world: World) -> None:
    world.queued("ivo-unanswered")
    page.goto(world.ehr.settings.base_url)
    page.get_by_role("link", name="Exercise referral queue").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    kept(page, "queue")
    page.get_by_role("link", name=re.compile("Kovač|Ivo")).first.click()
    page.get_by_role("button", name=re.compile("Claim|Take")).first.click()
    kept(page, "queue-referral")
    for question in page.get_by_role("group").filter(has=page.get_by_role("radio", name="No")).all():
        question.get_by_role("radio", name="No").check()
    page.get_by_role("button", name=re.compile("answers", re.IGNORECASE)).click()
    assert world.referral("ivo-unanswered").prescription_released
    kept(page, "queue-answered")
    page.get_by_role("radio", name=re.compile("Northgate Physiotherapy")).check()
    assert page.get_by_role("radio", name=re.compile("Riverside")).is_disabled(), "it gives too little supervision"
    page.get_by_role("button", name="Offer to this programme").click()
    world.worker.run_due()
    assert world.referral("ivo-unanswered").state == "offered"
    assert world.written("ivo-unanswered")["CarePlan"] == ["draft"]


def test_a_patient_says_no_with_one_button_and_without_script(chromium: Browser, world: World) -> None:
    world.released("cleo-optout")
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{world.url}/outbox")
    kept(page, "outbox")
    link = page.locator("a[href*='/o/']").first.get_attribute("href")
    assert link is not None
    page.goto(link)
    kept(page, "opt-out")
    page.get_by_role("button", name=re.compile("do not want", re.IGNORECASE)).click()
    kept(page, "opted-out")
    assert world.referral("cleo-optout").state == "opted_out"
    context.close()


def test_time_passes_on_the_demo_page(page: Page, world: World) -> None:
    world.opened("ada-refer")
    page.goto(f"{world.url}/demo")
    kept(page, "demo")
    page.get_by_role("button", name=re.compile("72 hours")).click()
    world.worker.run_due()
    page.reload()
    expect(page.get_by_text("Referred, patient may opt out")).to_be_visible()
    assert CLINICIAN_WINDOW < PATIENT_WINDOW
