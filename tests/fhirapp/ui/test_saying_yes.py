"""A patient who wants to begin need not wait for the end of the window. Source: pathway.md section 5, S6."""

from __future__ import annotations

from datetime import timedelta

from fhirapp.demo.settings import TENANT
from fhirapp.referrals.links import OptOutLink
from fhirapp.referrals.status import State
from tests.fhirapp.ui.conftest import Browser
from tests.fhirapp.ui.forms import forms_of
from tests.fhirapp.ui.test_patient import signed
from tests.world import World


def test_a_yes_need_not_wait_for_the_end_of_the_window(browser: Browser, world: World) -> None:
    """Pathway S6: S9 earlier if the patient says yes. The chart is read first, and a no stays possible."""
    link = signed(world, "gus-killed")
    no, yes = forms_of(browser.text(link))
    assert yes.action.endswith("/yes"), "it comes after the no, and is another form"
    for _ in range(2):
        assert browser.client.post(yes.action).status_code == 303
    html = browser.text(link)
    assert "contacts you in the next days" in html
    assert [form.action for form in forms_of(html)] == [no.action]
    world.worker.run_due()
    assert world.referral("gus-killed").status is State.QUEUED
    assert world.history("gus-killed").count("said_yes") == 1
    browser.client.post(no.action)
    assert world.referral("gus-killed").status is State.OPTED_OUT


def test_a_yes_passes_no_hold(browser: Browser, world: World) -> None:
    link = signed(world, "hana-parallel")
    world.add_platelets("hana-parallel", 8)
    browser.client.post(f"{link}/yes")
    world.worker.run_due()
    assert world.referral("hana-parallel").status is State.HELD


def test_a_yes_after_a_no_brings_nothing_back(browser: Browser, world: World) -> None:
    referral = world.referral("gus-killed")
    assert referral.status is State.OPTED_OUT
    link = world.stride.links.url(OptOutLink(TENANT, referral.id), world.stride.clock() + timedelta(days=9))
    assert browser.client.post(f"{link.removeprefix(world.url)}/yes").status_code == 303
    world.worker.run_due()
    assert world.referral("gus-killed").status is State.OPTED_OUT
    assert world.history("gus-killed").count("said_yes") == 1


def test_of_an_inpatient_the_clinician_is_told_no_day_either(browser: Browser, world: World) -> None:
    """Pathway step 11: inpatients until discharge."""
    from tests.fhirapp.referrals.test_time_to_say_no import in_hospital

    in_hospital(world, "mia-survivor")
    signed(world, "mia-survivor")
    html = browser.text(browser.opens("mia-survivor"))
    assert "the navigators begin after the stay in hospital" in html
    signed(world, "oli-neuropathy")
    assert "the navigators begin after the stay" not in browser.text(browser.opens("oli-neuropathy"))
