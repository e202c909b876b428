"""What only a person can settle is shown to the navigators, and goes when one has seen to it."""

from __future__ import annotations

import pytest

from fhirapp.demo.settings import TENANT
from tests.fhirapp.ui.conftest import NAVIGATOR, Browser, audited
from tests.world import PATIENT, World

ADA = "ada-refer"
REVIVED = "made an ended referral active again"


@pytest.fixture(scope="module", autouse=True)
def _a_referral_that_somebody_revived(world: World) -> None:
    referral = world.released(ADA)
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
    world.worker.run_due()
    (request,) = world.ours(ADA, "ServiceRequest")
    world.ehr.api.store.update("ServiceRequest", request["id"], {**request, "status": "active"})
    world.stride.closed_loop.look(TENANT)


def test_the_queue_names_it_although_the_referral_is_not_in_the_list(browser: Browser, world: World) -> None:
    text = browser.text(browser.opens(None, NAVIGATOR))
    assert REVIVED in text
    assert "Ada Marlow" in text
    assert str(world.referral(ADA).id) in text, "a link leads to the referral"


def test_the_referral_says_so_until_somebody_has_seen_to_it(browser: Browser, world: World) -> None:
    page = f"{browser.opens(None, NAVIGATOR)}{world.referral(ADA).id}"
    assert REVIVED in browser.text(page)
    answer = browser.press(browser.text(page), "/ehr/1")
    assert answer.status_code == 303
    after = browser.text(answer.headers["Location"])
    assert "you have seen to it" in after
    assert REVIVED not in after
    assert "Looked at in the record system" in after
    assert REVIVED not in browser.text(browser.opens(None, NAVIGATOR))
    assert len(audited(world, "referral.ehr_settled")) == 1


def test_a_referral_that_is_held_there_says_so(browser: Browser, world: World) -> None:
    world.released("eva-falls")
    (request,) = world.ours("eva-falls", "ServiceRequest")
    world.ehr.api.store.update("ServiceRequest", request["id"], {**request, "status": "on-hold"})
    world.stride.closed_loop.look(TENANT)
    text = browser.text(f"{browser.opens(None, NAVIGATOR)}{world.referral('eva-falls').id}")
    assert "The request was put on hold in the record system." in text
    assert "Put on hold in the record system" in text
