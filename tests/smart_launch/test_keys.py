"""Our own keys: published without their private half, new ones beside old ones. Source: SM-K1, SM-K2."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from smart_launch.errors import KeyFault
from smart_launch.keys import KeyRing, KeyRings
from tests.smart_launch.conftest import MovedClock

RSA, OTHER_RSA, EC = RSAKey.generate_key(2048), RSAKey.generate_key(2048), ECKey.generate_key("P-384")
with warnings.catch_warnings():  # joserfc warns of the very thing that this key is for
    warnings.simplefilter("ignore")
    WEAK_RSA = RSAKey.generate_key(1024).as_pem(private=True)
PUBLIC_MEMBERS = {"kty", "kid", "use", "alg", "key_ops"}


def test_sm_k1_the_published_keys_have_what_is_asked_and_nothing_private() -> None:
    published = KeyRing.generated().jwks()["keys"]
    assert {key["alg"] for key in published} == {"RS384", "ES384"}
    for key in published:
        material = {"n", "e"} if key["kty"] == "RSA" else {"crv", "x", "y"}
        assert set(key) == PUBLIC_MEMBERS | material
        assert key["use"] == "sig"
        assert key["key_ops"] == ["verify"]
    assert len({key["kid"] for key in published}) == 2


@pytest.mark.parametrize("key", [RSA, EC], ids=["RSA", "EC"])
def test_sm_k1_a_key_from_a_file_keeps_its_kid_however_it_is_written(tmp_path: Path, key: Any) -> None:
    forms = {
        "key.pem": key.as_pem(private=True),
        "key.jwk": json.dumps(key.as_dict(private=True)).encode(),
        "named.jwk": json.dumps({**key.as_dict(private=True), "kid": "theirs", "alg": "XX"}).encode(),
        "keys.jwks": b"\n " + json.dumps({"keys": [key.as_dict(private=True)]}).encode(),
    }
    for name, content in forms.items():
        (tmp_path / name).write_bytes(content)
        [published] = KeyRing.from_files([tmp_path / name]).jwks()["keys"]
        assert published["kid"] == key.thumbprint()


def test_what_is_stored_can_be_read_again_and_signs(tmp_path: Path, clock: MovedClock) -> None:
    ring = KeyRing.generated()
    (tmp_path / "keys.json").write_text(json.dumps(ring.private_jwks()))
    again = KeyRing.from_files([tmp_path / "keys.json"])
    assert again.jwks() == ring.jwks()
    assert again.sign_assertion("c", "https://auth.example/token", clock())


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        b"{",
        b"[]",
        b"{}",
        b'{"keys": 7}',
        b'{"keys": ["x"]}',
        b'{"kty": "RSA"}',
        ECKey.generate_key("P-256").as_pem(private=True).replace(b"MI", b"XX"),
        json.dumps(OctKey.generate_key(256).as_dict(private=True)).encode(),
        json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)).encode(),
        ECKey.generate_key("P-256").as_pem(private=True),
        WEAK_RSA,
    ],
    ids=["empty", "text", "cut off", "a list", "no key", "no keys", "no objects", "half a key", "broken PEM", "secret",
         "Ed25519", "P-256", "RSA 1024"],
)  # fmt: skip
def test_sm_k1_a_key_that_will_not_do_is_named_by_its_file_only(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.key").write_bytes(content)
    with pytest.raises(KeyFault) as caught:
        KeyRing.from_files([tmp_path / "bad.key"])
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_key_file_is_a_fault_of_keys(tmp_path: Path) -> None:
    with pytest.raises(KeyFault):
        KeyRing.from_files([tmp_path / "nowhere.pem"])


def test_sm_k1_while_a_key_is_changed_the_old_and_the_new_one_are_both_known(clock: MovedClock) -> None:
    announced = RSAKey.import_key(OTHER_RSA.as_dict(private=False))
    before, after = KeyRing([RSA, announced]), KeyRing([OTHER_RSA, RSA])
    for ring, signer in ((before, RSA), (after, OTHER_RSA)):
        assertion = ring.sign_assertion("c", "https://auth.example/token", clock())
        assert jws.extract_compact(assertion.encode()).headers()["kid"] == signer.thumbprint()
        for known in (before, after):
            keys = KeySet.import_key_set(known.jwks())  # type: ignore[arg-type]
            assert jwt.decode(assertion, keys, algorithms=["RS384"]).claims["sub"] == "c"
    assert "d" not in before.private_jwks()["keys"][1]


def test_sm_k2_a_jti_is_never_used_twice(clock: MovedClock) -> None:
    ring = KeyRing([EC])
    assertions = [ring.sign_assertion("c", "https://auth.example/token", clock()) for _ in range(50)]
    jtis = {jwt.decode(text, EC, algorithms=["ES384"]).claims["jti"] for text in assertions}
    assert len(jtis) == 50


def test_sm_k2_a_server_whose_clock_is_a_minute_wrong_takes_an_assertion(clock: MovedClock) -> None:
    text = KeyRing([EC]).sign_assertion("c", "https://auth.example/token", clock())
    claims = jwt.decode(text, EC, algorithms=["ES384"]).claims
    for wrong in (-60, 0, 60):
        theirs = clock().timestamp() + wrong
        assert claims["iat"] <= theirs < claims["exp"] <= theirs + 300
    assert claims["exp"] - claims["iat"] <= 300


def signer_of(rings: KeyRings, tenant: str, clock: MovedClock) -> str:
    assertion = rings.of(tenant).sign_assertion("c", "https://auth.example/token", clock())
    return str(jws.extract_compact(assertion.encode()).headers()["kid"])


def test_a_tenant_signs_with_its_own_key_and_all_others_with_the_common_one(clock: MovedClock) -> None:
    rings = KeyRings(KeyRing([RSA]), {"north": KeyRing([OTHER_RSA]), "south": KeyRing([EC])})
    signers = {tenant: signer_of(rings, tenant, clock) for tenant in ("north", "south", "west")}
    assert signers == {"north": OTHER_RSA.thumbprint(), "south": EC.thumbprint(), "west": RSA.thumbprint()}
    assert (rings.has_own("north"), rings.has_own("west")) == (True, False)
    published = {tenant: [key["kid"] for key in rings.of(tenant).jwks()["keys"]] for tenant in ("north", "west")}
    assert published == {"north": [OTHER_RSA.thumbprint()], "west": [RSA.thumbprint()]}, "and nobody else's is shown"
    everything = [key["kid"] for key in rings.jwks()["keys"]]
    assert everything == [RSA.thumbprint(), OTHER_RSA.thumbprint(), EC.thumbprint()]


def test_a_tenant_whose_own_keys_cannot_sign_borrows_none(clock: MovedClock) -> None:
    rings = KeyRings(KeyRing([RSA]), {"north": KeyRing([OTHER_RSA.import_key(OTHER_RSA.as_dict(private=False))])})
    with pytest.raises(KeyFault):
        signer_of(rings, "north", clock)


@pytest.mark.parametrize("own", [{"north": KeyRing([RSA])}, {"north": KeyRing([EC]), "south": KeyRing([EC])}])
def test_a_key_that_stands_in_two_rings_is_refused_at_the_start(own: dict[str, KeyRing]) -> None:
    with pytest.raises(KeyFault):
        KeyRings(KeyRing([RSA]), own)


def test_a_ring_of_public_keys_cannot_sign(clock: MovedClock) -> None:
    ring = KeyRing([RSAKey.import_key(RSA.as_dict(private=False))])
    with pytest.raises(KeyFault):
        ring.sign_assertion("c", "https://auth.example/token", clock())
