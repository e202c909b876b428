"""A running demo EHR, and a registered client that publishes its keys as a real one does."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, jsonify
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from werkzeug.serving import make_server

from fhirapp.demo_ehr.app import DemoClient, DemoEhr, DemoSettings
from fhirapp.demo_ehr.server import serving

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYS = tempfile.TemporaryDirectory(prefix="demo-ehr-keys-")  # making keys is slow: one set for all tests
REDIRECT = "http://localhost:9/smart/callback"
APP_SCOPES = (
    "launch",
    "openid",
    "fhirUser",
    "online_access",
    "patient/*.rs",
    "patient/ServiceRequest.cu",
    "user/Practitioner.r",
)
BACKEND_SCOPES = ("system/*.rs", "system/ServiceRequest.cu", "system/Task.cu")


def a_patient(patient_id: str, family: str = "Test", **more: Any) -> dict[str, Any]:
    """A Patient with a name."""
    return {"resourceType": "Patient", "id": patient_id, "name": [{"family": family}], **more}


def an_observation(patient_id: str, observation_id: str, **more: Any) -> dict[str, Any]:
    """A platelet count."""
    return {
        "resourceType": "Observation",
        "id": observation_id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},
        "subject": {"reference": f"Patient/{patient_id}"},
        **more,
    }


def a_bundle(*resources: dict[str, Any], kind: str = "collection") -> dict[str, Any]:
    """A Bundle of resources."""
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


PRACTITIONER = {"resourceType": "Practitioner", "id": "demo-clinician", "name": [{"family": "Weber"}]}
CHART = a_bundle(a_patient("ada", "Alt"), an_observation("ada", "plt-1", effectiveDateTime="2026-11-20"), PRACTITIONER)
OTHER = a_bundle(a_patient("ben", "Blau"), an_observation("ben", "plt-2", effectiveDateTime="2026-11-20"))


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The base URL of a Flask application that runs while the block does."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = make_server("127.0.0.1", port, app, threaded=True, fd=listening.fileno())
    listening.close()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@dataclass
class KeyHolder:
    """A client's private keys and the place where it publishes the public ones."""

    keys: list[Any] = field(default_factory=lambda: [ECKey.generate_key("P-384", auto_kid=True)])
    url: str = ""

    @contextmanager
    def published(self) -> Iterator[KeyHolder]:
        app = Flask("jwks")
        app.get("/jwks")(lambda: jsonify({"keys": [key.as_dict(private=False) for key in self.keys]}))
        with served(app) as base:
            self.url = f"{base}/jwks"
            yield self

    def assertion(self, client_id: str, audience: str, *, key: Any = None, **claims: Any) -> str:
        key = key or self.keys[-1]
        alg = "RS384" if isinstance(key, RSAKey) else "ES384"
        now = int(time.time())
        body = {"iss": client_id, "sub": client_id, "aud": audience, "exp": now + 240, "jti": secrets.token_hex(8)}
        body |= claims
        header = {"alg": alg, "kid": key.kid, "typ": "JWT"}
        return jwt.encode(header, {k: v for k, v in body.items() if v is not None}, key, algorithms=[alg])


@dataclass
class AppClient:
    """Plays the SMART app and the backend service against one EHR."""

    ehr: DemoEhr
    holder: KeyHolder

    def authorize(self, **changes: str | None) -> requests.Response:
        """One authorization request; `None` leaves a parameter out."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": REDIRECT,
            "scope": "launch openid fhirUser patient/*.rs",
            "state": "s" * 32,
            "aud": self.ehr.settings.fhir_base,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "nonce": "n-1",
        }
        asked |= changes
        query = {name: value for name, value in asked.items() if value is not None}
        url = f"{self.ehr.settings.base_url}/auth/authorize"
        return requests.get(url, params=query, allow_redirects=False, timeout=10)

    def token(self, form: dict[str, str], client_id: str = "app", assertion: str | None = None) -> requests.Response:
        url = self.ehr.settings.token_url
        signed = assertion or self.holder.assertion(client_id, url)
        return requests.post(
            url, data={"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed, **form}, timeout=10
        )

    def code_form(self, code: str, **changes: str) -> dict[str, str]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        return form | changes

    def backend_token(self, scope: str = "system/*.rs") -> str:
        answer = self.token({"grant_type": "client_credentials", "scope": scope}, "backend")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def fhir(self, method: str, path: str, token: str | None = None, **more: Any) -> requests.Response:
        headers = dict(more.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if "json" in more:
            headers.setdefault("Content-Type", "application/fhir+json")
        url = f"{self.ehr.settings.fhir_base}/{path}".rstrip("/")
        return requests.request(method, url, headers=headers, timeout=20, **more)


VERIFIER = "v" * 64


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier. Source: RFC 7636, section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def settings_for(base: str, jwks_url: str = "http://127.0.0.1:9/jwks", **changes: Any) -> DemoSettings:
    """Settings with one app and one backend client."""
    clients = (
        DemoClient("app", jwks_url, (REDIRECT,), APP_SCOPES, "app"),
        DemoClient("backend", jwks_url, (), BACKEND_SCOPES, "backend"),
    )
    settings = DemoSettings(
        base_url=base,
        cds_base_url="http://127.0.0.1:9",
        launch_url="http://localhost:9/smart/launch",
        clients=clients,
        charts=(CHART, OTHER),
        key_dir=Path(KEYS.name),
        admin=True,
    )
    return replace(settings, **changes)


@pytest.fixture(scope="module")
def smart() -> Iterator[AppClient]:
    """A running EHR that asks for tokens, and its client."""
    with KeyHolder().published() as holder, serving(lambda base: settings_for(base, holder.url)) as ehr:
        yield AppClient(ehr, holder)


@pytest.fixture
def open_ehr() -> Iterator[DemoEhr]:
    """A running EHR that asks for no token."""
    with serving(lambda base: settings_for(base, require_token=False)) as ehr:
        yield ehr
