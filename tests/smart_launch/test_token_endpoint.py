"""How each type of client asks for a token. Source: SM-T1, SM-T2, SM-K2, SM-K3."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Response
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from smart_launch.errors import KeyFault, ServerUnreachable, SmartError, TokenRefused
from tests.smart_launch.authorization_server import Call
from tests.smart_launch.conftest import House

GRANT = {"grant_type", "code", "redirect_uri", "code_verifier"}


def the_request(house: House) -> Call:
    [call] = house.ehr.called("/token")
    assert call.method == "POST"
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert call.query == {}
    assert call.form["grant_type"] == ["authorization_code"]
    assert call.form["redirect_uri"] == ["https://stride.example/smart/callback"]
    return call


def test_sm_l6_the_challenge_is_the_one_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert create_s256_code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_sm_t1_a_public_client_names_itself_in_the_form(house: House) -> None:
    house.register(auth="none")
    house.launch()
    call = the_request(house)
    assert set(call.form) == GRANT | {"client_id"}
    assert "Authorization" not in call.headers


@pytest.mark.parametrize("secret", ["hunter2", "a:b%c+d e/ü&=", "%41"])
def test_sm_t2_a_secret_goes_form_encoded_into_the_header_and_nowhere_else(house: House, secret: str) -> None:
    client_id = "stride:app+1"
    house.ehr.client_id, house.ehr.client_secret = client_id, secret
    house.register(auth="client_secret_basic", client_id=client_id, client_secret=secret)
    house.launch()
    call = the_request(house)
    assert set(call.form) == GRANT
    written = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    assert call.headers["Authorization"] == "Basic " + base64.b64encode(written.encode()).decode()


def test_sm_k3_an_asymmetric_client_sends_an_assertion_and_no_client_id(house: House) -> None:
    house.launch()
    call = the_request(house)
    assert set(call.form) == GRANT | {"client_assertion_type", "client_assertion"}
    assert "Authorization" not in call.headers
    assert house.ehr.faults == []


@pytest.mark.parametrize(
    ("accepted", "algorithm"),
    [(["RS384", "ES384"], "RS384"), (["ES384"], "ES384"), (["RS384"], "RS384"), ([], "RS384")],
)
def test_sm_k1_k2_the_assertion_is_signed_as_the_server_wants(
    house: House, accepted: list[str], algorithm: str
) -> None:
    house.ehr.configuration_changes = {"token_endpoint_auth_signing_alg_values_supported": accepted}
    house.launch()
    [written] = the_request(house).form["client_assertion"]
    header = jws.extract_compact(written.encode()).headers()
    assert header["alg"] == algorithm
    keys = KeySet.import_key_set(house.keyring.jwks())
    claims = jwt.decode(written, keys, algorithms=[algorithm]).claims
    now = int(house.clock().timestamp())
    assert claims.pop("jti")
    assert claims == {
        "iss": "stride",
        "sub": "stride",
        "aud": f"{house.ehr.origin}/token",
        "iat": now - 60,
        "exp": now + 240,
    }


def test_sm_k1_a_server_that_takes_neither_of_our_algorithms_is_a_fault_of_keys(house: House) -> None:
    house.ehr.configuration_changes = {"token_endpoint_auth_signing_alg_values_supported": ["PS256"]}
    assert isinstance(house.refused(), KeyFault)
    assert house.ehr.called("/token") == []


def test_a_client_without_its_secret_asks_nobody(house: House) -> None:
    house.register(auth="client_secret_basic")
    assert isinstance(house.refused(), KeyFault)
    assert house.ehr.called("/token") == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("{}", status=400), TokenRefused),
        (Response("no", status=401), TokenRefused),
        (Response('{"error": 7}', status=400), TokenRefused),
        (Response('{"error": "invalid_grant"}', status=200), TokenRefused),
        (Response('{"access_token": "x", "token_type": "Bearer"}', status=302), TokenRefused),
        (Response(status=307, headers={"Location": "/elsewhere"}), TokenRefused),
        (Response("<html>", status=200), TokenRefused),
        (Response("busy", status=503), ServerUnreachable),
    ],
    ids=["400", "401", "odd error", "error with 200", "302", "307", "html", "503"],
)
def test_sm_t3_anything_but_a_plain_grant_stops_the_launch(
    house: House, answer: Response, error: type[SmartError]
) -> None:
    house.ehr.answers["/token"] = lambda: answer
    assert type(house.refused()) is error
    assert len(house.ehr.called("/token")) == 1
    assert house.ehr.called("/elsewhere") == []
