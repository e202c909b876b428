"""Public keys of clients: fetched seldom, parsed once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from joserfc import jwk
from joserfc.errors import JoseError

from cds_hooks.errors import KeysUnavailable
from cds_hooks.ports import Client

log = logging.getLogger(__name__)

PublicKey = jwk.RSAKey | jwk.ECKey | jwk.OKPKey

_KEY_TYPES: Final[Mapping[str, type[PublicKey]]] = {
    "RSA": jwk.RSAKey,
    "EC": jwk.ECKey,
    "OKP": jwk.OKPKey,
}


FIRST_INTERVAL_S: Final = 2.0  # until the keys were loaded once, a client is locked out: try again soon


class KeyCache:
    """A `KeySource` over a loader of one JWKS URL: rotation is followed, a flood of unknown `kid` is not.

    Nobody can make us call the URL more often than once in `min_interval_s`, whatever tokens he sends.
    When the URL does not answer, the keys that we have stay good. Source: CH-J9.
    """

    def __init__(
        self,
        load: Callable[[], Mapping[str, Any]],
        monotonic: Callable[[], float],
        *,
        max_age_s: float = 3600.0,
        min_interval_s: float = 60.0,
    ) -> None:
        self._load, self._monotonic = load, monotonic
        self._max_age_s, self._min_interval_s = max_age_s, min_interval_s
        self._lock = Lock()
        self._jwks: Mapping[str, Any] | None = None
        self._loaded_at = self._tried_at = float("-inf")

    def __call__(self, refetch: bool) -> Mapping[str, Any]:
        """The newest JWKS that may be had. Raises `KeysUnavailable` when there has never been one."""
        now = self._monotonic()
        # A caller whose key is known does not wait for the one who reloads; without any keys everybody waits.
        waits = self._jwks is None
        if (waits or self._due(refetch, now)) and self._lock.acquire(blocking=waits or refetch):
            try:
                if self._due(refetch, now):
                    self._reload(now)
            finally:
                self._lock.release()
        if self._jwks is None:
            raise KeysUnavailable("the client's keys have not been loaded yet")
        return self._jwks

    def _due(self, refetch: bool, now: float) -> bool:
        stale = refetch or now - self._loaded_at > self._max_age_s
        interval = self._min_interval_s if self._jwks is not None else min(FIRST_INTERVAL_S, self._min_interval_s)
        return stale and now - self._tried_at >= interval

    def _reload(self, now: float) -> None:
        self._tried_at = now
        try:
            self._jwks = self._load()
        except (OSError, ValueError) as error:  # no answer, or an answer that is no JWKS
            log.warning("a client's JWKS could not be loaded: %s", type(error).__name__)
        else:
            self._loaded_at = now


class ParsedKeys:
    """Keys of clients as objects that verify; each JWKS is parsed once, until it changes."""

    def __init__(self) -> None:
        self._by_issuer: dict[str, tuple[Mapping[str, Any], dict[str, list[PublicKey]]]] = {}

    def find(self, client: Client, kid: str, algorithm: str) -> PublicKey | None:
        """The client's key of this id that this algorithm can use; its source is asked again once."""
        for refetch in (False, True):
            for key in self._index(client, client.keys(refetch)).get(kid, ()):
                if _fits(key, algorithm):
                    return key
        return None

    def _index(self, client: Client, jwks: Mapping[str, Any]) -> dict[str, list[PublicKey]]:
        known = self._by_issuer.get(client.issuer)
        if known is None or (known[0] is not jwks and known[0] != jwks):
            known = self._by_issuer[client.issuer] = (jwks, _parsed(jwks))
        return known[1]


def _parsed(jwks: Mapping[str, Any]) -> dict[str, list[PublicKey]]:
    index: dict[str, list[PublicKey]] = {}
    for entry in jwks.get("keys", ()):
        key_type = _KEY_TYPES.get(entry.get("kty"))  # "oct" is not among them: no shared secrets (CH-J2)
        if key_type is None or "kid" not in entry or entry.get("use", "sig") != "sig":
            continue
        try:
            index.setdefault(entry["kid"], []).append(key_type.import_key(dict(entry)))
        except (JoseError, ValueError, TypeError) as error:
            log.warning("a key of a client's JWKS cannot be read: %s", type(error).__name__)
    return index


def _fits(key: PublicKey, algorithm: str) -> bool:
    if key.get("alg", algorithm) != algorithm:
        return False
    if isinstance(key, jwk.RSAKey):
        return algorithm[:2] in ("RS", "PS")
    if isinstance(key, jwk.ECKey):
        return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}.get(str(key.get("crv"))) == algorithm
    return algorithm in ("EdDSA", "Ed25519")
