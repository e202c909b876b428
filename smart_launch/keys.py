"""Our own keys: what we sign with, and the public half that the world may fetch. Source: SM-K1, SM-K2."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from authlib.oauth2.rfc7523 import private_key_jwt_sign
from joserfc.errors import InvalidKeyTypeError, JoseError
from joserfc.jwk import ECKey, Key, RSAKey, import_key

from models.text import N_
from smart_launch.errors import KeyFault

# SMART lets an assertion live for five minutes. It is dated a minute back and ends a minute early, so that a server
# whose clock is a minute wrong takes it all the same: strict ones refuse what was issued in their future.
ASSERTION_FOR: Final = timedelta(minutes=4)
DATED_BACK: Final = timedelta(minutes=1)
JWKS_MAX_AGE: Final = 300  # seconds; short, so that a new key is known within minutes
MIN_RSA_BITS: Final = 2048

_UNREADABLE: Final = N_("A signing key cannot be read.")
_UNSUITABLE: Final = N_("A signing key is neither RSA (2048 bits or more) nor EC on curve P-384.")
_TWICE: Final = N_("One signing key stands in the rings of two hospitals.")
_NO_KEY: Final = N_("No signing key is of a kind that the record system accepts.")


class KeyRing:
    """Our RS384 and ES384 keys, in order: the first private one of an algorithm signs, all are published.

    A key that is only public is published and never signs; that is how the next key is announced, and how
    an old one stays known until the last assertion signed with it has run out.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = tuple(_checked(key) for key in keys)

    @classmethod
    def generated(cls) -> KeyRing:
        """A ring of two new keys, one of each algorithm."""
        return cls([RSAKey.generate_key(3072), ECKey.generate_key("P-384")])

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> KeyRing:
        """The keys of PEM, JWK and JWKS files, in the order given."""
        return cls(key for path in paths for key in _read(path))

    @property
    def kids(self) -> tuple[str, ...]:
        """The `kid` of each key, in their order."""
        return tuple(key.thumbprint() for key in self._keys)

    def of(self, tenant_id: str) -> KeyRing:
        """A single ring is that of every tenant."""
        return self

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The public JWKS, as `/smart/jwks.json` serves it."""
        return {"keys": [self._published(key, private=False) for key in self._keys]}

    def private_jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Everything, to be stored where only the service can read it."""
        return {"keys": [self._published(key, private=key.is_private) for key in self._keys]}

    def sign_assertion(self, client_id: str, audience: str, now: datetime, accepted: Collection[str] = ()) -> str:
        """A new client assertion, never used before; `accepted` are the server's algorithms, if it says."""
        key = self._signing_key(accepted)
        assertion: str = private_key_jwt_sign(
            key,
            client_id=client_id,
            token_endpoint=audience,
            alg=_algorithm(key),
            claims={"jti": secrets.token_urlsafe(32)},
            header={"kid": key.thumbprint(), "typ": "JWT"},
            issued_at=int((now - DATED_BACK).timestamp()),
            expires_at=int((now + ASSERTION_FOR).timestamp()),
        )
        return assertion

    def _signing_key(self, accepted: Collection[str]) -> Key:
        for key in self._keys:
            if key.is_private and (not accepted or _algorithm(key) in accepted):
                return key
        raise KeyFault(_NO_KEY, "server accepts " + ", ".join(sorted(accepted)))

    @staticmethod
    def _published(key: Key, *, private: bool) -> dict[str, Any]:
        members = key.as_dict(private=private)
        operation = "sign" if private else "verify"
        described = {"kid": key.thumbprint(), "use": "sig", "alg": _algorithm(key), "key_ops": [operation]}
        return {**members, **described}


class KeyRings:
    """The rings of all tenants: a tenant's own where it has one, and else the one that such tenants share.

    Raises `KeyFault` where one key stands in two rings: then what is signed for one hospital would count at another.
    """

    def __init__(self, common: KeyRing, own: Mapping[str, KeyRing]) -> None:
        self._common, self._own = common, dict(own)
        seen: dict[str, str] = {}
        for name, ring in (("", common), *self._own.items()):
            for kid in set(ring.kids):
                if kid in seen:
                    raise KeyFault(_TWICE, f"{seen[kid] or 'the common keys'} and {name}")
                seen[kid] = name

    def of(self, tenant_id: str) -> KeyRing:
        """What signs for this tenant, and all that its EHR need know."""
        return self._own.get(tenant_id, self._common)

    def has_own(self, tenant_id: str) -> bool:
        """Whether nobody else's assertions are signed by this tenant's keys."""
        return tenant_id in self._own

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Every public key of the installation: for EHRs that were registered with the common address."""
        return {"keys": [key for ring in (self._common, *self._own.values()) for key in ring.jwks()["keys"]]}


def _algorithm(key: Key) -> str:
    return "RS384" if isinstance(key, RSAKey) else "ES384"


def _checked(key: Key) -> Key:
    if isinstance(key, RSAKey) and key.raw_value.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, ECKey) and key.curve_name == "P-384":
        return key
    raise KeyFault(_UNSUITABLE, key.key_type)


def _read(path: Path) -> list[Key]:
    try:
        content = path.read_bytes()
        if not content.lstrip().startswith(b"{"):
            return [_from_pem(content)]
        document = json.loads(content)
        return [import_key(_bare(jwk)) for jwk in document.get("keys", [document])]
    except (OSError, ValueError, TypeError, AttributeError, JoseError) as error:
        raise KeyFault(_UNREADABLE, f"{path.name}: {type(error).__name__}") from None


def _from_pem(content: bytes) -> Key:
    for kind in (RSAKey, ECKey):
        with suppress(InvalidKeyTypeError):
            return kind.import_key(content)
    raise ValueError("neither RSA nor EC")


def _bare(jwk: dict[str, Any]) -> dict[str, Any]:
    """The key material alone: our `kid` is the thumbprint, and `use` and `alg` follow from the key."""
    return {name: value for name, value in jwk.items() if name not in ("kid", "use", "alg", "key_ops")}
