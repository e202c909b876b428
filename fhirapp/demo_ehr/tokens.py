"""What the authorization server remembers, in memory: launches, codes, tokens, spent assertion ids."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from fhirapp.demo_ehr.clock import DemoClock
from fhirapp.demo_ehr.errors import FhirError
from fhirapp.demo_ehr.scopes import Access, data_scopes

LAUNCH_SECONDS = 600
CODE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Launch:
    """What the EHR knew when the user opened the app; the app sees it in the token response (SM-C1)."""

    patient: str  # empty: opened without a chart
    user: str  # "Practitioner/..."
    encounter: str | None = None
    app_context: str | None = None
    need_patient_banner: bool = True
    intent: str | None = None

    def context(self) -> dict[str, Any]:
        """The launch context as members of a token response."""
        found: dict[str, Any] = {"need_patient_banner": self.need_patient_banner}
        optional = {
            "patient": self.patient,
            "encounter": self.encounter,
            "appContext": self.app_context,
            "intent": self.intent,
        }
        return found | {name: value for name, value in optional.items() if value}


@dataclass(slots=True)
class Code:
    """An authorization code with all that the token response will need; the names are Authlib's."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: str
    expires: int
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    launch: Launch | None = None
    issued: list[str] = field(default_factory=list)  # access tokens, revoked when the code comes again
    used: bool = False

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> None:
        return None

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Token:
    """An issued token."""

    access_token: str
    client_id: str
    scope: str
    expires: int
    user: str = ""
    launch: Launch | None = None
    refresh_token: str | None = None

    def check_client(self, client: Any) -> bool:
        return bool(client.get_client_id() == self.client_id)

    def get_scope(self) -> str:
        return self.scope


class TokenStore:
    """All that expires. A restart of the EHR ends every session, as it should in a demo."""

    def __init__(self, clock: DemoClock, fhir_base: str) -> None:
        self._clock = clock
        self._base = fhir_base
        self._lock = Lock()
        self._launches: dict[str, tuple[Launch, int]] = {}
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._spent: dict[tuple[str, str], int] = {}

    def new_launch(self, launch: Launch) -> str:
        """An opaque value for the `launch` parameter, good for ten minutes."""
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._launches[key] = (launch, self._clock.timestamp() + LAUNCH_SECONDS)
        return key

    def launch(self, key: str) -> Launch | None:
        """The launch of that value; `None` when there is none or it is too old."""
        with self._lock:
            launch, expires = self._launches.get(key, (None, 0))
            return launch if expires > self._clock.timestamp() else None

    def keep_code(self, code: Code) -> None:
        with self._lock:
            self._codes[code.code] = code

    def spend_code(self, value: str, client_id: str) -> Code | None:
        """The code, once: a second use finds none and revokes what the first one got (RFC 6749 4.1.2)."""
        with self._lock:
            code = self._codes.get(value)
            if code is None or code.client_id != client_id:
                return None
            if code.used:
                for token in code.issued:
                    self._tokens.pop(token, None)
                return None
            code.used = True
            return code if code.expires > self._clock.timestamp() else None

    def keep(self, token: Token, code: Code | None = None) -> Token:
        """Remember a token; one from a code is tied to that code."""
        with self._lock:
            self._tokens[token.access_token] = token
            if token.refresh_token:
                self._refresh[token.refresh_token] = token
            if code:
                code.issued.append(token.access_token)
        return token

    def issue(self, client_id: str, scope: str, seconds: int, launch: Launch | None = None) -> Token:
        """A token made by the EHR itself, such as the one that travels with a hook (CH-F2)."""
        expires = self._clock.timestamp() + seconds
        return self.keep(Token(secrets.token_urlsafe(32), client_id, scope, expires, launch=launch))

    def spend_refresh_token(self, value: str) -> Token | None:
        """The token to be refreshed, once (SM-R2)."""
        with self._lock:
            return self._refresh.pop(value, None)

    def access(self, value: str) -> Access:
        """What the bearer may do. Raises 401."""
        with self._lock:
            token = self._tokens.get(value)
        if token is None or token.expires <= self._clock.timestamp():
            raise FhirError(401, "login", "The access token is not known or has expired.")
        patient = token.launch.patient if token.launch else None
        return Access(data_scopes(token.scope.split()), patient, token.client_id, self._base)

    def spend_assertion(self, client_id: str, jti: str, expires: int) -> bool:
        """Whether this assertion id is new; it is spent from now on (SM-K2)."""
        with self._lock:
            now = self._clock.timestamp()
            self._spent = {key: until for key, until in self._spent.items() if until > now}
            if (client_id, jti) in self._spent:
                return False
            self._spent[client_id, jti] = expires
            return True

    def revoke_all(self) -> None:
        """End every session and token."""
        with self._lock:
            for held in (self._launches, self._codes, self._tokens, self._refresh):
                held.clear()
