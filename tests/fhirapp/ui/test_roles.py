"""Who may do what on the pages. Source: pathway.md section 7, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cds_hooks.ports import FeedbackEntry
from fhirapp.demo.settings import TENANT
from fhirapp.referrals.errors import TransitionNotAllowed
from fhirapp.referrals.status import State
from fhirapp.tenants import Contact
from fhirapp.ui.errors import NotForYou
from tests.fhirapp.ui.conftest import NAVIGATOR, Browser
from tests.fhirapp.ui.forms import form_to, forms_of
from tests.world import NAVIGATOR as NAVIGATOR_ACTS
from tests.world import World

NURSE = "Practitioner/nurse-hill"


@pytest.fixture(autouse=True)
def _a_nurse(world: World) -> None:
    tenants = world.stride.tenants.by_id
    tenants[TENANT] = replace(tenants[TENANT], nurses={NURSE: Contact(NURSE, "Nurse Hill")})  # type: ignore[index]


def test_a_nurse_passes_on_a_patients_no_and_signs_nothing(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens("bea-override", NURSE))
    assert [form.action.rsplit("/", 1)[1] for form in forms_of(html)] == ["not-now"]
    assert "a doctor or nurse practitioner signs" in html
    form = form_to(html, "/not-now")
    assert browser.client.post(form.action.replace("/not-now", "/sign"), data=form.values).status_code == 409
    assert world.referral("bea-override").status is State.PROPOSED
    assert browser.press(html, "/not-now", reason="CL-CONTRA").status_code == 422, "that is a doctor's reason"
    assert browser.press(html, "/not-now", reason="OO-FEAR").status_code == 303
    after = world.referral("bea-override")
    assert (after.status, after.reason_code) == (State.OPTED_OUT, "OO-FEAR")


def test_a_card_that_a_nurse_accepts_is_no_signature(world: World) -> None:
    from fhirapp.referrals.cards import Card

    world.opened("jo-accepts")
    with world.stride.sessions.begin() as session:
        card = session.query(Card).filter(Card.referral_id == world.referral("jo-accepts").id).one()
        card.user = NURSE
        card_id, suggestion = str(card.id), str(card.suggestion_id)
    client = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert client is not None
    entry = FeedbackEntry(card_id, "accepted", world.stride.clock(), frozenset({suggestion}))
    world.stride.feedbacks.record(client, "exercise-referral", [entry], now=world.stride.clock())
    assert world.referral("jo-accepts").status is State.PROPOSED


@pytest.mark.parametrize("user", ["Patient/mia-survivor", "RelatedPerson/daughter"])
def test_a_patient_or_proxy_gets_no_page_of_the_staff(browser: Browser, user: str) -> None:
    with pytest.raises(NotForYou):
        browser.launch("mia-survivor", user)


def test_a_navigator_gets_no_clinicians_page_and_clears_nothing(browser: Browser, world: World) -> None:
    assert "/queue/" in browser.opens("kim-bonemets", NAVIGATOR)
    referral = world.opened("kim-bonemets")
    with pytest.raises(TransitionNotAllowed):
        world.stride.actions.clear(referral.id, ["BON-04"], actor=NAVIGATOR_ACTS, now=world.stride.clock())


def test_nobody_on_any_page_overrides_a_hold(browser: Browser, world: World) -> None:
    world.opened("dan-platelets")
    for user in ("Practitioner/dr-lind", NURSE):
        html = browser.text(browser.opens("dan-platelets", user))
        assert "/sign" not in {form.action.rsplit("/", 1)[1] for form in forms_of(html)}
    assert world.referral("dan-platelets").status is State.HELD
