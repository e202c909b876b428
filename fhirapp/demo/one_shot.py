"""The whole service for a request or two: a database of its own in a temporary folder, every check on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import orjson
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from fhirapp.app import create_app
from fhirapp.bootstrap import build
from fhirapp.commands.keys import make_secrets
from fhirapp.config import Config
from fhirapp.db.schema import upgrade
from fhirapp.demo.settings import tenants_toml

EHR: Final = "https://ehr.example"  # answers nobody: what a request does not bring is unread
PUBLIC_URL: Final = "http://localhost"
_LIFE_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Signer:
    """A client's key, and what its tokens say."""

    key: ECKey | RSAKey
    issuer: str

    def header_for(self, url: str) -> dict[str, str]:
        """The `Authorization` header for one call of this address."""
        now = int(datetime.now(UTC).timestamp())
        claims = {"iss": self.issuer, "aud": url, "iat": now, "exp": now + _LIFE_SECONDS, "jti": str(uuid4())}
        algorithm = str(self.key.get("alg") or ("RS384" if isinstance(self.key, RSAKey) else "ES384"))
        head = {"alg": algorithm, "typ": "JWT", "kid": str(self.key.get("kid") or self.key.thumbprint())}
        return {"Authorization": f"Bearer {jwt.encode(head, claims, self.key, algorithms=[algorithm])}"}


@dataclass(frozen=True, slots=True)
class OneShot:
    """The service, and the only client that it trusts."""

    app: Flask
    signer: Signer
    folder: Path


@contextmanager
def one_shot(fhir_server: str, as_of: datetime | None = None) -> Iterator[OneShot]:
    """A service that looks at the chart as at `as_of` (default: now) and accepts calls that name this FHIR server.

    Same code, checks and models as in production; the site is the demo hospital. Gone at the end of the block.
    """
    with tempfile.TemporaryDirectory(prefix="stride-hook-") as name:
        folder = Path(name)
        make_secrets(folder)
        signer = Signer(ECKey.generate_key("P-384", {"kid": "one-shot", "use": "sig"}), EHR)
        write_tenants(folder, signer.key, {f"{EHR}/fhir", fhir_server})
        stride = build(_config(folder))
        upgrade(stride.sessions.engine)
        if as_of is not None:
            stride.clock.move(as_of - datetime.now(UTC))
        try:
            stride.estimators.warm()
            yield OneShot(create_app(stride), signer, folder)
        finally:
            stride.pool.shutdown(wait=False, cancel_futures=True)
            stride.sessions.engine.dispose()


def write_tenants(folder: Path, key: ECKey | RSAKey, fhir_servers: set[str]) -> None:
    """The demo hospital's tenants file, with a key file instead of an address to ask."""
    keys = folder / "client-jwks.json"
    keys.write_bytes(orjson.dumps({"keys": [key.as_dict(private=False)]}))
    servers = ", ".join(f'"{one}"' for one in sorted(fhir_servers))
    made = tenants_toml(EHR, (datetime.now(UTC) + timedelta(days=30)).date())
    changes: Mapping[str, str] = {
        f'jwks_url = "{EHR}/cds/jwks.json"': f'jwks_file = "{keys}"',
        f'fhir_servers = ["{EHR}/fhir"]': f"fhir_servers = [{servers}]",
    }
    for old, new in changes.items():
        if old not in made:
            raise ValueError(f"the demo's tenants file has no line {old}")
        made = made.replace(old, new)
    (folder / "tenants.toml").write_text(made, encoding="utf-8")


def _config(folder: Path) -> Config:
    return Config(
        tenants_file=folder / "tenants.toml",
        public_url=PUBLIC_URL,
        secret=(folder / "secret").read_bytes(),
        keys_dir=folder / "keys",
        database_url=f"sqlite:///{folder / 'one-shot.sqlite'}",
        embedded_worker=False,
        demo=True,  # lets `as_of` move its clock
        insecure_http=True,  # the saved request may name a FHIR server on this machine
    )
