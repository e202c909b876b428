"""Who is calling: a client's JWT becomes one of our clients, or nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from cds_hooks.errors import NotAuthenticated
from cds_hooks.keys import ParsedKeys
from cds_hooks.ports import Client, Clients, TokenUse

# What a public key can verify. `none` and the symmetric ones can be configured by nobody (CH-J2).
ASYMMETRIC: Final = frozenset(
    ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA", "Ed25519")
)
_MAX_TOKEN_CHARS: Final = 8_192
_MAX_LIFE: Final = timedelta(hours=1)  # bounds what the replay memory must hold (CH-J7)
_CLOCK_SKEW: Final = timedelta(minutes=1)  # for clocks ahead of ours; a token that is past is past

_REGISTRY: Final = jws.JWSRegistry(algorithms=sorted(ASYMMETRIC), strict_check_header=False)
_REGISTRY.max_header_length = 4_096  # a `jku` with a long path and an `x5t` pass the library's 512


class Authenticator:
    """Tells which client is calling. Every doubt is `NotAuthenticated`. Source: CH-J1 to CH-J10."""

    def __init__(self, clients: Clients) -> None:
        self._clients, self._keys = clients, ParsedKeys()

    def authenticate(self, header: str | None, audiences: Collection[str], now: datetime) -> Client:
        """The client whose token this is, made for one of `audiences` and used for the first time."""
        client, use = self.verify(header, audiences, now)
        self.spend(use)
        return client

    def spend(self, use: TokenUse) -> None:
        """Remember a token, unless that was done. Raises `NotAuthenticated` when it was used before."""
        if use.spent:
            return
        if not self._clients.first_use(use):
            raise NotAuthenticated("token used before")
        use.spent = True

    def verify(self, header: str | None, audiences: Collection[str], now: datetime) -> tuple[Client, TokenUse]:
        """The client whose token this is, and the token's id, which still has to be remembered (`spend`)."""
        token = _token_extracted(header)
        claims = _claims_of(token)
        client = self._clients.by_issuer(_text(claims, "iss"))
        if client is None:
            raise NotAuthenticated("unknown issuer")
        self._check_signature(token, client)
        expires_at = _check_times(claims, now)
        _check_audience(claims, audiences)
        _check_tenant(claims, client)
        use = TokenUse(client.issuer, _text(claims, "jti"), expires_at)
        if self._clients.was_used(use):  # nothing is read or worked out for a replay
            raise NotAuthenticated("token used before")
        return client, use

    def _check_signature(self, token: jws.CompactSignature, client: Client) -> None:
        header = token.headers()
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ASYMMETRIC.intersection(client.algorithms):
            raise NotAuthenticated("algorithm not agreed")
        if not isinstance(kid, str) or str(header.get("typ", "")).upper() != "JWT":
            raise NotAuthenticated("header without kid or typ")
        if "crit" in header or "b64" in header:
            raise NotAuthenticated("header asks for an extension")
        if client.jku is not None and header.get("jku", client.jku) != client.jku:
            raise NotAuthenticated("jku not agreed")
        key = self._keys.find(client, kid, algorithm)
        if key is None:
            raise NotAuthenticated("unknown key")
        try:
            genuine = jws.validate_compact(token, key, registry=_REGISTRY)
        except (JoseError, ValueError) as error:
            raise NotAuthenticated("signature cannot be checked") from error
        if not genuine:
            raise NotAuthenticated("wrong signature")


def _token_extracted(header: str | None) -> jws.CompactSignature:
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN_CHARS:
        raise NotAuthenticated("no bearer token")
    try:
        return jws.extract_compact(token.strip().encode("ascii"), registry=_REGISTRY)
    except (JoseError, ValueError) as error:  # UnicodeEncodeError is a ValueError
        raise NotAuthenticated("not a compact JWS") from error


def _claims_of(token: jws.CompactSignature) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = msgspec.json.decode(token.payload, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAuthenticated("claims are no JSON object") from error
    return claims


def _check_times(claims: dict[str, Any], now: datetime) -> datetime:
    expires_at, issued_at = _moment(claims, "exp"), _moment(claims, "iat")
    if expires_at <= now:
        raise NotAuthenticated("expired")
    if issued_at > now + _CLOCK_SKEW or expires_at - issued_at > _MAX_LIFE + _CLOCK_SKEW:
        raise NotAuthenticated("issued in the future, or for too long")
    if "nbf" in claims and _moment(claims, "nbf") > now + _CLOCK_SKEW:
        raise NotAuthenticated("not valid yet")
    return expires_at


def _check_audience(claims: dict[str, Any], audiences: Collection[str]) -> None:
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(one, str) and one in audiences for one in named):
        raise NotAuthenticated("made for another audience")


def _check_tenant(claims: dict[str, Any], client: Client) -> None:
    tenant = claims.get("tenant")
    if client.tenants and not (isinstance(tenant, str) and tenant in client.tenants):
        raise NotAuthenticated("tenant not agreed")


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 512:
        raise NotAuthenticated(f"claim {name} missing")
    return value


def _moment(claims: dict[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAuthenticated(f"claim {name} missing")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise NotAuthenticated(f"claim {name} is no time") from error
