"""Who may read what patients were told."""

from __future__ import annotations

from dataclasses import replace

from tests.fhirapp.ui.conftest import NAVIGATOR, Browser, audited, pages_of
from tests.world import CLINICIAN, World


def test_outside_a_demo_the_open_outbox_does_not_exist(browser: Browser) -> None:
    house = replace(browser.house, config=replace(browser.house.config, demo=False))
    assert pages_of(house).test_client().get("/outbox").status_code == 404


def test_a_navigator_reads_it_inside_the_queue(browser: Browser, world: World) -> None:
    referral = world.opened("ada-refer")
    world.stride.actions.sign(referral.id, actor=CLINICIAN, now=world.stride.clock())
    html = browser.text(f"{browser.opens(None, NAVIGATOR)}outbox")
    assert "Ada Marlow" in html
    assert "ada.marlow@example.org" in html
    assert audited(world, "page.outbox")[-1].actor == NAVIGATOR


def test_nobody_else_does(browser: Browser, other_browser: Browser) -> None:
    page = browser.opens(None, NAVIGATOR)
    assert other_browser.get(f"{page}outbox").status_code == 403
