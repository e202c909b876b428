"""The navigators' queue in front of the demo EHR."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from fhirapp.referrals.status import State
from tests.fhirapp.ui.conftest import NAVIGATOR, OTHER_NAVIGATOR, Browser, answers, audited
from tests.fhirapp.ui.forms import form_to, forms_of
from tests.world import PATIENT_WINDOW, World

PATIENTS = (
    "ada-refer", "bea-override", "eva-falls", "gus-killed", "hana-parallel", "ivo-unanswered", "jo-accepts",
    "mia-survivor", "ned-prehab", "oli-neuropathy",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _a_full_queue(world: World) -> None:
    """Everybody's windows have passed and nobody said no."""
    from tests.world import CLINICIAN_WINDOW

    for patient in PATIENTS:
        world.opened(patient)
    world.pass_time(CLINICIAN_WINDOW)
    world.pass_time(PATIENT_WINDOW)


@pytest.fixture
def second(other_browser: Browser, world: World) -> Browser:
    """Another navigator at another desk."""
    return other_browser


def page_of(browser: Browser, world: World, patient: str, user: str = NAVIGATOR) -> str:
    """The address of one referral in a session of this navigator."""
    return f"{browser.opens(None, user)}{world.referral(patient).id}"


def claimed(browser: Browser, world: World, patient: str) -> str:
    """The page of a referral that this navigator has claimed."""
    page = page_of(browser, world, patient)
    if world.referral(patient).status is State.QUEUED:
        browser.press(browser.text(page), "/claim")
    return page


def press(browser: Browser, page: str, act: str, **filled: str) -> str:
    """Press a button of the page and follow to what is said."""
    answer = browser.press(browser.text(page), act, **filled)
    assert answer.status_code == 303, answer.text
    return browser.text(answer.headers["Location"])


# ------------------------------------------------------------ the list


def test_the_list_shows_who_why_what_and_until_when(browser: Browser) -> None:
    html = browser.text(browser.opens(None, NAVIGATOR))
    row = next(part for part in html.split("<tr") if "Ivo Kovač" in part)
    words = re.sub(r"<[^>]+>", " ", row)
    for shown in ("72 y", "MRN-IVO-UNANSWERED", "Croatian", "Malignant neoplasm of ascending colon", "Claim by",
                  "Questions to ask", "0 of 4 tries", "supervision 3"):  # fmt: skip
        assert shown in re.sub(r"\s+", " ", words), shown


def test_the_most_urgent_comes_first(browser: Browser) -> None:
    html = browser.text(browser.opens(None, NAVIGATOR))
    levels = [int(level) for level in re.findall(r'class="priority p(\d)"', html)]
    assert levels == sorted(levels)
    assert levels[0] < levels[-1]
    assert html.index("Edward Byrne") < html.index("Mia Halvorsen")


def test_no_probability_stands_in_the_list(browser: Browser, world: World) -> None:
    html = browser.text(browser.opens(None, NAVIGATOR))
    estimate = world.referral("ada-refer").summary["estimates"]["adherence"]["probability"]
    assert f"{estimate:.2f}" not in html
    assert not re.search(r"\d\s*%", re.sub(r"<[^>]+>", " ", html))


def test_the_filters_divide_the_list(browser: Browser, world: World) -> None:
    claimed(browser, world, "gus-killed")
    queue = browser.opens(None, NAVIGATOR)
    mine, free = browser.text(f"{queue}?show=mine"), browser.text(f"{queue}?show=unclaimed")
    assert "Guus de Wit" in mine
    assert "Guus de Wit" not in free
    assert "Mia Halvorsen" in free
    assert "Mia Halvorsen" not in mine
    assert "Guus de Wit" in browser.text(f"{queue}?show=nonsense")


def test_a_long_list_is_cut_into_leaves(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from fhirapp.ui import navigator_pages

    whole = browser.text(browser.opens(None, NAVIGATOR))
    monkeypatch.setattr(navigator_pages, "LEAF", 3)
    queue = browser.opens(None, NAVIGATOR)
    seen: list[str] = []
    for number in ("1", "2", "3", "4"):
        seen += re.findall(
            r'<a href="[^"]+">([^<]+)</a>\s+<span class="small soft">', browser.text(f"{queue}?page={number}")
        )
    assert len(seen) == len(set(seen)) == whole.count('class="priority')
    for odd in ("0", "99999", "x", "-1", "9" * 50):
        assert "Page " in browser.text(f"{queue}?page={odd}")


def test_the_list_is_audited_with_what_it_showed(browser: Browser, world: World) -> None:
    browser.text(browser.opens(None, NAVIGATOR))
    assert str(world.referral("mia-survivor").id) in audited(world, "page.queue")[-1].details["referrals"]


def test_what_is_late_says_so_in_words(browser: Browser, world: World) -> None:
    world.stride.clock.move(timedelta(days=4))
    html = browser.text(browser.opens(None, NAVIGATOR))
    assert re.search(r'class="due overdue">.*?<strong>Overdue:</strong>', html, re.S)
    assert "overdue</strong>" in html


# ------------------------------------------------------------ what may be seen


def test_a_referral_that_was_not_released_is_not_there_for_navigators(browser: Browser, world: World) -> None:
    referral = world.opened("dan-platelets")
    answer = browser.get(f"{browser.opens(None, NAVIGATOR)}{referral.id}")
    assert answer.status_code == 404
    assert "Osei" not in answer.text
    assert "Osei" not in browser.text(browser.opens(None, NAVIGATOR))


def test_an_unknown_referral_and_an_unknown_button_are_not_found(browser: Browser, world: World) -> None:
    queue = browser.opens(None, NAVIGATOR)
    assert browser.get(f"{queue}{uuid4()}").status_code == 404
    token = form_to(browser.text(f"{queue}{world.referral('mia-survivor').id}"), "/claim").values
    assert browser.client.post(f"{queue}{world.referral('mia-survivor').id}/explode", data=token).status_code == 404


def test_another_tenants_navigator_sees_nothing_of_ours(browser: Browser, world: World) -> None:
    queue = browser.opens(None, NAVIGATOR)
    with world.stride.sessions.begin() as session:
        from fhirapp.ui.session import PageSession, digest

        row = session.get_one(PageSession, digest(queue.split("/")[2]))
        row.tenant_id = "other"
    assert browser.get(f"{queue}{world.referral('ada-refer').id}").status_code == 404
    assert "Ada" not in browser.text(queue)


def test_each_look_at_a_referral_is_audited(browser: Browser, world: World) -> None:
    browser.text(page_of(browser, world, "mia-survivor"))
    row = audited(world, "page.referral")[-1]
    assert (row.actor, row.patient_id, row.role) == (NAVIGATOR, "mia-survivor", "navigator")


def test_a_launch_from_an_open_chart_leads_to_its_referral(browser: Browser, world: World) -> None:
    assert browser.opens("mia-survivor", NAVIGATOR).endswith(str(world.referral("mia-survivor").id))
    assert browser.opens("mia-survivor", NAVIGATOR, intent="referral-queue").endswith("/")


# ------------------------------------------------------------ claim


def test_the_second_of_two_claims_is_told_who_was_first(browser: Browser, second: Browser, world: World) -> None:
    page, late_page = page_of(browser, world, "ada-refer"), page_of(second, world, "ada-refer")
    late = second.text(late_page)  # both look at it before either presses
    assert "It is yours now" in press(browser, page, "/claim")
    answer = second.press(late, "/claim")
    assert answer.status_code == 409
    assert "Tamsin Ray took it at" in answer.text
    assert world.history("ada-refer").count("claim") == 1


# ------------------------------------------------------------ contact


def test_an_attempt_is_logged_with_what_to_do_next(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "ada-refer")
    html = press(browser, page, "/attempt", channel="phone", outcome="no-answer", note="rang twice")
    for shown in ("The attempt is logged", "Try again on another day", "rang twice", "1 of 4 tries", "Next try"):
        assert shown in html


def test_an_attempt_needs_channel_and_outcome(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "ada-refer")
    answer = browser.press(browser.text(page), "/attempt", channel="smoke", outcome="reached")
    assert answer.status_code == 422
    assert "nothing was done" in answer.text


def test_notes_are_sealed(world: World) -> None:
    from fhirapp.referrals.referral import ContactAttempt

    with world.stride.sessions() as session:
        notes = [row.note for row in session.query(ContactAttempt) if row.note]
    assert notes
    assert all("rang twice" not in note for note in notes)


def test_giving_up_waits_until_enough_was_tried(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "jo-accepts")
    html = browser.text(page)
    assert not [form for form in forms_of(html) if form.action.endswith("/give-up")]
    token = forms_of(html)[0].values["form_token"]
    assert browser.client.post(f"{page}/give-up", data={"form_token": token}).status_code == 422
    for channel in ("phone", "sms", "phone", "letter"):
        press(browser, page, "/attempt", channel=channel, outcome="no-answer")
        world.stride.clock.move(timedelta(days=1, hours=7))
    world.stride.clock.move(timedelta(days=10))
    assert "Kept as not reached" in press(browser, page, "/give-up")
    assert world.referral("jo-accepts").status is State.UNREACHABLE


# ------------------------------------------------------------ safety questions


def test_the_first_step_is_to_ask_where_nobody_has(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "ivo-unanswered")
    html = browser.text(page)
    assert "First step: ask the safety questions" in html
    assert len(form_to(html, "/answers").choices) == 6
    assert "/offer" not in html


def test_all_six_questions_need_an_answer(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "ivo-unanswered")
    some = answers()
    del some["fever"]
    answer = browser.press(browser.text(page), "/answers", **some)
    assert answer.status_code == 422
    assert "All six questions need an answer" in answer.text
    assert answer.text.count("Needs an answer") == 1
    kept = form_to(answer.text, "/answers").values
    assert kept["chest-pain"] == "no"  # what was ticked stays ticked
    assert world.history("ivo-unanswered").count("answers") == 0


def test_no_programme_can_be_offered_before_the_answers(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "ivo-unanswered")
    token = forms_of(browser.text(page))[0].values["form_token"]
    answer = browser.client.post(f"{page}/offer", data={"form_token": token, "programme": "physiotherapy"})
    assert answer.status_code in (409, 422)
    assert world.referral("ivo-unanswered").status is State.CONTACTING


def test_the_answers_release_the_prescription(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "ivo-unanswered")
    world.worker.run_due()
    assert world.written("ivo-unanswered")["CarePlan"] == []
    html = press(browser, page, "/answers", **answers())
    assert "judged again" in html
    assert "Next step: offer a programme" in html
    assert world.referral("ivo-unanswered").prescription_released
    world.worker.run_due()
    assert world.written("ivo-unanswered")["CarePlan"] == ["draft"]


def test_a_programme_below_the_needed_supervision_is_shown_disabled_and_refused(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "ivo-unanswered")
    html = browser.text(page)
    form = form_to(html, "/offer")
    refused = form.disabled["programme"]
    assert refused
    assert "Not enough supervision" in html
    answer = browser.press(html, "/offer", programme=refused[0])
    assert answer.status_code == 422
    assert "does not give enough supervision" in answer.text
    assert browser.press(html, "/offer", programme="made-up").status_code == 422
    assert world.referral("ivo-unanswered").status is State.CONTACTING


def test_the_offer_goes_its_way_through_rejection_to_a_booking(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "ivo-unanswered")
    first, other = form_to(browser.text(page), "/offer").choices["programme"][:2]
    assert "The programme has been asked" in press(browser, page, "/offer", programme=first)
    world.worker.run_due()
    assert world.written("ivo-unanswered")["Task"] == ["in-progress", "requested"]
    assert "The programme said no" in press(browser, page, "/programme", said="reject")
    world.worker.run_due()
    press(browser, page, "/offer", programme=other)
    assert "Booked." in press(browser, page, "/programme", said="accept")
    world.worker.run_due()
    assert world.referral("ivo-unanswered").status is State.BOOKED
    assert world.written("ivo-unanswered")["Task"] == ["accepted", "in-progress", "rejected"]


def test_a_yes_holds_the_referral_and_says_what_to_do(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "hana-parallel")
    html = press(browser, page, "/answers", **answers(chest_pain=True))
    for shown in ("answered yes to a safety question", "Stop here", "Tell Dr Maren Lind now", "+1 555 0199", "CAR-01"):
        assert shown in html
    assert world.referral("hana-parallel").status is State.HELD
    assert not [form for form in forms_of(html) if form.action.rsplit("/", 1)[1] in ("offer", "attempt", "answers")]
    world.worker.run_due()
    assert world.written("hana-parallel")["ServiceRequest"] == ["on-hold"]
    assert "Hana Mori" in browser.text(browser.opens(None, NAVIGATOR))  # it stays in sight


def test_a_yes_is_told_even_when_the_ehr_does_not_answer(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "oli-neuropathy")
    html = browser.text(page)
    world.ehr.faults.replace([{"status": 503}])
    answer = browser.press(html, "/answers", **answers(fever=True))
    told = browser.text(answer.headers["Location"])
    assert "the chart is not judged yet" in told
    assert "Stop here" in told
    programme = form_to(told, "/offer").choices["programme"][0]
    refused = browser.press(told, "/offer", programme=programme)  # nothing is offered without a fresh chart
    assert "nothing was done" in browser.text(refused.headers["Location"])
    world.ehr.faults.replace([])
    held = browser.press(told, "/offer", programme=programme)
    assert held.status_code == 409
    assert world.referral("oli-neuropathy").status is State.HELD


def test_the_answers_are_kept_as_a_response_of_the_patient(world: World) -> None:
    from fhirapp.demo.settings import TENANT
    from fhirapp.referrals.store import Referrals
    from mappings.canonical import SAFETY_QUESTIONS

    with world.stride.sessions() as session:
        kept = Referrals(session, TENANT).answers_of("hana-parallel")[0]
    resource = kept.resource
    assert (resource["resourceType"], resource["status"]) == ("QuestionnaireResponse", "completed")
    assert resource["questionnaire"] == SAFETY_QUESTIONS
    assert resource["subject"] == {"reference": "Patient/hana-parallel"}
    assert resource["author"] == {"reference": NAVIGATOR}
    said = {item["linkId"]: item["answer"][0]["valueBoolean"] for item in resource["item"]}
    assert said == {name: value == "yes" for name, value in answers(chest_pain=True).items()}


# ------------------------------------------------------------ the end


def test_a_patients_no_closes_the_referral(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "eva-falls")
    html = press(browser, page, "/close", reason="OO-TIME")
    assert "Nobody will contact the patient" in html
    assert "No time: work or caring" in html
    assert [form.buttons[0].strip() for form in forms_of(html)] == [
        "The patient asks to be referred again",
        "Entered in error",
    ]
    referral = world.referral("eva-falls")
    assert (referral.status, referral.reason_code) == (State.OPTED_OUT, "OO-TIME")
    assert "Eva Lemaire" not in browser.text(browser.opens(None, NAVIGATOR))


@pytest.mark.parametrize("reason", ["", "CL-CONTRA", "nonsense"])
def test_closing_needs_a_reason_of_the_list(browser: Browser, world: World, reason: str) -> None:
    page = claimed(browser, world, "bea-override")
    answer = browser.press(browser.text(page), "/close", reason=reason)
    assert answer.status_code == 422
    assert world.referral("bea-override").is_open


def test_a_death_ends_everything_without_a_message(browser: Browser, world: World) -> None:
    page = claimed(browser, world, "bea-override")
    press(browser, page, "/close", reason="OO-DIED")
    assert world.referral("bea-override").status is State.DEPARTED
    notices = browser.text(f"{browser.opens(None, NAVIGATOR)}outbox")
    assert "we have stopped your referral" not in next(
        part for part in notices.split("<article") if "Beata Nowak" in part
    )


def test_another_navigator_may_not_use_the_session(second: Browser, browser: Browser, world: World) -> None:
    page = page_of(browser, world, "mia-survivor")
    second.launch("mia-survivor", "Practitioner/dr-lind")
    assert second.get(page).status_code == 403
    assert OTHER_NAVIGATOR not in second.get(page).text
