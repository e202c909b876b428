"""The clinician's one screen, in front of the demo EHR."""

from __future__ import annotations

import re
from dataclasses import replace

from fhirapp.referrals.status import State
from smart_launch.context import LaunchContext
from smart_launch.ports import Registration
from tests.fhirapp.ui.conftest import DOCTOR, Browser, audited
from tests.fhirapp.ui.forms import forms_of
from tests.world import World

READ_ONLY = "launch openid fhirUser " + " ".join(
    f"patient/{kind}.rs"
    for kind in (
        "Patient", "Encounter", "Condition", "Observation", "MedicationRequest", "MedicationAdministration",
        "Procedure", "QuestionnaireResponse", "ServiceRequest",
    )
)  # fmt: skip


def test_the_screen_cites_rule_value_unit_date_and_source(browser: Browser) -> None:
    html = browser.text(browser.opens("dan-platelets"))
    assert "Hold: Platelets are critically low" in html
    assert "HEM-01" in html
    assert re.search(r"Platelets\s*<b>8 ×10⁹/L</b>, \d+ \w+ 20\d\d", html)
    assert "Observation/dan-platelets" in html


def test_a_held_patient_cannot_be_signed_even_by_a_forged_form(browser: Browser, world: World) -> None:
    page = browser.opens("dan-platelets")
    html = browser.text(page)
    assert not [form for form in forms_of(html) if form.action.endswith("/sign")]
    answer = browser.press(html, "/not-now")  # its token, with no reason
    token = forms_of(html)[0].values["form_token"]
    seen = "0" * 16
    forged = browser.client.post(f"{page}sign", data={"form_token": token, "seen": seen})
    assert (answer.status_code, forged.status_code) == (422, 409)
    assert world.referral("dan-platelets").status is State.HELD


def test_one_click_signs_and_the_ehr_has_it_under_the_clinicians_name(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens("ada-refer"))
    answer = browser.press(html, "/sign")
    assert answer.status_code == 303
    done = browser.text(answer.headers["Location"])
    request = world.ours("ada-refer", "ServiceRequest")[0]
    assert (request["status"], request["requester"]["reference"]) == ("active", DOCTOR)
    assert f"ServiceRequest/{request['id']}" in done
    assert "not confirmed" not in done
    assert world.referral("ada-refer").signed_by == "clinician"
    assert {line["client_id"] for line in world.ehr.journal.since() if line["method"] == "POST"} == {"stride-app"}


def test_the_worker_has_nothing_left_to_write_after_that(browser: Browser, world: World) -> None:
    before = world.written("ada-refer")
    world.worker.run_due()
    assert world.written("ada-refer") == before


def test_a_signed_referral_shows_dates_history_and_one_way_back(browser: Browser) -> None:
    html = browser.text(browser.opens("ada-refer"))
    assert "Referred: " in html
    assert "the navigators begin after" in html
    assert "Signed</strong>" in html
    assert [form.action.rsplit("/", 1)[1] for form in forms_of(html)] == ["not-now", "move", "move"]


def test_one_click_records_the_clearance_and_signs(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens("kim-bonemets"))
    assert "Record clearance and sign" in html
    assert browser.press(html, "/sign").status_code == 303
    referral = world.referral("kim-bonemets")
    assert referral.status is State.OPT_OUT_OPEN
    assert "BON-04" in referral.cleared_rules
    assert world.written("kim-bonemets")["CarePlan"] == ["draft"]


def test_what_has_changed_since_it_was_looked_at_is_not_signed(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens("eva-falls"))
    world.add_platelets("eva-falls", 8)
    answer = browser.press(html, "/sign")
    assert answer.status_code == 409
    assert "The chart has changed since this page was opened" in answer.text
    assert "Hold: " in answer.text
    assert world.referral("eva-falls").status is State.HELD
    assert world.ours("eva-falls", "ServiceRequest") == []


def test_nothing_is_signed_while_the_ehr_does_not_answer(browser: Browser, world: World) -> None:
    page = browser.opens("gus-killed")
    html = browser.text(page)
    world.ehr.faults.replace([{"status": 503}])
    answer = browser.press(html, "/sign")
    assert answer.status_code == 503
    assert "Nothing was signed." in answer.text
    assert browser.get(page).status_code == 503
    assert world.referral("gus-killed").status is State.PROPOSED


def test_a_signature_stands_when_the_ehr_takes_no_writing_from_this_person(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens("gus-killed", scopes=READ_ONLY))
    answer = browser.press(html, "/sign")
    done = browser.text(answer.headers["Location"])
    assert "Signed. The record system has not confirmed yet; we keep trying." in done
    assert world.referral("gus-killed").status is State.OPT_OUT_OPEN
    assert world.ours("gus-killed", "ServiceRequest") == []
    world.stride.clock.move(world.tenant.windows.patient / 1000)
    world.worker.run_due()
    assert world.written("gus-killed")["ServiceRequest"] == ["active"]
    assert "not confirmed" not in browser.text(answer.headers["Location"])


def test_no_without_a_reason_is_asked_for_one(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens("bea-override"))
    answer = browser.press(html, "/not-now")
    assert answer.status_code == 422
    assert "Choose a reason" in answer.text
    assert re.search(r'<details class="no" open>', answer.text)
    assert browser.press(html, "/not-now", reason="OO-DIED").status_code == 422  # not one of the choices
    assert world.referral("bea-override").status is State.PROPOSED


def test_not_now_keeps_the_reason_and_writes_nothing(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens("bea-override"))
    done = browser.text(browser.press(html, "/not-now", reason="CL-CHOICE").headers["Location"])
    referral = world.referral("bea-override")
    assert (referral.status, referral.reason_code, referral.reoffer_at) == (State.DECLINED, "CL-CHOICE", None)
    assert "looks again in the next phase of treatment" in done
    assert "Declined: prefers another plan" in done
    assert "Nothing of this referral was written." in done
    assert world.written("bea-override")["ServiceRequest"] == []
    again = browser.text(browser.opens("bea-override"))
    assert "No referral now: Declined by the clinician" in again
    assert "looks again in the next phase of treatment" in again
    assert [form.action.rsplit("/", 1)[1] for form in forms_of(again)] == ["again", "move"]
    assert browser.press(again, "/again").status_code == 303
    assert "Refer:" in browser.text(browser.opens("bea-override")), "who asks to be asked is heard at once"
    assert world.referral("bea-override").ordinal == 2


def test_a_withdrawn_referral_is_revoked_in_the_ehr(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens("kim-bonemets"))
    assert browser.press(html, "/not-now", reason="CL-PALL").status_code == 303
    assert world.written("kim-bonemets")["ServiceRequest"] == ["revoked"]


def test_who_is_not_named_by_the_ehr_reads_and_signs_nothing(browser: Browser, world: World) -> None:
    page = browser.opens("hana-parallel", user=None)
    html = browser.text(page)
    assert "did not say who you are" in html
    assert forms_of(html) == []
    assert world.referral("hana-parallel").status is State.PROPOSED


def test_a_grant_with_holes_shows_them_and_moves_no_referral_that_was_judged_from_more(
    browser: Browser, world: World
) -> None:
    world.opened("jo-accepts")
    narrow = READ_ONLY.replace("patient/MedicationAdministration.rs ", "")
    html = browser.text(browser.opens("jo-accepts", scopes=narrow))
    assert "Could not be read:</strong> medication given" in html
    assert "Your access does not cover the whole chart" in html
    assert world.referral("jo-accepts").status is State.PROPOSED


def test_a_token_that_does_not_even_give_the_patient_ends_the_page(browser: Browser, world: World) -> None:
    world.opened("oli-neuropathy")
    page = browser.opens("oli-neuropathy")
    world.ehr.tokens.revoke_all()
    answer = browser.get(page)
    assert answer.status_code == 403
    assert "Your access to the record system has ended" in answer.text
    assert world.referral("oli-neuropathy").status is State.PROPOSED


def test_an_expired_token_without_a_refresh_token_ends_the_page(browser: Browser, world: World) -> None:
    page = browser.opens("oli-neuropathy", expires_at=browser.house.wall_clock())
    assert browser.get(page).status_code == 403


def test_access_that_ran_out_is_renewed_once_where_that_is_possible(browser: Browser, world: World) -> None:
    fresh = browser.context("oli-neuropathy")
    asked = []

    class Renews:
        def refreshed(self, registration: Registration, context: LaunchContext) -> LaunchContext:
            asked.append((registration.tenant_id, context.refresh_token))
            return replace(context, access_token=fresh.access_token, expires_at=fresh.expires_at, refresh_token=None)

    house = replace(browser.house, refresher=Renews())
    page = browser.opens("oli-neuropathy", expires_at=house.wall_clock(), access_token="old", refresh_token="r1")
    browser.moves_to(house)
    for _ in range(2):
        assert "Olivia Brandt" in browser.text(page)
    assert asked == [("city", "r1")]


def test_an_ineligible_patient_gets_one_plain_reason(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens("fred-ineligible"))
    assert "No exercise referral for this patient" in html
    assert "No cancer or other condition that the service covers" in html
    assert forms_of(html) == []
    assert world.newest("fred-ineligible") is None


def test_unanswered_questions_are_said_and_the_dose_is_a_draft(browser: Browser) -> None:
    html = browser.text(browser.opens("ivo-unanswered"))
    assert "The six safety questions have not been answered" in html
    assert "draft, not released" in html
    assert "Not answered:" in html


def test_sm_c2_the_banner_stands_unless_the_ehr_shows_its_own(browser: Browser) -> None:
    with_banner = browser.text(browser.opens("mia-survivor"))
    without = browser.text(browser.opens("mia-survivor", need_patient_banner=False))
    for fact in ("Mia Halvorsen", "Born", "MRN-MIA-SURVIVOR", "female"):
        assert fact in with_banner
        assert fact not in without


def test_a_name_with_markup_in_it_is_only_text(browser: Browser, world: World) -> None:
    patient = world.ehr.api.store.read("Patient", "pia-partial")
    patient = dict(getattr(patient, "resource", patient))
    patient["name"] = [{"text": "<script>alert(1)</script>"}]
    world.ehr.api.store.update("Patient", "pia-partial", patient)
    html = browser.text(browser.opens("pia-partial"))
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_each_look_at_a_patient_is_audited(browser: Browser, world: World) -> None:
    before = len(audited(world, "page.clinician"))
    browser.text(browser.opens("lou-febrile"))
    rows = audited(world, "page.clinician")
    assert len(rows) == before + 1
    assert (rows[-1].actor, rows[-1].patient_id, rows[-1].role) == (DOCTOR, "lou-febrile", "clinician")
    assert rows[-1].details == {"verdict": "hold-emergency"}
