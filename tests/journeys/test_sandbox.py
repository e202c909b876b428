"""The public CDS Hooks sandbox played against the running service: one test for each of its habits.

What it does was seen on 20 November 2026: CORS preflights, ES384 tokens of an issuer whose `jku` is elsewhere,
prefetch by POST `_search`, half-filled drafts, no encounter and no token for us, a new call at each keystroke, feedback
without writing.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import orjson
import pytest
import requests
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import ECKey

import tests.world
from fhirapp.demo.settings import tenants_toml
from fhirapp.demo_ehr.scopes import FULL
from fhirapp.jobs.table import Job
from fhirapp.referrals.referral import Referral
from tests.world import World, hospital

pytestmark = pytest.mark.database

ISSUER, PAGE, USER = "https://sandbox.cds-hooks.org", "http://localhost:8080", "Practitioner/COREPRACTITIONER1"
PATIENT = "ada-refer"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


@dataclass
class Sandbox:
    """A page in a browser: it has the origin, the key and the habits of the public client."""

    world: World
    key: ECKey

    def asked(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self.world.url}/cds-services{path}"
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": url, "iat": now, "exp": now + 300, "jti": str(uuid4())}
        header = {"alg": "ES384", "typ": "JWT", "kid": self.key.kid, "jku": f"{ISSUER}/.well-known/jwks.json"}
        sent = {"Authorization": f"Bearer {jwt.encode(header, claims, self.key, algorithms=['ES384'])}", "Origin": PAGE}
        return requests.request(method, url, json=body, headers=sent, timeout=20)

    def preflight(self, path: str, method: str) -> requests.Response:
        sent = {
            "Origin": PAGE,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        return requests.options(f"{self.world.url}/cds-services{path}", headers=sent, timeout=20)

    def services(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.asked("GET", "").json()["services"]
        return listed

    def prefetched(self, templates: Mapping[str, str]) -> dict[str, Any]:
        """Searches are POSTed as forms, with GET for what that does not give; a read is a read."""
        filled = {key: one.replace("{{context.patientId}}", PATIENT) for key, one in templates.items()}
        return {key: body for key, path in filled.items() if (body := self._fetched(path)) is not None}

    def _fetched(self, path: str) -> Any:
        base, access = self.world.ehr.settings.fhir_base, self.world.ehr.tokens.issue("sandbox", "user/*.rs", 300)
        headers = {"Authorization": f"Bearer {access.access_token}"}
        place, _, query = path.partition("?")
        if query:
            form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
            answer = requests.post(f"{base}/{place}/_search", data=query.encode(), headers=form, timeout=20)
            if answer.ok:
                return answer.json()
        answer = requests.get(f"{base}/{path}", headers=headers, timeout=20)
        return answer.json() if answer.ok else None

    def fire(self, hook: str, *, service: str = "exercise-referral", **context: Any) -> dict[str, Any]:
        templates = next(one["prefetch"] for one in self.services() if one["hook"] == hook)
        body = {
            "hook": hook,
            "hookInstance": str(uuid4()),
            "fhirServer": self.world.ehr.settings.fhir_base,
            "context": {"patientId": PATIENT, "userId": USER, **context},
            "prefetch": self.prefetched(templates),
        }
        answer = self.asked("POST", f"/{service}", body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        given: dict[str, Any] = answer.json()
        return given

    def feedback(self, card: Mapping[str, Any], **said: Any) -> requests.Response:
        at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        entry = {"card": card["uuid"], "outcomeTimestamp": at, **said}
        return self.asked("POST", "/exercise-referral/feedback", {"feedback": [entry]})


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The demo hospital, whose CDS client is the sandbox; its page serves the public key on this machine."""
    key = ECKey.generate_key("P-384", {"kid": "sandbox-1", "use": "sig"})
    with page_of(key) as jwks_url:

        def agreed(ehr_url: str, expires: date) -> str:
            toml = tenants_toml(ehr_url, expires)
            for old, new in (
                (f'issuer = "{ehr_url}"', f'issuer = "{ISSUER}"\nsystem_actions = true'),
                (f'jwks_url = "{ehr_url}/cds/jwks.json"', f'jwks_url = "{jwks_url}"'),
                (f'cors_origins = ["{ehr_url}"]', f'cors_origins = ["{PAGE}"]'),
            ):
                assert old in toml
                toml = toml.replace(old, new)
            return toml

        monkeypatch.setattr(tests.world, "tenants_toml", agreed)
        with hospital(tmp_path_factory.mktemp("sandbox")) as world:
            yield Sandbox(world, key)


class page_of:  # noqa: N801 - a context manager
    """Serves the sandbox's public key, as its own build does."""

    def __init__(self, key: ECKey) -> None:
        body = orjson.dumps({"keys": [key.as_dict(private=False)]})

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}/.well-known/jwks.json"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def a_draft(**fields: Any) -> dict[str, Any]:
    draft = {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "status": "draft",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "dosageInstruction": [{"timing": {"repeat": {}}}],
    } | fields
    return {"resourceType": "Bundle", "entry": [{"resource": draft}]}  # without a type


PACLITAXEL = {"text": "paclitaxel", "coding": [{"system": RXNORM, "code": "56946", "display": "paclitaxel"}]}


@pytest.mark.parametrize(
    ("path", "method"), [("", "GET"), ("/exercise-referral", "POST"), ("/exercise-referral/feedback", "POST")]
)
def test_ch_x1_row_1_it_asks_leave_for_each_address_with_its_two_headers(
    sandbox: Sandbox, path: str, method: str
) -> None:
    answer = sandbox.preflight(path, method)
    assert answer.ok
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    allowed = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type"} <= allowed
    assert method in answer.headers["Access-Control-Allow-Methods"]


def test_ch_j5_row_2_its_key_comes_from_the_local_page_and_its_jku_is_not_followed(sandbox: Sandbox) -> None:
    assert sandbox.asked("GET", "").status_code == 200
    assert sandbox.fire("patient-view")["cards"]  # the host that its jku names cannot be reached from here
    sandbox.key = ECKey.generate_key("P-384", {"kid": "sandbox-1", "use": "sig"})
    assert sandbox.asked("POST", "/exercise-referral", {}).status_code == 401


def test_row_3_it_prefetches_by_posted_searches_and_everything_arrives(sandbox: Sandbox) -> None:
    templates = sandbox.services()[0]["prefetch"]
    prefetch = sandbox.prefetched(templates)
    assert prefetch.keys() == templates.keys()
    assert prefetch["conditions"]["total"] > 0
    (card,) = sandbox.fire("patient-view")["cards"]
    assert "could not be read" not in card["detail"]


def test_row_4_in_open_mode_there_is_one_user_and_neither_encounter_nor_token(sandbox: Sandbox) -> None:
    (card,) = sandbox.fire("patient-view")["cards"]
    assert card["suggestions"][0]["actions"]
    with sandbox.world.stride.sessions() as session:
        (referral,) = session.scalars(sa.select(Referral)).all()
    assert referral.encounter is None
    assert referral.requester == USER


def test_ch_y1_row_5_system_actions_are_applied_by_us_since_it_ignores_them(sandbox: Sandbox) -> None:
    answer = sandbox.fire("order-sign", draftOrders=a_draft(medicationCodeableConcept=PACLITAXEL))
    (action,) = answer["systemActions"]
    assert "suggestions" not in answer["cards"][0]
    stored = sandbox.world.ehr.api.create(action["resource"]["resourceType"], action["resource"], FULL)
    assert stored.version.resource["status"] == "draft"
    assert len(sandbox.world.ours(PATIENT, "ServiceRequest")) == 1


def test_row_6_it_reports_acceptance_without_writing_and_the_referral_still_gets_there(sandbox: Sandbox) -> None:
    (card,) = sandbox.fire("patient-view")["cards"]
    accepted = [{"id": card["suggestions"][0]["uuid"]}]
    assert sandbox.feedback(card, outcome="accepted", acceptedSuggestions=accepted).status_code == 200
    assert sandbox.world.ours(PATIENT, "ServiceRequest") == []
    assert sandbox.world.referral(PATIENT).signed_at is not None
    sandbox.world.pass_time(timedelta(hours=2))
    assert sandbox.world.written(PATIENT)["ServiceRequest"] == ["active"]


@pytest.mark.parametrize("service", ["order-select", "order-sign"])
@pytest.mark.parametrize(
    "draft",
    [
        a_draft(),  # before a drug is picked: neither intent nor medication
        a_draft(intent="order", medicationCodeableConcept=PACLITAXEL, category={"coding": [{"code": "community"}]}),
        {"resourceType": "Bundle"},
    ],
    ids=["nothing picked", "category is an object", "no entry"],
)
def test_ch_r5_row_7_half_filled_drafts_are_read(sandbox: Sandbox, service: str, draft: dict[str, Any]) -> None:
    if service == "order-select":
        warm = {"service": "exercise-referral-warm-up", "selections": ["MedicationRequest/request-123"]}
        assert sandbox.fire("order-select", draftOrders=draft, **warm) == {"cards": []}
    else:
        assert sandbox.fire("order-sign", draftOrders=draft)["cards"]


def test_ch_l3_row_8_the_link_is_our_launch_address_and_the_handle_is_beside_it(sandbox: Sandbox) -> None:
    (card,) = sandbox.fire("patient-view")["cards"]
    (link,) = card["links"]
    assert link["type"] == "smart"
    assert urlsplit(link["url"]).query == ""
    assert link["appContext"] not in link["url"]
    assert re.fullmatch(r"[\w-]{20,200}", link["appContext"])  # opaque, and fit for the body it is posted in
    asked = {"iss": sandbox.world.ehr.settings.fhir_base, "launch": "what-the-ehr-gave"}
    answer = requests.get(link["url"], params=asked, allow_redirects=False, timeout=20)
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["launch"] == ["what-the-ehr-gave"]


def test_row_9_it_calls_at_every_keystroke_and_there_is_one_referral_with_one_clock(sandbox: Sandbox) -> None:
    answers = [sandbox.fire("patient-view") for _ in range(3)]
    for name in ("p", "pa", "pac", "paclitaxel"):
        draft = a_draft(medicationCodeableConcept={"text": name})
        warm = {"service": "exercise-referral-warm-up", "selections": ["MedicationRequest/request-123"]}
        assert sandbox.fire("order-select", draftOrders=draft, **warm) == {"cards": []}
    answers.append(sandbox.fire("patient-view"))
    assert len({answer["cards"][0]["summary"] for answer in answers}) == 1
    with sandbox.world.stride.sessions() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Referral)) == 1
        waiting = session.scalars(sa.select(Job.key).where(Job.state == "waiting", Job.key.like("clinician_window/%")))
        assert len(waiting.all()) <= 1


def test_row_10_our_demo_gives_it_totals_and_given_names_and_we_need_neither(sandbox: Sandbox) -> None:
    prefetch = sandbox.prefetched(sandbox.services()[0]["prefetch"])
    assert all("total" in body for body in prefetch.values() if body["resourceType"] == "Bundle")
    assert all(one["name"][0]["given"] for one in sandbox.world.ehr.api.store.every("Patient"))
    for body in prefetch.values():
        body.pop("total", None)
    prefetch["patient"].pop("name")
    call = {"hook": "patient-view", "hookInstance": str(uuid4()), "prefetch": prefetch}
    answer = sandbox.asked("POST", "/exercise-referral", call | {"context": {"patientId": PATIENT, "userId": USER}})
    assert len(answer.json()["cards"]) == 1


@pytest.mark.parametrize("said", [{}, {"overrideReason": {"reason": {"code": "CL-CHOICE", "system": "x"}}}])
def test_ch_b3_it_dismisses_with_a_reason_of_ours_or_with_none(sandbox: Sandbox, said: dict[str, Any]) -> None:
    (card,) = sandbox.fire("patient-view")["cards"]
    assert sandbox.feedback(card, outcome="overridden", **said).status_code == 200
    assert sandbox.world.referral(PATIENT).state == "declined"
    assert sandbox.fire("patient-view") == {"cards": []}
