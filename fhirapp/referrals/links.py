"""The patient's opt-out link: signed, expiring, and opaque to whoever sees it."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from fhirapp.referrals.errors import LinkRefused

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: without letters that look like digits
_MISREAD: Final = str.maketrans("OIL", "011")


@dataclass(frozen=True, slots=True)
class OptOutLink:
    """Which referral a link is for."""

    tenant_id: str
    referral_id: UUID


class OptOutLinks:
    """Makes and reads links. A link names a referral and an end; it holds nothing about the patient."""

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt="opt-out link v1")
        self._public_url = public_url
        self._key = hmac.digest(secret, b"opt-out code v1", sha256)

    def url(self, link: OptOutLink, expires: datetime) -> str:
        """The address to put into the notice."""
        token = self._serializer.dumps([link.tenant_id, link.referral_id.hex, int(expires.timestamp())])
        return f"{self._public_url}/o/{token}"

    def code(self, link: OptOutLink) -> str:
        """Twelve letters and digits for this referral, to be typed from paper: `4F7K-2M9X-TQ3B` without the dashes."""
        said = hmac.digest(self._key, f"{link.tenant_id}|{link.referral_id.hex}".encode(), sha256)
        number = int.from_bytes(said[:8], "big") >> 4  # 60 bits: nobody guesses it
        return "".join(_ALPHABET[number >> shift & 31] for shift in range(55, -1, -5))

    def short_url(self, link: OptOutLink) -> str:
        """The address with the code, short enough for a text message and for a hand."""
        code = self.code(link)
        return f"{self._public_url}/o/{'-'.join(code[at : at + 4] for at in range(0, 12, 4))}"

    def digest(self, code: str) -> str:
        """What is stored of a code; the same for every way in which a person may write it."""
        meant = re.sub(r"[^0-9A-Z]", "", code.upper()).translate(_MISREAD)
        return hmac.digest(self._key, f"digest|{meant}".encode(), sha256).hex()

    def read(self, token: str, now: datetime) -> OptOutLink:
        """What a link is for; raises `LinkRefused`."""
        try:
            tenant_id, referral, expires = self._serializer.loads(token)
        except (BadData, ValueError):
            raise LinkRefused("not one of our links") from None
        if now > datetime.fromtimestamp(expires, UTC):
            raise LinkRefused("expired")
        return OptOutLink(tenant_id, UUID(referral))
