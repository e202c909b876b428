"""Who may call: the 401 matrix."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwk

from cds_hooks.ports import Fetched, HookCall, Offer
from mappings.bundle import Chart
from tests.cds_hooks import builders
from tests.cds_hooks.builders import NOW, SERVICE, a_client, a_key, a_token, claims
from tests.cds_hooks.conftest import Running

SECONDS = int(NOW.timestamp())


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def forged(algorithm: Any, kid: str = "k1") -> str:
    """Header and claims of a good token, under another algorithm, without its signature."""
    header = {"alg": algorithm, "typ": "JWT", "kid": kid}
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims()).encode())}"


def unsigned() -> str:
    return f"{forged('none')}."


def signed_with_the_public_key() -> str:
    """HS256 over the client's public key, which an attacker has."""
    signed = forged("HS256", "k2")
    secret = a_key("RS384", "k2").as_pem(private=False)
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), 'sha256').digest())}"


def with_broken_signature() -> str:
    head, payload, signature = a_token().split(".")
    other = a_token(jti="another").split(".")[2]
    return f"{head}.{payload}.{other if other != signature else signature[::-1]}"


def a_strange_key() -> jwk.ECKey:
    return jwk.ECKey.generate_key("P-384", {"kid": "k1"})


REFUSED = {
    "CH-J1 no header": lambda: None,
    "CH-J1 basic": lambda: "Basic dXNlcjpwYXNz",
    "CH-J1 bearer without token": lambda: "Bearer ",
    "CH-J1 not a JWS": lambda: "Bearer abc",
    "CH-J1 not ASCII": lambda: "Bearer ä.b.c",
    "CH-J1 far too long": lambda: f"Bearer {'a' * 100_000}",
    "CH-J2 alg none": lambda: f"Bearer {unsigned()}",
    "CH-J2 alg is a list": lambda: f"Bearer {forged(['ES384'])}.AA",
    "CH-J2 header is a list": lambda: f"Bearer {encoded(b'[]')}.{encoded(b'{}')}.AA",
    "CH-J4 claims are a list": lambda: f"Bearer {encoded(b'{}')}.{encoded(b'[]')}.AA",
    "CH-J4 claims nested beyond reason": lambda: f"Bearer {encoded(b'{}')}.{encoded(b'[' * 4_000)}.AA",
    "CH-J2 HS256 with the public key": lambda: f"Bearer {signed_with_the_public_key()}",
    "CH-J2 an algorithm that is not agreed": lambda: f"Bearer {a_token('ES256', a_key('ES256', 'k1'))}",
    "CH-J2 wrong signature": lambda: f"Bearer {with_broken_signature()}",
    "CH-J2 another client's key under a known kid": lambda: (
        f"Bearer {a_token('ES384', jwk.ECKey.generate_key('P-384', {'kid': 'k1'}))}"
    ),
    "CH-J2 the key of another algorithm": lambda: f"Bearer {a_token('RS384', header={'kid': 'k1'})}",
    "CH-J3 no kid": lambda: f"Bearer {a_token(header={'kid': None})}",
    "CH-J3 unknown kid": lambda: f"Bearer {a_token(header={'kid': 'k9'})}",
    "CH-J3 no typ": lambda: f"Bearer {a_token(header={'typ': None})}",
    "CH-J3 another typ": lambda: f"Bearer {a_token(header={'typ': 'at+jwt'})}",
    "CH-J4 no iss": lambda: f"Bearer {a_token(iss=None)}",
    "CH-J4 unknown iss": lambda: f"Bearer {a_token(iss='https://stranger.example')}",
    "CH-J4 no aud": lambda: f"Bearer {a_token(aud=None)}",
    "CH-J4 no exp": lambda: f"Bearer {a_token(exp=None)}",
    "CH-J4 no iat": lambda: f"Bearer {a_token(iat=None)}",
    "CH-J4 no jti": lambda: f"Bearer {a_token(jti=None)}",
    "CH-J4 empty jti": lambda: f"Bearer {a_token(jti='')}",
    "CH-J4 aud of another service": lambda: f"Bearer {a_token(aud=SERVICE.replace('referral', 'other'))}",
    "CH-J4 aud with a trailing slash": lambda: f"Bearer {a_token(aud=f'{SERVICE}/')}",
    "CH-J4 aud is the feedback address": lambda: f"Bearer {a_token(aud=f'{SERVICE}/feedback')}",
    "CH-J4 aud of the host behind the proxy": lambda: (
        f"Bearer {a_token(aud='http://localhost/cds-services/exercise-referral')}"
    ),
    "CH-J4 aud list without us": lambda: f"Bearer {a_token(aud=['https://a.example', 'https://b.example'])}",
    "CH-J4 aud an object": lambda: f"Bearer {a_token(aud={'x': SERVICE})}",
    "CH-J4 expired": lambda: f"Bearer {a_token(iat=SECONDS - 300, exp=SECONDS - 1)}",
    "CH-J4 expires now": lambda: f"Bearer {a_token(exp=SECONDS)}",
    "CH-J4 exp as text": lambda: f"Bearer {a_token(exp=str(SECONDS + 300))}",
    "CH-J4 exp true": lambda: f"Bearer {a_token(exp=True)}",
    "CH-J4 exp beyond time": lambda: f"Bearer {a_token(exp=10**30)}",
    "CH-J4 issued in the future": lambda: f"Bearer {a_token(iat=SECONDS + 120)}",
    "CH-J4 not valid yet": lambda: f"Bearer {a_token(nbf=SECONDS + 120)}",
    "CH-J7 valid for longer than a replay is remembered": lambda: f"Bearer {a_token(exp=SECONDS + 86_400)}",
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_call_that_cannot_be_trusted_gets_a_bare_401(service: Running, case: str):
    header = REFUSED[case]()
    response = service.post(
        builders.body(builders.a_request()), headers={"Authorization": header} if header else {"X": "y"}
    )
    assert response.status_code == 401
    assert response.data == b""  # CH-S7: no reason is given
    assert service.nothing_written


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_ch_j2_ch_j6_the_agreed_algorithms_are_accepted_with_keys_on_file(service: Running, algorithm: str):
    assert service.call(algorithm=algorithm).status_code == 200


def test_ch_j2_a_site_may_agree_on_another_algorithm(service: Running):
    key = a_key("ES256", "k3")
    service.clients.clients[builders.ISSUER] = a_client(
        algorithms=("ES256",), keys=lambda refetch: builders.a_jwks(key)
    )
    assert service.call(algorithm="ES256", key=key).status_code == 200
    assert service.call(algorithm="ES384").status_code == 401


def test_ch_j2_no_configuration_can_allow_a_symmetric_algorithm(service: Running):
    secret = jwk.OctKey.generate_key(256, {"kid": "s1"})
    jwks = {"keys": [secret.as_dict(private=True)]}
    service.clients.clients[builders.ISSUER] = a_client(algorithms=("HS256", "none"), keys=lambda refetch: jwks)
    assert service.call(algorithm="HS256", key=secret).status_code == 401
    assert service.post(b"{}", headers={"Authorization": f"Bearer {unsigned()}"}).status_code == 401


@pytest.mark.parametrize("changes", [{"aud": [SERVICE]}, {"aud": ["https://x.example", SERVICE]}, {"sub": "extra"}])
def test_ch_j4_aud_may_be_a_list_and_extra_claims_do_no_harm(service: Running, changes: dict[str, Any]):
    assert service.call(**changes).status_code == 200


def test_ch_j4_a_clock_slightly_ahead_of_ours_is_forgiven(service: Running):
    assert service.call(iat=SECONDS + 30, nbf=SECONDS + 30).status_code == 200


def test_ch_j5_a_jku_is_never_followed_and_must_be_the_agreed_one(service: Running):
    asked: list[bool] = []

    def keys(refetch: bool) -> dict[str, Any]:
        asked.append(refetch)
        return builders.a_jwks(a_key("ES384"))

    service.clients.clients[builders.ISSUER] = a_client(jku="https://ehr.example/jwks.json", keys=keys)
    assert service.call(header={"jku": "https://evil.example/jwks.json"}).status_code == 401
    assert asked == []
    assert service.call(header={"jku": "https://ehr.example/jwks.json"}).status_code == 200
    assert service.call().status_code == 200


def test_ch_j5_without_an_agreed_jku_the_sandbox_may_name_its_own_which_is_ignored(service: Running):
    assert service.call(header={"jku": "https://sandbox.cds-hooks.org/.well-known/jwks.json"}).status_code == 200


def test_ch_j7_a_token_can_be_used_once(service: Running):
    assert service.call(jti="once").status_code == 200
    assert service.call(jti="once").status_code == 401
    assert len(service.intake.calls) == 1


def test_ch_j7_the_token_of_a_call_that_fails_works_no_second_time(service: Running):
    assert service.post(b"{", jti="once").status_code == 400
    assert service.call(jti="once").status_code == 401


def test_ch_j7_a_token_is_remembered_before_anything_is_read_at_the_clients_server(service: Running):
    remembered: list[bool] = []

    def fetch(*_: Any, **__: Any) -> Fetched:
        remembered.append(("https://ehr.example/fhir", "once") in service.clients.used)
        return Fetched(failed=frozenset(("labs",)))

    service.charts.fetch = fetch  # type: ignore[method-assign]
    prefetch = builders.a_prefetch()
    del prefetch["labs"]
    request = builders.a_request(
        fhirServer=builders.FHIR_SERVER, fhirAuthorization=builders.access(), prefetch=prefetch
    )
    assert service.call(request, jti="once").status_code == 200
    assert remembered == [True]


def test_ch_j7_two_calls_at_once_with_one_token_and_the_later_is_refused(service: Running):
    service.clients.was_used = lambda use: False  # type: ignore[method-assign] # both looked before either wrote
    assert [service.call(jti="once").status_code for _ in range(2)] == [200, 401]


def test_ch_j7_a_token_that_was_kept_with_the_call_is_not_kept_again(service: Running):
    def keeps_it(call: HookCall, chart: Chart) -> Offer:
        assert call.token is not None
        call.token.spent = service.clients.first_use(call.token)
        return builders.an_offer()

    service.intake.offer = keeps_it
    assert [service.call(jti="once").status_code for _ in range(2)] == [200, 401]


def test_ch_j7_a_refused_token_does_not_burn_its_jti(service: Running):
    assert service.call(jti="again", aud="https://other.example").status_code == 401
    assert service.call(jti="again").status_code == 200


@pytest.mark.parametrize(("tenant", "status"), [("north", 200), ("south", 401), (None, 401), (["north"], 401)])
def test_ch_j8_a_tenant_outside_the_agreed_ones_is_refused(service: Running, tenant: Any, status: int):
    service.clients.clients[builders.ISSUER] = a_client(tenants=frozenset(("north",)))
    assert service.call(tenant=tenant).status_code == status


def test_ch_j9_a_rotated_key_is_fetched_once(service: Running):
    new = a_key("ES384", "new")
    asked: list[bool] = []

    def keys(refetch: bool) -> dict[str, Any]:
        asked.append(refetch)
        return builders.a_jwks(new) if refetch else builders.a_jwks(a_key("ES384"))

    service.clients.clients[builders.ISSUER] = a_client(keys=keys)
    assert service.call(key=new).status_code == 200
    assert asked == [False, True]


def test_ch_j10_nothing_of_a_refused_token_is_logged(service: Running, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    token = a_token(iss="https://canary.example", aud="https://canary.example")
    service.post(b"{}", headers={"Authorization": f"Bearer {token}"})
    assert token not in caplog.text
    assert "canary" not in caplog.text


def test_the_tokens_are_judged_by_their_own_clock_when_the_house_moves_its_own(service: Running):
    service.settings["token_clock"] = lambda: NOW
    service.now = NOW + timedelta(days=4)
    assert service.call().status_code == 200
