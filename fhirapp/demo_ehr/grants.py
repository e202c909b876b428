"""Authlib's server side, told what SMART asks of it. Source: standards rows SM-L, SM-T, SM-K, SM-B, SM-O."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from fhirapp.demo_ehr.client_keys import ClientKeys
from fhirapp.demo_ehr.clock import DemoClock
from fhirapp.demo_ehr.keys import DemoKeys
from fhirapp.demo_ehr.scopes import granted
from fhirapp.demo_ehr.settings import DemoClient, DemoSettings
from fhirapp.demo_ehr.tokens import CODE_SECONDS, Code, Launch, Token, TokenStore

METHOD = "private_key_jwt"
ALGORITHMS = ["RS384", "ES384"]
LONGEST_ASSERTION = 300  # seconds, SM-K2
LEEWAY = 30


class RegisteredClient:
    """A registered client as Authlib wants to see it."""

    def __init__(self, client: DemoClient) -> None:
        self.client = client
        self.client_id = client.client_id

    def get_client_id(self) -> str:
        return self.client.client_id

    def get_default_redirect_uri(self) -> str | None:
        return None  # the app names its redirect URI every time (SM-L3)

    def get_allowed_scope(self, scope: str | None) -> str:
        return granted(scope or "", self.client.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.client.redirect_uris

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == METHOD

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.client.kind == "app"

    def check_grant_type(self, grant_type: str) -> bool:
        if self.client.kind == "backend":
            return grant_type == "client_credentials"
        return grant_type in ("authorization_code", "refresh_token")


class Server(AuthorizationServer):  # type: ignore[misc]
    """The authorization server: its clients, its token store, its clock."""

    def __init__(self, settings: DemoSettings, keys: DemoKeys, tokens: TokenStore, clock: DemoClock) -> None:
        super().__init__()
        self.settings, self.keys, self.tokens, self.clock = settings, keys, tokens, clock
        self.user = f"Practitioner/{settings.practitioner_id}"
        self.client_keys = ClientKeys()
        self.register_token_generator("default", self.new_token)
        self.register_client_auth_method(METHOD, ClientAssertion(self))
        context = [LaunchContext(), IdToken(self)]
        self.register_grant(CodeGrant, [RequiredPkce(required=True), SmartRequest(self), *context])
        self.register_grant(RefreshGrant, [LaunchContext()])
        self.register_grant(BackendGrant)

    def query_client(self, client_id: str) -> RegisteredClient | None:
        client = self.settings.client(client_id)
        return RegisteredClient(client) if client else None

    def new_token(self, client: RegisteredClient, scope: str | None = None, **_: Any) -> dict[str, Any]:
        """The members of a token response that every grant has. Raises when no scope is left."""
        scope = client.get_allowed_scope(scope)
        if not scope:
            raise InvalidScopeError()
        backend = client.client.kind == "backend"
        token = {
            "access_token": secrets.token_urlsafe(32),
            "token_type": "Bearer",
            "expires_in": min(self.settings.token_seconds, 300) if backend else self.settings.token_seconds,
            "scope": scope,
        }
        if {"online_access", "offline_access"} & set(scope.split()):
            token["refresh_token"] = secrets.token_urlsafe(32)
        return token

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        code: Code | None = request.authorization_code
        before: Code | Token | None = code or request.refresh_token
        expires = self.clock.timestamp() + int(token["expires_in"])
        kept = Token(
            token["access_token"],
            request.client.get_client_id(),
            token["scope"],
            expires,
            before.user if before else "",
            before.launch if before else None,
            token.get("refresh_token"),
        )
        self.tokens.keep(kept, code)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """The authorization code grant; the code is spent when it is first looked at."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar[list[str]] = [METHOD]
    server: Server

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        asked = request.payload.data
        launch = self.server.tokens.launch(asked.get("launch", ""))
        kept = Code(
            code=code,
            client_id=request.client.get_client_id(),
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            user=launch.user if launch else str(request.user),
            expires=self.server.clock.timestamp() + CODE_SECONDS,
            nonce=asked.get("nonce"),
            code_challenge=asked.get("code_challenge"),
            code_challenge_method=asked.get("code_challenge_method"),
            launch=launch,
        )
        self.server.tokens.keep_code(kept)

    def query_authorization_code(self, code: str, client: RegisteredClient) -> Code | None:
        return self.server.tokens.spend_code(code, client.get_client_id())

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing: it was spent above, and is remembered so that a second use can be punished."""

    def authenticate_user(self, authorization_code: Code) -> str:
        return authorization_code.user


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """The refresh grant; each refresh token works once (SM-R2)."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar[list[str]] = [METHOD]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        token: Token | None = self.server.tokens.spend_refresh_token(refresh_token)
        return token

    def authenticate_user(self, credential: Token) -> str:
        return credential.user

    def revoke_old_credential(self, credential: Token) -> None:
        """Nothing: it was spent when it was looked up."""


class BackendGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """Backend services: client_credentials with a signed assertion (SM-B1)."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar[list[str]] = [METHOD]


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """private_key_jwt as SMART narrows it: RS384 or ES384, five minutes at most, each `jti` once."""

    CLIENT_AUTH_METHOD = METHOD

    def __init__(self, server: Server) -> None:
        super().__init__(leeway=LEEWAY)
        self._server = server

    def get_audiences(self) -> list[str]:
        return [self._server.settings.token_url]

    def resolve_client_public_key(self, client: RegisteredClient) -> KeySet:
        """Nothing yet: which key it is depends on the header, see `process_assertion_claims`."""
        return KeySet([])

    def process_assertion_claims(self, assertion: str, resolve_key: Any) -> Any:
        header = jws.extract_compact(assertion.encode()).headers()
        client = self._server.settings.client(self._client_id(assertion))
        keys = self._server.client_keys.of(client, header.get("kid")) if client else None
        if keys is None:
            raise InvalidClientError(description="The client's key set cannot be fetched.")
        try:
            claims = jwt.decode(assertion, keys, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise InvalidClientError(description="The client's signature is not good.") from error
        self.verify_claims(claims)
        return claims

    def verify_claims(self, claims: Any) -> None:
        now = self._server.clock.timestamp()
        registry = jwt.JWTClaimsRegistry(
            now=now,
            leeway=self.leeway,
            iss={"essential": True, "value": claims.get("sub")},
            sub={"essential": True},
            aud={"essential": True, "values": self.get_audiences()},
            exp={"essential": True},
            jti={"essential": True},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise InvalidClientError(description=f"The assertion is refused: {error.description}") from error
        if claims["exp"] > now + LONGEST_ASSERTION + self.leeway:
            raise InvalidClientError(description="The assertion lives longer than five minutes.")
        if not self._server.tokens.spend_assertion(claims["sub"], str(claims["jti"]), int(claims["exp"]) + LEEWAY):
            raise InvalidClientError(description="The assertion was used before.")

    def _client_id(self, assertion: str) -> str:
        _, claims = self.extract_assertion(assertion)
        return str(claims.get("sub"))


class RequiredPkce(CodeChallenge):  # type: ignore[misc]
    """PKCE with S256 for every client (SM-L6)."""

    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar[list[str]] = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: Any) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class SmartRequest:
    """What SMART adds to an authorization request: `aud`, `state`, a launch that this EHR made."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self.check)

    def check(self, grant: Any, _: Any) -> None:
        data, scope = grant.request.payload.data, grant.request.scope.split()
        if data.get("aud") != self._server.settings.fhir_base:
            raise InvalidRequestError("`aud` must be the FHIR base URL, byte for byte.")
        if not data.get("state"):
            raise InvalidRequestError("`state` is required.")
        if not scope:
            raise InvalidScopeError()
        asked = data.get("launch")
        if (asked or "launch" in scope) and self._server.tokens.launch(asked or "") is None:
            raise InvalidRequestError("The launch is not known to this EHR or has expired.")


class LaunchContext:
    """Adds the launch context to the token response."""

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_create_token_response", self.add)

    def add(self, grant: Any, response: tuple[int, dict[str, Any], Any]) -> None:
        before = grant.request.authorization_code or grant.request.refresh_token
        launch: Launch | None = before.launch
        if launch:
            response[1].update(launch.context())


class IdToken(OpenIDCode):  # type: ignore[misc]
    """The identity token: RS256, with `fhirUser` (SM-O1, SM-O2)."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        return False  # bound to its code, which is used once

    def resolve_client_private_key(self, client: RegisteredClient) -> Any:
        return self._server.keys.id_token

    def get_client_claims(self, client: RegisteredClient) -> dict[str, Any]:
        now = self._server.clock.timestamp()
        issuer = self._server.settings.fhir_base
        return {"iss": issuer, "aud": client.client_id, "iat": now, "auth_time": now, "exp": now + 300}

    def get_encode_header(self, client: RegisteredClient) -> dict[str, Any]:
        return {"alg": "RS256", "kid": self._server.keys.id_token.kid, "typ": "JWT"}

    def generate_user_info(self, user: str, scope: str) -> dict[str, Any]:
        info = {"sub": user.rpartition("/")[2]}
        if "fhirUser" in scope.split():
            info["fhirUser"] = f"{self._server.settings.fhir_base}/{user}"
        return info
