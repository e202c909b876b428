"""The patient's opt-out link: signed, expiring, and opaque to whoever sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from fhirapp.referrals.errors import LinkRefused


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

    def url(self, link: OptOutLink, expires: datetime) -> str:
        """The address to put into the notice."""
        token = self._serializer.dumps([link.tenant_id, link.referral_id.hex, int(expires.timestamp())])
        return f"{self._public_url}/o/{token}"

    def read(self, token: str, now: datetime) -> OptOutLink:
        """What a link is for; raises `LinkRefused`."""
        try:
            tenant_id, referral, expires = self._serializer.loads(token)
        except (BadData, ValueError):
            raise LinkRefused("not one of our links") from None
        if now > datetime.fromtimestamp(expires, UTC):
            raise LinkRefused("expired")
        return OptOutLink(tenant_id, UUID(referral))
