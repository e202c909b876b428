"""Columns that only the service can read: contact data and tokens, sealed with AES-256-GCM."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Sealer:
    """Seals small JSON objects; each is bound to the row it was written for, so it cannot be moved to another."""

    def __init__(self, secret: bytes) -> None:
        key = HKDF(SHA256(), 32, salt=None, info=b"stride sealed columns v1").derive(secret)
        self._cipher = AESGCM(key)

    def seal(self, value: Mapping[str, Any], bound_to: str) -> str:
        """The sealed form of a JSON object."""
        nonce = os.urandom(12)
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, orjson.dumps(value), bound_to.encode())).decode()

    def open(self, sealed: str, bound_to: str) -> dict[str, Any]:
        """The object again; raises `cryptography.exceptions.InvalidTag` when it was changed or moved."""
        raw = urlsafe_b64decode(sealed)
        opened: dict[str, Any] = orjson.loads(self._cipher.decrypt(raw[:12], raw[12:], bound_to.encode()))
        return opened
