"""What may be believed of a smart-configuration. Source: SM-D1..D5, SM-A1."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Response

from smart_launch.discovery import Discovery, SmartConfiguration, smart_configuration, well_known
from smart_launch.errors import DiscoveryFailed, ServerUnreachable, SmartError
from smart_launch.http import checked_url, new_session
from smart_launch.ports import Registration
from tests.smart_launch.authorization_server import ABSENT, AuthorizationServer, changed
from tests.smart_launch.conftest import MovedClock

ISS = "https://ehr.example/tenant/fhir"
DOCUMENT: dict[str, Any] = {
    "authorization_endpoint": "https://auth.example/authorize",
    "token_endpoint": "https://auth.example/token",
    "capabilities": ["launch-ehr", "permission-v2"],
    "grant_types_supported": ["authorization_code"],
    "code_challenge_methods_supported": ["S256"],
}


def read(iss: str = ISS, insecure_http: bool = False, **changes: Any) -> SmartConfiguration:
    registration = Registration(iss=iss, tenant_id="t", client_id="c", insecure_http=insecure_http)
    return smart_configuration(changed(DOCUMENT, changes), registration)


@pytest.mark.parametrize("iss", [ISS, f"{ISS}/"], ids=["plain", "with a slash"])
def test_sm_d1_the_document_lies_below_the_fhir_base(iss: str) -> None:
    assert well_known(iss) == "https://ehr.example/tenant/fhir/.well-known/smart-configuration"


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"capabilities": ABSENT}, ("capabilities",)),
        ({"grant_types_supported": ABSENT}, ("grant_types_supported",)),
        ({"code_challenge_methods_supported": ABSENT}, ("code_challenge_methods_supported",)),
        ({}, ()),
    ],
    ids=["capabilities", "grant types", "challenge methods", "nothing"],
)
def test_sm_d2_a_missing_list_is_noted_and_done_without(changes: dict[str, Any], missing: tuple[str, ...]) -> None:
    assert read(**changes).missing == missing


@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint": ABSENT},
        {"token_endpoint": None},
        {"token_endpoint": ["https://auth.example/token"]},
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": []},
    ],
    ids=["no token endpoint", "null", "a list", "plain only", "no method"],
)
def test_sm_d2_what_no_launch_could_be_safe_with_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DiscoveryFailed):
        read(**changes)


def test_sm_d2_lists_of_other_things_are_read_as_far_as_they_are_strings() -> None:
    assert read(capabilities=["launch-ehr", 7, None]).capabilities == {"launch-ehr"}
    assert read(capabilities="launch-ehr").capabilities == frozenset()


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("oauth/token", "https://ehr.example/tenant/fhir/oauth/token"),
        ("/oauth/token", "https://ehr.example/oauth/token"),
        ("../auth/token", "https://ehr.example/tenant/auth/token"),
        ("//auth.example/token", "https://auth.example/token"),
        ("https://auth.example/t?x=1", "https://auth.example/t?x=1"),
    ],
)
@pytest.mark.parametrize("iss", [ISS, f"{ISS}/"], ids=["plain", "with a slash"])
def test_sm_d3_relative_endpoints_are_resolved_against_the_fhir_base(iss: str, written: str, resolved: str) -> None:
    assert read(iss=iss, token_endpoint=written).token_endpoint == resolved


@pytest.mark.parametrize("name", ["token_endpoint", "authorization_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "url",
    [
        "http://auth.example/token",
        "http://127.0.0.1/token",
        "file:///etc/passwd",
        "ftp://auth.example/token",
        "javascript:alert(1)",
        "https://user:secret@auth.example/token",
        "https://auth.example/token#part",
        "https://auth.example/to ken",
        "https://auth.example/\r\nX-Evil: 1",
        "https://auth.example\\@evil.example/",
        "https://auth.example:port/token",
        "https://[::1/token",
    ],
)
def test_sm_a1_an_endpoint_that_is_not_https_is_refused(name: str, url: str) -> None:
    with pytest.raises(DiscoveryFailed):
        read(**{name: url})


@pytest.mark.parametrize("url", ["https://", "https:///token", "", "token", None, 7, "https://a.example/\r\nX:1"])
def test_sm_a1_what_is_no_absolute_url_is_refused(url: object) -> None:
    with pytest.raises(DiscoveryFailed):
        checked_url(url, insecure_http=True)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8000/token", True),
        ("http://localhost:8000/token", True),
        ("http://[::1]:8000/token", True),
        ("http://10.0.0.7/token", False),
        ("http://169.254.169.254/token", False),
        ("http://localhost.evil.example/token", False),
        ("http://127.0.0.1.evil.example/token", False),
    ],
)
def test_sm_a1_insecure_http_reaches_no_further_than_this_machine(url: str, allowed: bool) -> None:
    if allowed:
        assert read(insecure_http=True, token_endpoint=url).token_endpoint == url
    else:
        with pytest.raises(DiscoveryFailed):
            read(insecure_http=True, token_endpoint=url)


def test_sm_d5_capabilities_can_be_asked_for() -> None:
    assert read().can("launch-ehr")
    assert not read().can("smart-app-state")


class TestOverTheWire:
    """One server, asked for real."""

    def registration(self, ehr: AuthorizationServer) -> Registration:
        return Registration(iss=ehr.iss, tenant_id="t", client_id="c", insecure_http=True)

    def test_sm_d1_the_answer_is_kept_for_ten_minutes(self, ehr: AuthorizationServer, clock: MovedClock) -> None:
        discovery, registration = Discovery(new_session(), clock), self.registration(ehr)
        discovery.configuration(registration)
        clock.move(minutes=9, seconds=59)
        discovery.configuration(registration)
        assert len(ehr.calls) == 1
        clock.move(seconds=1)
        discovery.configuration(registration)
        assert len(ehr.calls) == 2
        assert ehr.calls[0].headers["Accept"] == "application/json"

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (Response("<html>", status=200), DiscoveryFailed),
            (Response("[]", status=200, mimetype="application/json"), DiscoveryFailed),
            (Response("", status=404), DiscoveryFailed),
            (Response(status=302, headers={"Location": "/elsewhere"}), DiscoveryFailed),
            (Response("[" * 100_000, status=200), DiscoveryFailed),
            (Response("oops", status=503), ServerUnreachable),
            (Response("slow down", status=429), ServerUnreachable),
            (Response("x" * 1_000_001, status=200), ServerUnreachable),
        ],
        ids=["html", "a list", "404", "a redirect", "nested", "503", "429", "too long"],
    )
    def test_sm_d1_a_useless_answer_is_an_error_and_is_not_kept(
        self, ehr: AuthorizationServer, clock: MovedClock, answer: Response, error: type[SmartError]
    ) -> None:
        discovery, registration = Discovery(new_session(), clock), self.registration(ehr)
        path = f"{ehr.base_path}/.well-known/smart-configuration"
        ehr.answers[path] = lambda: answer
        with pytest.raises(error):
            discovery.configuration(registration)
        assert ehr.called("/elsewhere") == []
        del ehr.answers[path]
        assert discovery.configuration(registration).token_endpoint == f"{ehr.origin}/token"

    def test_cookies_of_a_server_are_not_sent_back(self, ehr: AuthorizationServer, clock: MovedClock) -> None:
        http = new_session()
        ehr.answers["/with-cookie"] = lambda: Response("{}", headers={"Set-Cookie": "a=b"})
        http.get(f"{ehr.origin}/with-cookie")
        http.get(f"{ehr.origin}/with-cookie")
        assert "Cookie" not in ehr.calls[-1].headers
