from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from fhirapp.demo_ehr.app import DemoEhr
from fhirapp.demo_ehr.loader import read_folder
from fhirapp.demo_ehr.patients import example_charts, practitioners_and_organizations
from fhirapp.demo_ehr.server import serving
from mappings.canonical import RESOURCE_IDENTIFIER, SAFETY_QUESTIONS
from tests.fhirapp.demo_ehr.conftest import a_bundle, a_patient, served, settings_for
from tests.fhirapp.demo_ehr.test_hooks import CdsService, a_card

TODAY = date(2026, 11, 25)
CHARTS = example_charts(TODAY)
SHARED = Path(__file__).parents[4] / "shared" / "fhir"
VOID = {"meta", "link", "input", "br", "hr", "img", "col"}


class Page(HTMLParser):
    """One page, read strictly enough to notice what a screen reader would miss."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.broken: list[str] = []
        self.text = ""
        self.feed(html)
        self.broken += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def every(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]

    def ids(self) -> list[str]:
        return [str(attrs["id"]) for _, attrs in self.tags if "id" in attrs]


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[CdsService, str]]:
    cds = CdsService(answer={"cards": []})
    with served(cds.app()) as base:
        yield cds, base


@pytest.fixture
def ward(service: tuple[CdsService, str]) -> Iterator[tuple[DemoEhr, CdsService]]:
    cds, base = service
    cds.status, cds.answer = 200, {"cards": [the_card()]}
    cds.calls.clear()
    cds.feedback.clear()
    staff = a_bundle(*practitioners_and_organizations())
    with serving(
        lambda url: settings_for(
            url,
            cds_base_url=base,
            charts=[staff, *(chart.bundle for chart in CHARTS), a_bundle(a_patient("ada"))],
            stories={chart.patient_id: chart.story for chart in CHARTS},
            practitioner_id="dr-lind",
            navigator_id="nav-ray",
            today=TODAY,
        )
    ) as ehr:
        cds.jwks_url = f"{ehr.settings.base_url}/cds/jwks.json"
        yield ehr, cds


def the_card() -> dict[str, Any]:
    return a_card(
        detail="**Why**\n\n- platelets 212\n\n<script>alert(1)</script> [x](javascript:alert(1))",
        overrideReasons=[{"code": "OO-ACTIVE", "system": "urn:reasons", "display": "Already active"}],
        links=[
            {"label": "Open in Stride", "url": "http://localhost:9/smart/launch", "type": "smart", "appContext": "h-1"},
            {"label": "Guideline", "url": "https://example.org/g", "type": "absolute"},
            {"label": "Bad", "url": "javascript:alert(1)", "type": "absolute"},
        ],
    )


def get(ehr: DemoEhr, path: str) -> Page:
    answer = requests.get(f"{ehr.settings.base_url}{path}", timeout=20)
    assert answer.status_code == 200, answer.text[:300]
    return Page(answer.text)


def post(ehr: DemoEhr, path: str, **form: str) -> requests.Response:
    return requests.post(f"{ehr.settings.base_url}{path}", data=form, allow_redirects=False, timeout=20)


@pytest.mark.parametrize("path", ["/", *(f"/patients/{chart.patient_id}" for chart in CHARTS)])
def test_a_page_is_whole_and_can_be_found_one_s_way_in(ward: tuple[DemoEhr, CdsService], path: str):
    page = get(ward[0], path)
    assert page.broken == []
    assert len(page.ids()) == len(set(page.ids()))
    assert dict(page.tags)["html"] == {"lang": "en"}
    assert len(page.every("h1")) == 1
    assert len(page.every("main")) == 1
    labels = {attrs.get("for") for attrs in page.every("label")}
    for field in page.every("input", "select", "textarea"):
        assert field.get("type") in ("hidden", "radio") or field["id"] in labels
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(below - above <= 1 for above, below in pairwise(levels))
    for attrs in page.every("section"):
        named = attrs.get("aria-labelledby")
        assert attrs.get("aria-label") or named is None or named in page.ids()
    assert not [attrs for _, attrs in page.tags if "style" in attrs or any(name.startswith("on") for name in attrs)]


def test_the_list_shows_every_patient_with_age_problem_and_story(ward: tuple[DemoEhr, CdsService]):
    page = get(ward[0], "/")
    for chart in CHARTS:
        assert f"/patients/{chart.patient_id}" in [attrs.get("href") for attrs in page.every("a")]
        assert chart.story in page.text
    assert "Malignant neoplasm of left female breast" in page.text
    assert "Dr Maren Lind" in page.text


def test_a_search_without_a_hit_says_so_and_shows_the_way_back(ward: tuple[DemoEhr, CdsService]):
    page = get(ward[0], "/?q=nobody-here")
    assert "Nobody matches “nobody-here”" in page.text
    assert "Marlow" in get(ward[0], "/?q=MARL").text


def test_the_policy_lets_in_no_foreign_code_and_frames_the_app_only(ward: tuple[DemoEhr, CdsService]):
    headers = requests.get(f"{ward[0].settings.base_url}/", timeout=5).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-src 'self' http://localhost:9" in policy
    assert "unsafe" not in policy


def test_a_card_is_shown_with_its_buttons_and_none_of_its_html(ward: tuple[DemoEhr, CdsService]):
    page = get(ward[0], "/patients/ada-refer")
    assert "Refer to exercise" in page.text
    assert "platelets 212" in page.text
    assert [attrs["src"] for attrs in page.every("script")] == ["/static/ehr.js"]
    assert not [attrs for _, attrs in page.tags if "javascript" in str(attrs.get("href"))]
    assert "Already active" in page.text
    assert "Bad" not in page.text


def test_the_cards_alone_are_those_of_now(ward: tuple[DemoEhr, CdsService]):
    ehr, cds = ward
    assert "Refer to exercise" in get(ehr, "/patients/ada/cards").text
    cds.answer = {"cards": []}
    alone = get(ehr, "/patients/ada/cards")
    assert alone.broken == []
    assert alone.every("html", "article") == []
    assert "the service has nothing to say" in alone.text


def test_a_chart_without_cards_says_that_there_are_none(ward: tuple[DemoEhr, CdsService]):
    ward[1].answer = {"cards": []}
    assert "the service has nothing to say" in get(ward[0], "/patients/fred-ineligible").text


def test_a_service_that_fails_leaves_the_chart_whole_and_says_so(ward: tuple[DemoEhr, CdsService]):
    ward[1].status = 500
    page = get(ward[0], "/patients/ada-refer")
    assert "No decision support at the moment." in page.text
    assert "nothing to say" not in page.text
    assert "Platelets" in page.text


def test_an_accepted_suggestion_shows_up_among_what_was_written(ward: tuple[DemoEhr, CdsService]):
    ehr, cds = ward
    request = cds.answer["cards"][0]["suggestions"][0]["actions"][1]["resource"]
    request["identifier"] = [{"system": RESOURCE_IDENTIFIER, "value": "v"}]
    request["code"] = {"text": "Exercise class"}
    get(ehr, "/patients/ada")
    card = cds.answer["cards"][0]
    path = f"/patients/ada/cards/{card['uuid']}/accept"
    answer = post(ehr, path, suggestion=card["suggestions"][0]["uuid"])
    assert (answer.status_code, "note=accepted" in answer.headers["Location"]) == (303, True)
    panel = get(ehr, "/patients/ada/written")
    assert "Exercise class" in panel.text
    assert "draft" in panel.text
    assert "version 1" in panel.text
    cds.answer = {"cards": []}
    assert "note=gone" in post(ehr, path, suggestion=card["suggestions"][0]["uuid"]).headers["Location"]
    assert len(ehr.api.store.every("ServiceRequest")) == 2  # this one, and the operation of another patient


def test_the_path_of_a_written_resource_shows_its_statuses(ward: tuple[DemoEhr, CdsService]):
    ehr, _ = ward
    resource = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "subject": {"reference": "Patient/ada"},
        "identifier": [{"system": RESOURCE_IDENTIFIER, "value": "x"}],
    }
    made = ehr.api.store.create(resource).resource or {}
    for status in ("active", "active", "revoked"):
        ehr.api.store.update("ServiceRequest", made["id"], {**made, "status": status})
    panel = get(ehr, "/patients/ada/written")
    assert re.sub(r"\s+", " ", panel.text).count("draft → active → revoked") == 1
    assert "version 4" in panel.text
    shown = get(ehr, f"/patients/ada/resources/ServiceRequest/{made['id']}?version=2")
    assert '"status": "active"' in shown.text
    assert "revoked" in get(ehr, "/?q=Test").text


def test_a_resource_of_another_patient_is_not_shown_in_this_chart(ward: tuple[DemoEhr, CdsService]):
    path = "/patients/ada/resources/Condition/ada-refer-cancer"
    assert requests.get(f"{ward[0].settings.base_url}{path}", timeout=5).status_code == 404


def test_a_card_is_closed_with_the_reason_that_was_picked(ward: tuple[DemoEhr, CdsService]):
    ehr, cds = ward
    get(ehr, "/patients/ada")
    card = cds.answer["cards"][0]
    answer = post(ehr, f"/patients/ada/cards/{card['uuid']}/override", reason="OO-ACTIVE", comment="runs daily")
    assert "note=overridden" in answer.headers["Location"]
    (told,) = cds.feedback[0]["feedback"]
    assert told["overrideReason"]["reason"]["system"] == "urn:reasons"
    assert told["overrideReason"]["userComment"] == "runs daily"


def test_a_card_of_one_chart_cannot_be_answered_from_another(ward: tuple[DemoEhr, CdsService]):
    ehr, cds = ward
    get(ehr, "/patients/ada")
    card = cds.answer["cards"][0]
    answer = post(ehr, f"/patients/ada-refer/cards/{card['uuid']}/accept", suggestion=card["suggestions"][0]["uuid"])
    assert "note=gone" in answer.headers["Location"]
    assert cds.feedback == []


@pytest.mark.parametrize(
    ("link", "context"), [pytest.param("0", "h-1", id="from the card"), pytest.param("", None, id="from the chart")]
)
def test_the_app_opens_in_a_frame_for_this_patient_ch_l3(
    ward: tuple[DemoEhr, CdsService], link: str, context: str | None
):
    ehr, cds = ward
    get(ehr, "/patients/ada")
    card = cds.answer["cards"][0]["uuid"] if link else ""
    location = post(ehr, "/patients/ada/open", card=card, link=link).headers["Location"]
    (frame,) = get(ehr, location.partition("#")[0]).every("iframe")
    query = parse_qs(urlsplit(str(frame["src"])).query)
    launch = ehr.tokens.launch(query["launch"][0])
    assert str(frame["src"]).startswith(f"{ehr.settings.launch_url}?iss=")
    assert query["iss"] == [ehr.settings.fhir_base]
    assert launch is not None
    assert (launch.patient, launch.app_context, launch.need_patient_banner) == ("ada", context, False)
    assert frame["title"]
    other = location.partition("#")[0].replace("/patients/ada", "/patients/ada-refer")
    assert get(ehr, other).every("iframe") == []


def test_the_queue_is_opened_for_the_navigator_and_without_a_chart(ward: tuple[DemoEhr, CdsService]):
    ehr, _ = ward
    answer = requests.get(f"{ehr.settings.base_url}/launch/queue", allow_redirects=False, timeout=5)
    launch = ehr.tokens.launch(parse_qs(urlsplit(answer.headers["Location"]).query)["launch"][0])
    assert launch is not None
    assert (launch.patient, launch.user, launch.intent) == ("", "Practitioner/nav-ray", "referral-queue")
    assert "/launch/queue" in [attrs.get("href") for attrs in get(ehr, "/").every("a")]


def test_a_link_to_a_site_that_is_not_the_apps_is_never_framed(ward: tuple[DemoEhr, CdsService]):
    ehr, cds = ward
    cds.answer["cards"][0]["links"][0]["url"] = "https://evil.example/launch"
    get(ehr, "/patients/ada")
    location = post(ehr, "/patients/ada/open", card=cds.answer["cards"][0]["uuid"], link="0").headers["Location"]
    (frame,) = get(ehr, location.partition("#")[0]).every("iframe")
    assert str(frame["src"]).startswith(ehr.settings.launch_url)


def test_a_result_that_is_entered_is_in_the_chart_and_in_the_next_call(ward: tuple[DemoEhr, CdsService]):
    ehr, _ = ward
    answer = post(ehr, "/patients/ada/results", kind="platelets", value="8,5")
    assert "note=result" in answer.headers["Location"]
    (result,) = [one for one in ehr.api.store.every("Observation") if one["subject"]["reference"] == "Patient/ada"]
    assert result["valueQuantity"] == {
        "value": 8.5,
        "unit": "10*9/L",
        "system": "http://unitsofmeasure.org",
        "code": "10*9/L",
    }
    assert "8.5 ×10⁹/L" in get(ehr, "/patients/ada").text


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("results", {"kind": "platelets", "value": "many"}),
        ("results", {"kind": "platelets", "value": "-3"}),
        ("results", {"kind": "nonsense", "value": "3"}),
        ("results", {"kind": "platelets", "value": "nan"}),
        ("answers", {"chest-pain": "no"}),
        ("orders", {"order": "nonsense"}),
        ("orders/sign", {"order": "nonsense"}),
    ],
)
def test_an_entry_that_cannot_be_read_is_not_filed(ward: tuple[DemoEhr, CdsService], path: str, form: dict[str, str]):
    ehr, _ = ward
    before = {kind: len(ehr.api.store.every(kind)) for kind in ehr.api.store.kinds()}
    assert "note=unreadable" in post(ehr, f"/patients/ada/{path}", **form).headers["Location"]
    assert {kind: len(ehr.api.store.every(kind)) for kind in before} == before


def test_the_safety_answers_are_filed_as_stride_reads_them(ward: tuple[DemoEhr, CdsService]):
    ehr, _ = ward
    said = dict.fromkeys(("chest-pain", "syncope", "new-dyspnoea", "back-red-flags", "bleeding"), "no")
    post(ehr, "/patients/ada/answers", fever="yes", **said)
    (filed,) = [
        one for one in ehr.api.store.every("QuestionnaireResponse") if one["subject"]["reference"] == "Patient/ada"
    ]
    assert filed["questionnaire"] == SAFETY_QUESTIONS
    assert filed["status"] == "completed"
    assert {one["linkId"]: one["answer"][0]["valueBoolean"] for one in filed["item"]} == {
        **dict.fromkeys(said, False),
        "fever": True,
    }
    assert "Yes to: Fever or chills?" in get(ehr, "/patients/ada").text


def test_an_order_is_shown_to_the_service_before_it_is_signed(ward: tuple[DemoEhr, CdsService]):
    ehr, cds = ward
    answer = post(ehr, "/patients/ada/orders", order="paclitaxel")
    page = Page(answer.text)
    assert page.broken == []
    assert "Refer to exercise" in page.text
    draft = cds.calls[-1]["context"]["draftOrders"]["entry"][0]["resource"]
    assert (cds.calls[-1]["hook"], draft["status"]) == ("order-sign", "draft")
    post(ehr, "/patients/ada/orders/sign", order="paclitaxel")
    signed = [one for one in ehr.api.store.every("MedicationRequest") if one["subject"]["reference"] == "Patient/ada"]
    assert [one["status"] for one in signed] == ["active"]
    assert signed[0]["id"] != draft["id"]


def test_another_site_cannot_post_into_the_record(ward: tuple[DemoEhr, CdsService]):
    ehr, _ = ward
    answer = requests.post(
        f"{ehr.settings.base_url}/patients/ada/results",
        data={"kind": "platelets", "value": "8"},
        headers={"Origin": "http://localhost:9"},
        timeout=5,
    )
    assert answer.status_code == 403
    assert "Patient/ada" not in [one["subject"]["reference"] for one in ehr.api.store.every("Observation")]


@pytest.mark.parametrize("path", ["/patients/nobody", "/patients/nobody/written", "/nowhere"])
def test_what_is_not_there_is_a_page_with_a_way_back(ward: tuple[DemoEhr, CdsService], path: str):
    answer = requests.get(f"{ward[0].settings.base_url}{path}", timeout=5)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_an_address_puts_no_words_of_its_own_on_the_page(ward: tuple[DemoEhr, CdsService]):
    page = get(ward[0], "/patients/ada?note=Call+0900&launch=http://evil.example")
    assert "0900" not in page.text
    assert page.every("iframe") == []


@pytest.mark.shared
def test_published_synthetic_charts_can_be_read_as_pages(service: tuple[CdsService, str]):
    if not SHARED.exists():
        pytest.skip("needs ../shared beside the checkout")
    charts = [*read_folder(SHARED / "mcode"), *read_folder(SHARED / "synthea")[:5]]
    with serving(lambda url: settings_for(url, cds_base_url="http://127.0.0.1:9", charts=charts)) as ehr:
        for patient in ehr.api.store.every("Patient"):
            page = get(ehr, f"/patients/{patient['id']}")
            assert page.broken == []
            assert "None" not in page.text
        assert get(ehr, "/").broken == []


def test_a_visitor_plays_the_programme_and_the_clinician(ward: tuple[DemoEhr, CdsService]) -> None:
    ehr, _ = ward
    patient = {"reference": "Patient/ada-refer"}
    task = ehr.api.store.create({"resourceType": "Task", "status": "requested", "intent": "order", "for": patient})
    request = ehr.api.store.create({"resourceType": "ServiceRequest", "status": "active", "subject": patient})
    for version, act, reason in ((task, "rejected", "No places"), (request, "revoked", "CL-PALL")):
        assert version.resource
        kind, resource_id = version.resource["resourceType"], version.resource["id"]
        url = f"{ehr.settings.base_url}/patients/ada-refer/resources/{kind}/{resource_id}"
        assert act in requests.get(url, timeout=10).text
        form = {"act": act, "reason": reason, "version": version.etag}
        assert "The record is changed" in requests.post(url, data=form, timeout=10).text
        assert "Somebody has changed it" in requests.post(url, data=form | {"act": "on-hold"}, timeout=10).text
    assert ehr.api.store.read("Task", task.resource["id"])["statusReason"] == {"text": "No places"}  # type: ignore[index]
    said = ehr.api.store.read("ServiceRequest", request.resource["id"])["extension"][0]  # type: ignore[index]
    assert said["valueCodeableConcept"]["coding"][0]["code"] == "CL-PALL"


def test_a_visitor_records_a_death(ward: tuple[DemoEhr, CdsService]) -> None:
    ehr, _ = ward
    url = f"{ehr.settings.base_url}/patients/ada-refer/resources/Patient/ada-refer"
    page = requests.post(url, data={"act": "died"}, timeout=10)
    assert Page(page.text).broken == []
    assert "deceasedDateTime" in ehr.api.store.read("Patient", "ada-refer")
    requests.post(url, data={"act": "current"}, timeout=10)
    assert "deceasedDateTime" not in ehr.api.store.read("Patient", "ada-refer")
    assert "cannot be filed" in requests.post(url, data={"act": "nonsense"}, timeout=10).text
