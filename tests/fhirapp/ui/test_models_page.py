"""The page of the estimates: who may read it, and what it says."""

from __future__ import annotations

import re
from dataclasses import replace

from fhirapp.ui.models_page import sheets_of
from models.booster import InstalledEstimators
from models.text import Text
from tests.fhirapp.ui.conftest import DOCTOR, NAVIGATOR, Browser, audited
from tests.world import World


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_navigator_sees_the_estimates_of_today_beside_the_training(browser: Browser, world: World) -> None:
    world.opened("ada-refer")
    page = browser.opens(None, NAVIGATOR)
    assert "/models" in browser.text(page)
    html = browser.text(f"{page}models")
    said = text_of(html)
    assert "Estimates: do they still fit?" in said
    assert "Death from any cause within five years" in said
    assert "Everybody" in said
    assert "not before 20 outcomes" in said
    assert "The estimate itself" in said
    assert "Ada" not in said
    assert audited(world, "page.models")[-1].actor == NAVIGATOR


def test_a_model_that_is_retired_or_switched_off_is_said(browser: Browser, world: World) -> None:
    tenant = browser.house.tenants[world.tenant.id]
    with world.stride.sessions() as session:
        retired = sheets_of(session, tenant, InstalledEstimators({}), world.stride.clock())
        off = replace(tenant, policy=replace(tenant.policy, risk_model=False))
        switched = sheets_of(session, off, world.stride.intake.estimators, world.stride.clock())
    assert [str(sheet.off) for sheet in retired] == ["Retired: the rules decide alone."] * 4
    assert isinstance(switched[0].off, Text)
    assert "Switched off" in str(switched[0].off)
    assert switched[1].off is None


def test_nobody_but_a_navigator_opens_it(browser: Browser) -> None:
    place = browser.opens("ada-refer", DOCTOR)
    sid = place.rstrip("/").split("/")[-1]
    assert browser.client.get(f"/queue/{sid}/models").status_code in (401, 403, 404)
