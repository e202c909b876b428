"""The EHR's key pairs: one for identity tokens, one for CDS Hooks calls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, RSAKey

_ID_TOKEN_FILE = "demo-ehr-id-token.json"  # noqa: S105 - a file name
_CDS_FILE = "demo-ehr-cds.json"


@dataclass(frozen=True, slots=True)
class DemoKeys:
    """Private keys; their public halves are published."""

    id_token: RSAKey  # RS256, as OpenID Connect asks of every server
    cds: ECKey  # ES384, CH-J2

    def id_token_jwks(self) -> dict[str, Any]:
        """The public key set at /auth/jwks."""
        return {"keys": [{**self.id_token.as_dict(private=False), "use": "sig", "alg": "RS256"}]}

    def cds_jwks(self) -> dict[str, Any]:
        """The public key set at /cds/jwks.json."""
        return {"keys": [{**self.cds.as_dict(private=False), "use": "sig", "alg": "ES384"}]}


def demo_keys(folder: Path | None) -> DemoKeys:
    """New keys, or the ones kept in the folder from an earlier start."""
    if folder is None:
        return DemoKeys(_new_rsa(), _new_ec())
    folder.mkdir(parents=True, exist_ok=True)
    return DemoKeys(
        RSAKey.import_key(_kept(folder / _ID_TOKEN_FILE, _new_rsa)),
        ECKey.import_key(_kept(folder / _CDS_FILE, _new_ec)),
    )


def _kept(path: Path, make: Any) -> dict[str, Any]:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps(make().as_dict(private=True)), encoding="utf-8")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _new_rsa() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


def _new_ec() -> ECKey:
    return ECKey.generate_key("P-384", auto_kid=True)
