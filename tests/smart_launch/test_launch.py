"""A whole launch, and everything that must stop one."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from smart_launch.authorization import digest
from smart_launch.blueprint import COOKIE
from smart_launch.errors import (
    AuthorizationDenied,
    BadLaunchRequest,
    BadTokenResponse,
    DiscoveryFailed,
    ServerUnreachable,
    SmartError,
    StateRefused,
    TokenRefused,
    UnknownIssuer,
)
from smart_launch.keys import KeyRing, KeyRings
from tests.smart_launch.authorization_server import ABSENT, AuthorizationServer
from tests.smart_launch.conftest import PUBLIC_BASE, House, MovedClock, get


def test_a_launch_opens_the_context_that_the_token_response_gives(house: House) -> None:
    context = house.launch()
    assert (context.tenant_id, context.iss) == ("north", house.ehr.iss)
    assert (context.patient, context.encounter, context.fhir_user) == ("p1", "e1", "Practitioner/dr1")
    assert context.need_patient_banner is False
    assert context.withheld == ()
    assert house.ehr.faults == []


def test_sm_l3_the_authorize_request_has_these_parameters_and_no_others(house: House) -> None:
    asked = house.leave(house.browser(), launch="l-42")
    assert set(asked) == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch"),
        *("code_challenge", "code_challenge_method", "nonce"),
    }
    assert asked["response_type"] == "code"
    assert asked["client_id"] == "stride"
    assert asked["redirect_uri"] == f"{PUBLIC_BASE}/smart/callback"
    assert asked["launch"] == "l-42"
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"].split()[0] == "launch"


@pytest.mark.parametrize("ending", ["", "/"], ids=["as registered", "with a slash"])
@pytest.mark.parametrize("registered_ending", ["", "/"], ids=["no slash registered", "slash registered"])
def test_sm_l4_aud_is_the_iss_byte_for_byte(house: House, registered_ending: str, ending: str) -> None:
    house.register(iss=house.ehr.iss + registered_ending)
    browser = house.browser()
    asked = house.leave(browser, iss=house.ehr.iss + ending)
    assert asked["aud"] == house.ehr.iss + ending
    assert house.arrive(browser, asked).status_code == 200
    assert house.launched[-1].iss == house.ehr.iss + registered_ending


def test_sm_l5_l6_state_verifier_and_nonce_are_long_and_new_each_time(house: House) -> None:
    browser = house.browser()
    first, second = house.leave(browser), house.leave(browser)
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
    assert len(base64.urlsafe_b64decode(first["state"] + "=")) == 32
    pending = house.launches.rows[digest(first["state"])]
    assert len(pending.verifier) >= 43
    assert first["code_challenge"] != pending.verifier


@pytest.mark.parametrize(
    "iss",
    [
        "https://elsewhere.example/fhir",
        "{iss}//",
        "{iss}/../fhir",
        "{iss}?x=1",
        "{iss}#",
        "{upper}",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
def test_sm_a6_an_unknown_issuer_is_refused_and_nobody_is_called(house: House, iss: str) -> None:
    written = iss.format(iss=house.ehr.iss, upper=house.ehr.iss.upper())
    answer = get(house.browser(), "/smart/launch", iss=written, launch="l1")
    assert answer.status_code == 400
    assert isinstance(house.error, UnknownIssuer)
    assert house.ehr.calls == []
    assert written not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "iss={iss}",
        "launch=l1",
        "iss={iss}&launch=",
        "iss=&launch=l1",
        "iss={iss}&iss={iss}&launch=l1",
        "iss={iss}&iss=https://evil.example&launch=l1",
        "iss={iss}&launch=l1&launch=l2",
    ],
)
def test_sm_l1_a_missing_or_doubled_launch_parameter_is_refused(house: House, query: str) -> None:
    answer = house.browser().get("/smart/launch", base_url=PUBLIC_BASE, query_string=query.format(iss=house.ehr.iss))
    assert answer.status_code == 400
    assert isinstance(house.error, BadLaunchRequest)
    assert house.ehr.calls == []


def test_sm_l5_a_state_works_once(house: House) -> None:
    browser = house.browser()
    asked = house.leave(browser)
    assert house.arrive(browser, asked).status_code == 200
    assert house.arrive(browser, asked).status_code == 400
    assert isinstance(house.error, StateRefused)
    assert len(house.ehr.called("/token")) == 1


def test_sm_l5_a_state_does_not_work_in_another_browser_nor_afterwards_in_its_own(house: House) -> None:
    victim, attacker = house.browser(), house.browser()
    house.leave(victim)
    asked = house.leave(attacker)
    assert house.arrive(victim, asked).status_code == 400
    assert isinstance(house.error, StateRefused)
    assert house.arrive(attacker, asked).status_code == 400
    assert house.ehr.called("/token") == []


def test_sm_l5_a_state_does_not_work_without_the_cookie(house: House) -> None:
    asked = house.leave(house.browser())
    assert house.arrive(house.browser(), asked).status_code == 400
    assert isinstance(house.error, StateRefused)


def test_sm_l5_a_state_of_ten_minutes_ago_is_too_old(house: House) -> None:
    browser = house.browser()
    late, later = house.leave(browser), house.leave(browser)
    house.clock.move(minutes=9, seconds=59)
    assert house.arrive(browser, late).status_code == 200
    house.clock.move(seconds=1)
    assert house.arrive(browser, later).status_code == 400
    assert isinstance(house.error, StateRefused)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"code": "c"}, BadLaunchRequest),
        ({"code": "c", "state": ""}, BadLaunchRequest),
        ({"code": "c", "state": "guessed"}, StateRefused),
        ({"error": "access_denied"}, BadLaunchRequest),
        ({"error": "access_denied", "state": "guessed"}, StateRefused),
    ],
    ids=["no state", "empty state", "guessed state", "error without state", "error with guessed state"],
)
def test_sm_l5_a_return_without_its_state_is_refused(
    house: House, query: dict[str, str], error: type[SmartError]
) -> None:
    browser = house.browser()
    house.leave(browser)
    assert get(browser, "/smart/callback", **query).status_code == 400
    assert type(house.error) is error
    assert house.ehr.called("/token") == []


def test_sm_l8_an_error_from_the_authorization_server_is_told_without_its_free_text(house: House) -> None:
    browser = house.browser()
    state = house.leave(browser)["state"]
    said = {"error": "access_denied", "error_description": "<b>call 0900-EVIL</b>"}
    answer = get(browser, "/smart/callback", state=state, **said)
    assert isinstance(house.error, AuthorizationDenied)
    assert house.error.error == "access_denied"
    assert "EVIL" not in answer.text + str(house.error)
    assert get(browser, "/smart/callback", state=state, code="c").status_code == 400
    assert isinstance(house.error, StateRefused)


def test_sm_l8_an_error_that_is_no_code_word_is_not_repeated(house: House) -> None:
    browser = house.browser()
    state = house.leave(browser)["state"]
    get(browser, "/smart/callback", state=state, error="<script>alert(1)</script>")
    assert isinstance(house.error, AuthorizationDenied)
    assert house.error.error == "unknown_error"


def test_sm_l8_a_code_that_is_refused_is_never_tried_again(house: House) -> None:
    house.ehr.refuse_with = "invalid_grant"
    error = house.refused()
    assert isinstance(error, TokenRefused)
    assert error.error == "invalid_grant"
    assert "hunter2" not in str(error)
    assert len(house.ehr.called("/token")) == 1


def test_a_head_request_does_not_spend_the_code(house: House) -> None:
    browser = house.browser()
    asked = house.leave(browser)
    back = urlsplit(house.ehr.authorize(asked))
    assert browser.head(f"{back.path}?{back.query}", base_url=PUBLIC_BASE).status_code == 405
    query = {name: value for name, [value] in parse_qs(back.query).items()}
    assert get(browser, back.path, **query).status_code == 200


def test_sm_l9_the_cookie_survives_in_a_frame_of_another_site(house: House) -> None:
    answer = get(house.browser(), "/smart/launch", iss=house.ehr.iss, launch="l1")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}-")
    attributes = {part for part in cookie.split("; ")[1:] if not part.startswith("Expires=")}
    assert attributes == {"Max-Age=600", "Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned"}
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def launch_cookies(browser: FlaskClient) -> dict[str, str]:
    jar = browser._cookies or {}
    return {cookie.key: cookie.value for cookie in jar.values() if cookie.key.startswith(COOKIE)}


def test_the_cookie_holds_no_state_and_the_table_holds_neither(house: House) -> None:
    browser = house.browser()
    state = house.leave(browser)["state"]
    [secret] = launch_cookies(browser).values()
    assert secret != state
    assert len(secret) == 43
    pending = house.launches.rows[digest(state)]
    assert {secret, state}.isdisjoint({pending.browser, pending.state_hash})


def test_each_launch_has_a_cookie_that_goes_when_it_has_served(house: House) -> None:
    browser = house.browser()
    first, second = house.leave(browser), house.leave(browser)
    assert len(set(launch_cookies(browser).values())) == 2
    house.arrive(browser, first)
    assert set(launch_cookies(browser)) == {f"{COOKIE}-{digest(second['state'])[:16]}"}


def test_a_cookie_of_one_launch_does_not_serve_another(house: House) -> None:
    victim, attacker = house.browser(), house.browser()
    house.leave(victim)
    asked = house.leave(attacker)
    [secret] = launch_cookies(victim).values()
    name = f"{COOKIE}-{digest(asked['state'])[:16]}"
    victim.set_cookie(name, secret, domain="stride.example")
    assert house.arrive(victim, asked).status_code == 400
    assert isinstance(house.error, StateRefused)


def test_sm_c6_launches_in_two_tabs_do_not_disturb_each_other(house: House) -> None:
    browser = house.browser()
    first, second = house.leave(browser, launch="a"), house.leave(browser, launch="b")
    house.ehr.token_changes = {"patient": "p-second"}
    assert house.arrive(browser, second).status_code == 200
    house.ehr.token_changes = {"patient": "p-first"}
    assert house.arrive(browser, first).status_code == 200
    assert [context.patient for context in house.launched] == ["p-second", "p-first"]


def test_sm_c6_two_frames_opened_at_the_same_moment_both_arrive(house: House) -> None:
    """Both launches are asked for before either has a cookie, as an EHR with two frames does."""
    browser, twin = house.browser(), house.browser()
    first, second = house.leave(browser), house.leave(twin)
    for name, value in launch_cookies(twin).items():
        browser.set_cookie(name, value, domain="stride.example")
    assert house.arrive(browser, first).status_code == 200
    assert house.arrive(browser, second).status_code == 200


def test_the_ehr_may_frame_the_error_page_of_its_own_launch(house: House) -> None:
    from flask import g

    with house.app.test_request_context():
        get(house.browser(), "/smart/launch", iss="https://elsewhere.example", launch="l")
        assert "frame_ancestors" not in g
    house.ehr.configuration_changes = {"token_endpoint": ABSENT}
    with house.app.test_client() as browser:
        get(browser, "/smart/launch", iss=house.ehr.iss, launch="l")
        assert isinstance(house.error, DiscoveryFailed)
        assert g.frame_ancestors == ("https://ehr.example",)


def test_the_code_goes_to_the_endpoint_that_the_launch_left_for(house: House) -> None:
    browser = house.browser()
    house.leave(browser)
    house.clock.move(minutes=6)
    asked = house.leave(browser)
    house.ehr.configuration_changes = {"token_endpoint": f"{house.ehr.origin}/other-token"}
    house.clock.move(minutes=6)
    assert house.arrive(browser, asked).status_code == 200
    assert len(house.ehr.called(f"{house.ehr.base_path}/.well-known/smart-configuration")) == 2
    assert house.ehr.called("/other-token") == []


@pytest.mark.parametrize(
    ("iss", "status"),
    [("{origin}", 200), ("https://elsewhere.example", 400), (None, 400)],
    ids=["the issuer", "another issuer", "none"],
)
def test_a_server_that_names_itself_must_do_so_in_its_answer(house: House, iss: str | None, status: int) -> None:
    house.ehr.configuration_changes = {"authorization_response_iss_parameter_supported": True}
    browser = house.browser()
    asked = house.leave(browser)
    back = urlsplit(house.ehr.authorize(asked))
    query = {name: value for name, [value] in parse_qs(back.query).items()}
    named = {} if iss is None else {"iss": iss.format(origin=house.ehr.origin)}
    assert get(browser, back.path, **query, **named).status_code == status


def test_a_launch_is_refused_when_the_token_response_is_none(house: House) -> None:
    house.ehr.token_changes = {"access_token": ABSENT}
    assert isinstance(house.refused(), BadTokenResponse)


def test_a_launch_waits_for_nobody_when_the_server_is_down(house: House) -> None:
    house.register(iss="http://127.0.0.1:9/fhir")  # the discard port: nobody listens
    answer = get(house.browser(), "/smart/launch", iss="http://127.0.0.1:9/fhir", launch="l")
    assert answer.status_code == 400
    assert isinstance(house.error, ServerUnreachable)
    assert house.launches.rows == {}


def test_sm_k1_our_public_keys_are_open_to_all_and_cacheable(house: House) -> None:
    answer = get(house.browser(), "/smart/jwks.json")
    assert answer.status_code == 200
    assert answer.json == house.keyring.jwks()
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.mimetype == "application/json"


def test_sm_k1_each_tenant_has_an_address_of_its_own_for_its_keys(
    ehr: AuthorizationServer, clock: MovedClock, keyring: KeyRing
) -> None:
    rings = KeyRings(KeyRing.generated(), {"north": keyring})
    house = House(ehr, clock, rings)
    browser = house.browser()
    assert get(browser, "/smart/north/jwks.json").json == keyring.jwks()
    assert get(browser, "/smart/nobody/jwks.json").json == rings.of("nobody").jwks(), "as of any without its own"
    assert get(browser, "/smart/jwks.json").json == rings.jwks()
    assert house.launch().tenant_id == "north", "and the code is traded with the tenant's own key"


def test_no_secret_of_a_launch_is_in_its_representation(house: House) -> None:
    context = house.launch()
    assert context.access_token not in repr(context)
    assert context.refresh_token is not None
    assert context.refresh_token not in repr(context)
    house.leave(house.browser())
    [pending] = house.launches.rows.values()
    assert pending.verifier not in repr(pending)
    assert "hunter2" not in repr(house.register(client_secret="hunter2"))
