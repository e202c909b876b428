"""Who opened the app: forged, stale and foreign id_tokens. Source: SM-O1, SM-O2."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from smart_launch.errors import DiscoveryFailed, IdentityRefused
from smart_launch.identity import check_clinician, resolve_fhir_user
from tests.smart_launch.authorization_server import ABSENT, RSA, AuthorizationServer
from tests.smart_launch.conftest import House

OTHER_RSA = RSAKey.generate_key(2048)


def now_of(house: House) -> int:
    return int(house.clock().timestamp())


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": ABSENT},
        {"aud": "another-app"},
        {"aud": ["another-app", "a-third"]},
        {"aud": ABSENT},
        {"aud": []},
        {"sub": ABSENT},
        {"sub": ""},
        {"exp": ABSENT},
        {"exp": "soon"},
        {"iat": ABSENT},
        {"nonce": "of-another-launch"},
        {"nonce": ABSENT},
        {"azp": "another-app"},
    ],
    ids=lambda changes: (
        " ".join(f"{name} {value}" for name, value in changes.items() if value is not ABSENT)
        or f"no {next(iter(changes))}"
    ),
)
def test_sm_o1_a_claim_that_is_wrong_or_missing_stops_the_launch(house: House, changes: dict[str, Any]) -> None:
    house.ehr.claim_changes = changes
    assert isinstance(house.refused(), IdentityRefused)


@pytest.mark.parametrize(
    ("claim", "seconds", "good"),
    [
        ("exp", -59, True),
        ("exp", -60, False),
        ("iat", 60, True),
        ("iat", 61, False),
        ("nbf", 61, False),
    ],
)
def test_sm_o1_clocks_may_differ_by_a_minute(house: House, claim: str, seconds: int, good: bool) -> None:
    house.ehr.claim_changes = {claim: now_of(house) + seconds}
    if good:
        assert house.launch().fhir_user == "Practitioner/dr1"
    else:
        assert isinstance(house.refused(), IdentityRefused)


def test_sm_o1_we_may_be_one_audience_of_several(house: House) -> None:
    house.ehr.claim_changes = {"aud": ["another-app", "stride"], "azp": "stride"}
    assert house.launch().fhir_user == "Practitioner/dr1"


def test_sm_o1_an_unsigned_token_is_refused(house: House) -> None:
    def unsigned(nonce: str | None) -> str:
        signed = AuthorizationServer.id_token(house.ehr, nonce)
        header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
        return f"{header}.{signed.split('.')[1]}."

    house.ehr.id_token = unsigned  # type: ignore[method-assign]
    assert isinstance(house.refused(), IdentityRefused)


@pytest.mark.filterwarnings("ignore:This key should not be used as an oct key")
def test_sm_o1_a_token_signed_with_the_public_key_as_a_secret_is_refused(house: House) -> None:
    house.ehr.sign_with = OctKey.import_key(RSA.as_pem(private=False).replace(b"PUBLIC", b"SECRET"))
    house.ehr.algorithm = "HS256"
    assert isinstance(house.refused(), IdentityRefused)


def test_sm_o1_a_token_signed_by_somebody_else_under_the_right_kid_is_refused(house: House) -> None:
    house.ehr.sign_with = OTHER_RSA
    assert isinstance(house.refused(), IdentityRefused)


def test_sm_o1_a_key_that_the_token_brings_itself_is_not_believed(house: House) -> None:
    def self_made(nonce: str | None) -> str:
        claims = jwt.decode(AuthorizationServer.id_token(house.ehr, nonce), RSA, ["RS256"]).claims
        header = {
            "alg": "RS256",
            "kid": "mine",
            "jwk": OTHER_RSA.as_dict(private=False),
            "jku": f"{house.ehr.origin}/their-keys",
        }
        return jwt.encode(header, claims, OTHER_RSA)

    house.ehr.id_token = self_made  # type: ignore[method-assign]
    assert isinstance(house.refused(), IdentityRefused)
    assert house.ehr.called("/their-keys") == []


@pytest.mark.parametrize("written", ["", "x", "a.b", "a.b.c", "ä.ö.ü", "...", "e30.e30.e30"])
def test_sm_o1_a_string_that_is_no_token_is_refused(house: House, written: str) -> None:
    house.ehr.id_token = lambda nonce: written or "."  # type: ignore[method-assign]
    assert isinstance(house.refused(), IdentityRefused)


@pytest.mark.parametrize(
    ("make", "algorithm"),
    [
        (lambda: RSA, "RS256"),
        (lambda: RSA, "RS384"),
        (lambda: ECKey.generate_key("P-256"), "ES256"),
        (lambda: ECKey.generate_key("P-384"), "ES384"),
    ],
    ids=["RS256", "RS384", "ES256", "ES384"],
)
def test_sm_o1_these_algorithms_are_taken(house: House, make: Callable[[], Any], algorithm: str) -> None:
    key = make()
    house.ehr.sign_with, house.ehr.algorithm = key, algorithm
    house.ehr.jwks = {"keys": [{**key.as_dict(private=False), "kid": "ehr-1"}]}
    assert house.launch().fhir_user == "Practitioner/dr1"


def test_sm_o1_an_algorithm_that_the_key_is_not_for_is_refused(house: House) -> None:
    house.ehr.jwks = {"keys": [{**RSA.as_dict(private=False), "kid": "ehr-1", "alg": "RS384"}]}
    assert isinstance(house.refused(), IdentityRefused)


def jwk(key: RSAKey, **members: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), **members}


@pytest.mark.parametrize(
    ("kid", "published", "good"),
    [
        (None, [jwk(RSA, kid="ehr-1")], True),
        (None, [jwk(RSA)], True),
        (None, [jwk(RSA, kid="a"), jwk(OTHER_RSA, kid="b")], False),
        (None, [jwk(RSA, kid="a"), jwk(OTHER_RSA, kid="b", use="enc")], True),
        ("ehr-1", [jwk(OTHER_RSA, kid="b"), jwk(RSA, kid="ehr-1")], True),
        ("ehr-1", [jwk(RSA)], True),
        ("ehr-1", [jwk(RSA, kid="another")], False),
        ("ehr-1", [jwk(RSA, kid="ehr-1", use="enc")], False),
        ("ehr-1", [{"kty": "AKP", "kid": "ehr-1"}, {"kty": "RSA"}, 7, jwk(RSA, kid="ehr-1")], True),
        ("ehr-1", [], False),
    ],
    ids=[
        "no kid, one key",
        "no kid at all",
        "no kid, two keys",
        "no kid, one key to sign",
        "kid picks",
        "key without kid",
        "unknown kid",
        "key to encrypt",
        "broken keys beside",
        "no keys",
    ],
)
def test_sm_o1_the_key_is_found_by_kid_or_is_the_only_one(
    house: House, kid: str | None, published: list[Any], good: bool
) -> None:
    house.ehr.kid, house.ehr.jwks = kid, {"keys": published}
    if good:
        assert house.launch().fhir_user == "Practitioner/dr1"
    else:
        assert isinstance(house.refused(), IdentityRefused)


def test_sm_o1_keys_are_kept_and_a_new_one_is_found_when_it_turns_up(house: House) -> None:
    house.launch()
    house.launch()
    assert len(house.ehr.called("/keys")) == 1
    house.ehr.sign_with, house.ehr.kid = OTHER_RSA, "ehr-2"
    house.ehr.jwks = {"keys": [jwk(RSA, kid="ehr-1"), jwk(OTHER_RSA, kid="ehr-2")]}
    house.clock.move(seconds=29)
    house.refused()
    assert len(house.ehr.called("/keys")) == 1, "a made-up kid must not make us ask each time"
    house.clock.move(seconds=1)
    assert house.launch().fhir_user == "Practitioner/dr1"
    assert len(house.ehr.called("/keys")) == 2


@pytest.mark.parametrize(
    ("openid_changes", "configured", "good"),
    [
        ({}, "/not-there", True),
        ({"issuer": "https://elsewhere.example"}, "/keys", True),
        ({"issuer": "https://elsewhere.example"}, None, False),
        ({"jwks_uri": ABSENT}, "/keys", True),
        ({"jwks_uri": "http://keys.example/"}, None, False),
    ],
    ids=[
        "openid-configuration first",
        "of another issuer",
        "of another issuer, nothing else",
        "without keys",
        "keys over http",
    ],
)
def test_sm_o1_keys_are_where_openid_connect_says_else_where_smart_does(
    house: House, openid_changes: dict[str, Any], configured: str | None, good: bool
) -> None:
    house.ehr.openid_changes = openid_changes
    uri = ABSENT if configured is None else house.ehr.origin + configured
    house.ehr.configuration_changes = {"jwks_uri": uri}
    if good:
        assert house.launch().fhir_user == "Practitioner/dr1"
    else:
        assert isinstance(house.refused(), DiscoveryFailed)


def test_before_smart_2_the_fhir_base_was_the_issuer(house: House) -> None:
    house.ehr.configuration_changes = {"issuer": ABSENT}
    house.ehr.claim_changes = {"iss": house.ehr.iss}
    assert house.launch().fhir_user == "Practitioner/dr1"


BASE = "https://ehr.example/tenant/fhir"


@pytest.mark.parametrize(
    "written",
    ["Practitioner/1", f"{BASE}/Practitioner/1"],
    ids=["relative", "absolute"],
)
@pytest.mark.parametrize("base", [BASE, f"{BASE}/"], ids=["plain", "with a slash"])
def test_sm_o2_fhir_user_is_relative_or_below_the_base(base: str, written: str) -> None:
    assert resolve_fhir_user({"fhirUser": written}, base) == "Practitioner/1"


@pytest.mark.parametrize(
    "written",
    [
        "https://elsewhere.example/fhir/Practitioner/1",
        "https://ehr.example/other/fhir/Practitioner/1",
        "https://ehr.example/Practitioner/1",
        f"{BASE}/../fhir/Practitioner/1",
        f"{BASE}//Practitioner/1",
        f"{BASE}Practitioner/1",
        "/Practitioner/1",
        "Practitioner/1/_history/2",
        "Practitioner/1?x=y",
        "Practitioner/..",
        "Practitioner/",
        "Organization/1",
        "practitioner/1",
        "",
        7,
        ["Practitioner/1"],
        {"reference": "Practitioner/1"},
    ],
)
def test_sm_o2_a_person_of_elsewhere_or_of_no_kind_is_refused(written: object) -> None:
    with pytest.raises(IdentityRefused):
        resolve_fhir_user({"fhirUser": written}, BASE)


@pytest.mark.parametrize(
    ("fhir_user", "good"),
    [
        ("Practitioner/1", True),
        ("PractitionerRole/1", True),
        ("Patient/1", False),
        ("RelatedPerson/1", False),
        ("Person/1", False),
        (None, True),
    ],
)
def test_sm_o2_these_may_open_a_clinicians_page(fhir_user: str | None, good: bool) -> None:
    if good:
        check_clinician(fhir_user)
    else:
        with pytest.raises(IdentityRefused):
            check_clinician(fhir_user)


def test_sm_o2_a_patient_who_launches_is_refused_over_the_wire(house: House) -> None:
    house.ehr.claim_changes = {"fhirUser": "Patient/p1"}
    error = house.refused()
    assert isinstance(error, IdentityRefused)
    assert "p1" not in str(error)


@pytest.mark.parametrize(
    "changes",
    [
        {"capabilities": ["launch-ehr", "permission-v2"]},
        {"capabilities": ["launch-ehr", "permission-v2"], "scopes_supported": ["launch"]},
    ],
)
def test_where_the_server_knows_no_identity_none_is_asked_for_and_none_believed(
    house: House, changes: dict[str, Any]
) -> None:
    house.ehr.configuration_changes = changes
    house.ehr.token_changes = {"id_token": "not.even.one"}
    asked = house.leave(house.browser())
    assert {"openid", "fhirUser"}.isdisjoint(asked["scope"].split())
    assert "nonce" not in asked
    assert house.launch().fhir_user is None


def test_a_grant_without_id_token_opens_a_context_without_a_user(house: House) -> None:
    house.ehr.token_changes = {"id_token": ABSENT}
    assert house.launch().fhir_user is None


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_sm_o1_a_key_that_is_too_short_to_trust_is_refused(house: House) -> None:
    short = RSAKey.generate_key(1024)
    house.ehr.sign_with, house.ehr.jwks = short, {"keys": [jwk(short, kid="ehr-1")]}
    assert isinstance(house.refused(), IdentityRefused)
