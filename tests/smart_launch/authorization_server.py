"""An authorization server on loopback for tests: strict with us, and able to misbehave when told."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus, urlencode

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

ABSENT = object()
RSA = RSAKey.generate_key(2048)  # one for the whole test run: making one takes a while


@dataclass
class Call:
    """One request that the server saw."""

    method: str
    path: str
    query: dict[str, list[str]]
    form: dict[str, list[str]]
    headers: dict[str, str]


@dataclass
class AuthorizationServer:
    """A SMART server with one patient and one practitioner. Dictionaries named `*_changes` bend its answers."""

    clock: Callable[[], datetime]
    client_jwks: Callable[[], dict[str, Any]] = lambda: {"keys": []}
    client_id: str = "stride"
    client_secret: str | None = None
    backend_client_id: str = "stride-backend"
    origin: str = ""
    base_path: str = "/tenant/fhir"
    key: RSAKey = field(default_factory=lambda: RSA)
    sign_with: Any = None  # key and algorithm of id_tokens, where they are not `key` and RS256
    algorithm: str = "RS256"
    kid: str | None = "ehr-1"
    configuration_changes: dict[str, Any] = field(default_factory=dict)
    openid_changes: dict[str, Any] = field(default_factory=dict)
    token_changes: dict[str, Any] = field(default_factory=dict)
    claim_changes: dict[str, Any] = field(default_factory=dict)
    jwks: dict[str, Any] | None = None
    refuse_with: str | None = None  # the token endpoint's next error code
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)  # by path; instead of the usual
    calls: list[Call] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    seen_jti: set[str] = field(default_factory=set)
    refresh_tokens: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)  # what a strict server would fail us for
    issued: int = 0

    @property
    def iss(self) -> str:
        return self.origin + self.base_path

    def called(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    def configuration(self) -> dict[str, Any]:
        return changed(
            {
                "issuer": self.origin,
                "jwks_uri": f"{self.origin}/keys",
                "authorization_endpoint": f"{self.origin}/authorize",
                "token_endpoint": f"{self.origin}/token",
                "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
                "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
                "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "capabilities": [
                    "launch-ehr",
                    "sso-openid-connect",
                    "permission-v2",
                    "permission-online",
                    "context-ehr-patient",
                    "client-confidential-asymmetric",
                ],
            },
            self.configuration_changes,
        )

    def authorize(self, args: dict[str, str]) -> str:
        """The address to send the browser back to, as `/authorize` would."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = args
        return f"{args['redirect_uri']}?{urlencode({'code': code, 'state': args['state']})}"

    def token(self, form: dict[str, str], headers: dict[str, str]) -> tuple[dict[str, Any], int]:
        if self.refuse_with is not None:
            error, self.refuse_with = self.refuse_with, None
            return {"error": error, "error_description": "no, and here is a secret: hunter2"}, 400
        client_id = self._client(form, headers)
        if client_id is None:
            return {"error": "invalid_client"}, 401
        grants = {
            "authorization_code": self._code,
            "refresh_token": self._refresh,
            "client_credentials": self._backend,
        }
        answer = grants[form["grant_type"]](form)
        if answer is None:
            return {"error": "invalid_grant"}, 400
        self.issued += 1
        return changed(answer, self.token_changes), 200

    def _client(self, form: dict[str, str], headers: dict[str, str]) -> str | None:
        if "client_assertion" in form:
            return self._asserted(form)
        if "Authorization" in headers:
            text = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
            client_id, secret = (unquote_plus(half) for half in text.split(":"))
            return client_id if (client_id, secret) == (self.client_id, self.client_secret) else None
        return form.get("client_id") if form.get("client_id") == self.client_id else None

    def _asserted(self, form: dict[str, str]) -> str | None:
        keys = KeySet.import_key_set(self.client_jwks())
        token = jwt.decode(form["client_assertion"], keys, algorithms=["RS384", "ES384"])
        claims = token.claims
        now = self.clock().timestamp()
        checks = {
            "typ": token.header.get("typ") == "JWT",
            "kid": token.header.get("kid") in {key.kid for key in keys},
            "iss=sub": claims["iss"] == claims["sub"],
            "aud": claims["aud"] == f"{self.origin}/token",
            "exp": now < claims["exp"] <= now + 300,
            "jti": claims["jti"] not in self.seen_jti,
            "type": form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "no client_id": "client_id" not in form,
        }
        self.faults += [name for name, good in checks.items() if not good]
        self.seen_jti.add(claims["jti"])
        good = all(checks.values()) and claims["sub"] in (self.client_id, self.backend_client_id)
        return claims["sub"] if good else None

    def _code(self, form: dict[str, str]) -> dict[str, Any] | None:
        asked = self.codes.pop(form["code"], None)
        if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            return None
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if challenge.decode().rstrip("=") != asked["code_challenge"]:
            return None
        answer = {
            **self._access(asked["scope"]),
            "patient": "p1",
            "encounter": "e1",
            "need_patient_banner": False,
        }
        if "openid" in asked["scope"].split():
            answer["id_token"] = self.id_token(asked.get("nonce"))
        return answer

    def _refresh(self, form: dict[str, str]) -> dict[str, Any] | None:
        if form["refresh_token"] not in self.refresh_tokens:
            return None
        self.refresh_tokens.discard(form["refresh_token"])
        return {**self._access("openid fhirUser"), "id_token": self.id_token(None)}

    def _backend(self, form: dict[str, str]) -> dict[str, Any]:
        answer = self._access(form["scope"])
        del answer["refresh_token"]
        return {**answer, "expires_in": 300}

    def _access(self, scope: str) -> dict[str, Any]:
        refresh_token = f"refresh-{secrets.token_urlsafe(8)}"
        self.refresh_tokens.add(refresh_token)
        return {
            "access_token": f"access-{secrets.token_urlsafe(8)}",
            "token_type": "bearer",
            "expires_in": 3600,
            "scope": scope,
            "refresh_token": refresh_token,
        }

    def id_token(self, nonce: str | None) -> str:
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.origin,
            "sub": "user-7",
            "aud": self.client_id,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "fhirUser": "Practitioner/dr1",
        }
        header = {"alg": self.algorithm} | ({"kid": self.kid} if self.kid else {})
        key = self.sign_with or self.key
        return jwt.encode(header, changed(claims, self.claim_changes), key, algorithms=[self.algorithm])

    def public_jwks(self) -> dict[str, Any]:
        if self.jwks is not None:
            return self.jwks
        return {"keys": [{**self.key.as_dict(private=False), "kid": "ehr-1", "use": "sig"}]}

    def app(self) -> Flask:
        app = Flask("authorization-server")

        @app.before_request
        def record() -> Response | None:
            form = request.form.to_dict(flat=False)
            query = request.args.to_dict(flat=False)
            self.calls.append(Call(request.method, request.path, query, form, dict(request.headers.items())))
            instead = self.answers.get(request.path)
            return instead() if instead else None

        @app.get(f"{self.base_path}/.well-known/smart-configuration")
        def smart_configuration() -> Response:
            return jsonify(self.configuration())

        @app.get("/.well-known/openid-configuration")
        def openid_configuration() -> Response:
            document = {"issuer": self.origin, "jwks_uri": f"{self.origin}/keys"}
            return jsonify(changed(document, self.openid_changes))

        @app.get("/keys")
        def keys() -> Response:
            return jsonify(self.public_jwks())

        @app.get("/authorize")
        def authorize() -> Any:
            return redirect(self.authorize(request.args.to_dict()))

        @app.post("/token")
        def token() -> Any:
            return self.token(request.form.to_dict(), dict(request.headers.items()))

        return app


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The document with members replaced, or taken out where the change is `ABSENT`."""
    merged = {**document, **changes}
    return {name: value for name, value in merged.items() if value is not ABSENT}


@contextmanager
def running(server: AuthorizationServer) -> Iterator[AuthorizationServer]:
    """The server at work on a free port of 127.0.0.1."""
    listener = make_server("127.0.0.1", 0, server.app(), threaded=True)
    server.origin = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
