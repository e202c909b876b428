"""The opt-out link: one step, at once, harmless to scanners."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from fhirapp.demo.settings import TENANT
from fhirapp.referrals.links import OptOutLink
from fhirapp.referrals.notices import Notice, open_notice
from fhirapp.referrals.status import State
from tests.fhirapp.ui.conftest import Browser, audited
from tests.fhirapp.ui.forms import forms_of
from tests.world import CLINICIAN, World


def signed(world: World, patient: str) -> str:
    """Sign for this patient, and give the link of the notice, without the host."""
    referral = world.opened(patient)
    world.stride.actions.sign(referral.id, actor=CLINICIAN, now=world.stride.clock())
    world.worker.run_due()
    with world.stride.sessions() as session:
        notice = session.execute(sa.select(Notice).where(Notice.referral_id == referral.id)).scalar_one()
    return open_notice(notice, world.stride.sealer)["link"].removeprefix(world.url)


def test_opening_the_link_changes_nothing_however_often(browser: Browser, world: World) -> None:
    link = signed(world, "ada-refer")
    for method in ("GET", "HEAD", "GET"):
        assert browser.client.open(link, method=method).status_code == 200
    assert world.referral("ada-refer").status is State.OPT_OUT_OPEN


def test_one_press_stops_the_referral_and_revokes_it(browser: Browser, world: World) -> None:
    link = signed(world, "cleo-optout")
    form = forms_of(browser.text(link))[0]
    assert [button.strip() for button in form.buttons] == ["I do not want this referral"]
    answer = browser.client.post(form.action, data=form.values)
    assert answer.status_code == 303
    assert "We have stopped your referral" in browser.text(answer.headers["Location"])
    referral = world.referral("cleo-optout")
    assert (referral.status, referral.reason_code) == (State.OPTED_OUT, "OO-NOTINT")
    world.worker.run_due()
    assert world.written("cleo-optout")["ServiceRequest"] == ["revoked"]


def test_saying_no_twice_is_no_error(browser: Browser, world: World) -> None:
    link = signed(world, "eva-falls")
    assert [browser.client.post(link).status_code for _ in range(2)] == [303, 303]
    assert world.history("eva-falls").count("opt_out") == 1
    html = browser.text(link)
    assert forms_of(html) == []
    assert "You can come back at any time" in html
    assert "+1 555 0110" in html


@pytest.mark.parametrize(
    ("said", "kept"),
    [("OO-TRANSP", "OO-TRANSP"), ("OO-NEVER", "OO-NEVER"), ("CL-CONTRA", "OO-NOTINT"), ("nonsense", "OO-NOTINT")],
    ids=["a reason", "never again", "no patient's reason", "no reason of ours"],
)
def test_a_reason_is_kept_if_it_is_one_of_the_patients(browser: Browser, world: World, said: str, kept: str) -> None:
    patient = {"OO-TRANSP": "gus-killed", "OO-NEVER": "hana-parallel", "CL-CONTRA": "jo-accepts"}.get(
        said, "mia-survivor"
    )
    link = signed(world, patient)
    browser.client.post(link, data={"reason": said})
    assert world.referral(patient).reason_code == kept


def test_the_page_holds_nothing_clinical_and_no_name(browser: Browser, world: World) -> None:
    html = browser.text(signed(world, "oli-neuropathy"))
    for word in ("Olivia", "Brandt", "cancer", "neoplasm", "colon", "Tier", "oxaliplatin"):
        assert word not in html
    assert "City Hospital" in html


def test_a_foreign_link_gets_a_friendly_page_with_a_number_to_call(browser: Browser) -> None:
    for token in ("x", "WyJjaXR5Il0.made-up", "a" * 3000):
        answer = browser.get(f"/o/{token}")
        assert answer.status_code == 404
        assert "This link no longer works" in answer.text
        assert "+1 555 0110" in answer.text
        assert browser.client.post(f"/o/{token}").status_code == 404


def test_an_expired_link_gets_the_same_page(browser: Browser, world: World) -> None:
    referral = world.opened("ned-prehab")
    past = world.stride.clock() - timedelta(seconds=2)
    url = world.stride.links.url(OptOutLink(TENANT, referral.id), past).removeprefix(world.url)
    assert browser.get(url).status_code == 404
    assert browser.client.post(url).status_code == 404
    assert world.referral("ned-prehab").is_open


def test_a_link_to_a_tenant_that_is_gone_is_refused(browser: Browser, world: World) -> None:
    referral = world.opened("ned-prehab")
    later = world.stride.clock() + timedelta(days=1)
    url = world.stride.links.url(OptOutLink("closed-hospital", referral.id), later).removeprefix(world.url)
    assert browser.get(url).status_code == 404


def test_an_ended_referral_says_that_nothing_is_left_to_stop(browser: Browser, world: World) -> None:
    link = signed(world, "kim-bonemets") if world.newest("kim-bonemets") else None
    if link is None:
        referral = world.opened("kim-bonemets")
        now = world.stride.clock()
        world.stride.actions.clear(referral.id, ["BON-04"], actor=CLINICIAN, now=now)
        link = signed(world, "kim-bonemets")
    world.stride.actions.decline(
        world.referral("kim-bonemets").id, "CL-CHOICE", actor=CLINICIAN, now=world.stride.clock()
    )
    html = browser.text(link)
    assert "This referral has ended" in html
    assert forms_of(html) == []
    browser.client.post(link)
    assert world.referral("kim-bonemets").status is State.DECLINED


def test_opening_and_saying_no_are_audited_as_the_patient(browser: Browser, world: World) -> None:
    rows = audited(world, "page.opt-out") + audited(world, "referral.opt_out")
    assert rows
    assert {row.role for row in rows} == {"patient"}


def test_the_outbox_shows_the_notice_with_its_link(browser: Browser, world: World) -> None:
    link = signed(world, "bea-override")
    html = browser.text("/outbox")
    assert f'href="{world.url}{link}"' in html
    assert "Beata Nowak" in html
