"""Who opened the app: the id_token checked, its fhirUser resolved. Source: SM-O1, SM-O2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import requests
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, RSAKey, import_key

from models.text import N_
from smart_launch.discovery import TTL, SmartConfiguration, well_known
from smart_launch.errors import DiscoveryFailed, IdentityRefused, ServerFault
from smart_launch.http import UNUSABLE, checked_url, get_json
from smart_launch.kept import Kept
from smart_launch.keys import MIN_RSA_BITS
from smart_launch.ports import Clock, Registration

ALGORITHMS: Final = ("RS256", "RS384", "ES256", "ES384")
SKEW: Final = timedelta(seconds=60)
CLINICIANS: Final = frozenset({"Practitioner", "PractitionerRole"})
REFETCH_AFTER: Final = timedelta(seconds=30)  # an unknown kid may be a new key, but not more often than this

_USER: Final = re.compile(
    r"(?P<type>Patient|Practitioner|PractitionerRole|RelatedPerson|Person)/(?P<id>[A-Za-z0-9\-.]{1,64})"
)
_UNPROVEN: Final = N_(
    "The record system could not prove who you are. "
    "Please close this page and open the app again from the patient's chart."
)
_NOT_A_CLINICIAN: Final = N_("These pages are for clinicians. Your account in the record system is not one.")


@dataclass(frozen=True, slots=True)
class Identity:
    """A person whom the EHR vouches for."""

    issuer: str
    subject: str = field(repr=False)
    fhir_user: str | None  # "Practitioner/1", below the FHIR base; None: not said


class Identities:
    """Checks id_tokens; issuers' keys are kept for a while and fetched again when an unknown one turns up."""

    def __init__(self, http: requests.Session, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._keys: Kept[tuple[Key, ...]] = Kept(clock, TTL)

    def identify(
        self, id_token: str, registration: Registration, configuration: SmartConfiguration, nonce: str
    ) -> Identity:
        """The person of a valid id_token; `IdentityRefused` for any other, `ServerFault` without keys."""
        issuer = configuration.issuer or registration.iss  # before SMART 2 the FHIR base was the issuer
        claims = self._verified(id_token, registration, configuration, issuer)
        check_claims(claims, issuer=issuer, client_id=registration.client_id, nonce=nonce, now=self._clock())
        return Identity(issuer=issuer, subject=claims["sub"], fhir_user=resolve_fhir_user(claims, registration.iss))

    def _verified(
        self, id_token: str, registration: Registration, configuration: SmartConfiguration, issuer: str
    ) -> dict[str, Any]:
        try:
            header = jws.extract_compact(id_token.encode()).headers()
            key = self._key(header, registration, configuration, issuer)
            return jwt.decode(id_token, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, TypeError) as error:
            raise IdentityRefused(_UNPROVEN, type(error).__name__) from None

    def _key(
        self,
        header: Mapping[str, Any],
        registration: Registration,
        configuration: SmartConfiguration,
        issuer: str,
    ) -> Key:
        """The issuer's key for this header. `jku`, `jwk` and `x5u` of the header are never looked at."""

        def fetch() -> tuple[Key, ...]:
            return self._fetch(registration, configuration, issuer)

        where = f"{registration.iss} {issuer}"
        key = key_for(header, self._keys.get(where, fetch))
        if key is None and (self._keys.age(where) or timedelta(0)) >= REFETCH_AFTER:
            self._keys.forget(where)
            key = key_for(header, self._keys.get(where, fetch))
        if key is None:
            raise IdentityRefused(_UNPROVEN, "no key of the issuer fits the id_token")
        return key

    def _fetch(self, registration: Registration, configuration: SmartConfiguration, issuer: str) -> tuple[Key, ...]:
        address = self._jwks_uri(registration, configuration, issuer)
        document = get_json(self._http, address, insecure_http=registration.insecure_http)
        return public_keys(document)

    def _jwks_uri(self, registration: Registration, configuration: SmartConfiguration, issuer: str) -> str:
        """Where OpenID Connect says that the keys are, else where the smart-configuration does."""
        insecure = registration.insecure_http
        try:
            document = get_json(self._http, well_known(issuer, "openid-configuration"), insecure_http=insecure)
            if document.get("issuer") != issuer:
                raise DiscoveryFailed(UNUSABLE, "the openid-configuration is of another issuer")
            return checked_url(document.get("jwks_uri"), insecure_http=insecure)
        except ServerFault:
            if configuration.jwks_uri is None:
                raise
            return configuration.jwks_uri


def public_keys(jwks: Mapping[str, Any]) -> tuple[Key, ...]:
    """The RSA and EC keys of a JWKS that may verify signatures; kinds we do not know are passed over."""
    entries = jwks.get("keys")
    keys = []
    for entry in entries if isinstance(entries, list) else ():
        try:
            key = import_key(entry)
        except (JoseError, ValueError, TypeError, AttributeError):
            continue
        if _strong(key) and key.get("use") in (None, "sig"):
            keys.append(key)
    return tuple(keys)


def _strong(key: Key) -> bool:
    return isinstance(key, ECKey) or (isinstance(key, RSAKey) and key.raw_value.key_size >= MIN_RSA_BITS)


def key_for(header: Mapping[str, Any], keys: Iterable[Key]) -> Key | None:
    """The key that fits `alg` and `kid`; without a `kid` only where exactly one key fits.

    The SMART Launcher signs without `kid` (seen November 2026); its JWKS holds one key.
    """
    algorithm, kid = header.get("alg"), header.get("kid")
    fitting = [key for key in keys if _fits(key, algorithm)]
    if kid is not None:
        fitting = [key for key in fitting if key.kid == kid] or [k for k in fitting if k.kid is None]
    return fitting[0] if len(fitting) == 1 else None


def _fits(key: Key, algorithm: object) -> bool:
    if algorithm not in ALGORITHMS or key.alg not in (None, algorithm):
        return False
    if isinstance(key, ECKey):
        return (key.curve_name, algorithm) in (("P-256", "ES256"), ("P-384", "ES384"))
    return algorithm in ("RS256", "RS384")


def check_claims(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: datetime) -> None:
    """Raises `IdentityRefused` unless the claims are of this issuer, for us, of now and of this launch."""
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=int(SKEW.total_seconds()),
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        registry.validate(dict(claims))
    except JoseError as error:
        raise IdentityRefused(_UNPROVEN, f"{error.error}: {getattr(error, 'claim', '')}") from None
    if claims.get("azp", client_id) != client_id:
        raise IdentityRefused(_UNPROVEN, "azp is another client")


def resolve_fhir_user(claims: Mapping[str, Any], base: str) -> str | None:
    """The fhirUser as a reference relative to the FHIR base ("Practitioner/1"); `None` if the claim is absent.

    An absolute one must lie directly below the base: a person of another server is nobody here.
    """
    claim = claims.get("fhirUser")
    if claim is None:
        return None
    reference = claim.removeprefix(base.rstrip("/") + "/") if isinstance(claim, str) else ""
    match = _USER.fullmatch(reference)
    if match is None or not match["id"].strip("."):
        raise IdentityRefused(_UNPROVEN, "fhirUser is no person below the FHIR base")
    return reference


def check_clinician(fhir_user: str | None) -> None:
    """Raises `IdentityRefused` for a patient, a relative or a plain person; an unsaid user passes.

    Whoever is not said to be a clinician may read what the grant allows, and can sign nothing.
    """
    if fhir_user is not None and fhir_user.split("/")[0] not in CLINICIANS:
        raise IdentityRefused(_NOT_A_CLINICIAN, fhir_user.split("/")[0])
