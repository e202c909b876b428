"""Where the EHR and we disagree, a navigator sees both versions and decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fhirapp.demo.settings import TENANT
from fhirapp.referrals.judging import write_back_soon
from fhirapp.referrals.store import Referrals
from fhirapp.ui.ehr_conflicts import BUTTONS, WHY
from fhirapp.write_back.conflicts import REASONS, EhrConflictRow
from tests.fhirapp.ui.conftest import NAVIGATOR, Browser, audited
from tests.world import World


def deleted_there(world: World, patient: str) -> None:
    """Somebody deletes the exercise plan in the EHR, and we come to write it."""
    referral = world.released(patient)
    (plan,) = world.ours(patient, "CarePlan")
    world.ehr.api.store.delete("CarePlan", plan["id"])
    with world.stride.sessions.begin() as session:
        Referrals(session, TENANT).resources(referral.id)["care-plan"].status = "unknown"
        write_back_soon(session, Referrals(session, TENANT).get(referral.id), world.stride.clock())
    world.worker.run_due()


def test_every_reason_has_its_words_and_its_buttons() -> None:
    assert set(WHY) == set(BUTTONS) == set(REASONS)


@pytest.mark.parametrize(("resolution", "after"), [("theirs", []), ("ours", ["draft"])])
def test_a_navigator_sees_both_versions_and_decides(
    world: World, browser: Browser, resolution: str, after: list[str]
) -> None:
    patient = "ada-refer" if resolution == "ours" else "gus-killed"
    deleted_there(world, patient)
    queue = browser.opens(None, NAVIGATOR)
    assert "Disagreements with the record system: 1" in browser.text(queue)
    page = f"{queue}conflicts"
    shown = browser.text(page)
    for words in ("Somebody deleted it in the record system.", "Exercise plan", "not there", "draft", "Make it again"):
        assert words in shown
    answer = browser.press(shown, f"/{resolution}")
    assert "Noted" in browser.text(answer.headers["Location"])
    assert browser.press(shown, f"/{resolution}").status_code == 303, "pressing twice is no error"
    for _ in range(3):
        world.worker.run_due()
        world.stride.clock.move(timedelta(minutes=2))
    assert world.written(patient)["CarePlan"] == after
    assert "has what it should have" in browser.text(page)
    assert audited(world, "referral.ehr_decided")


def test_both_versions_are_sealed(world: World, browser: Browser) -> None:
    deleted_there(world, "hana-parallel")
    with world.stride.sessions() as session:
        row = session.query(EhrConflictRow).filter(EhrConflictRow.settled_at.is_(None)).one()
    assert "CarePlan" not in row.sealed
    browser.press(browser.text(f"{browser.opens(None, NAVIGATOR)}conflicts"), "/theirs")


def test_nothing_is_decided_with_a_word_that_is_none_of_the_two(world: World, browser: Browser) -> None:
    deleted_there(world, "jo-accepts")
    page = f"{browser.opens(None, NAVIGATOR)}conflicts"
    shown = browser.text(page)
    form = shown.split('action="')[1].split('"')[0].replace("/theirs", "/burn")
    token = shown.split('name="form_token" value="')[1].split('"')[0]
    assert browser.client.post(form, data={"form_token": token}).status_code == 303
    assert "Somebody deleted it" in browser.text(page)
