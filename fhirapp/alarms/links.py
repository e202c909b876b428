"""The link by which somebody confirms that they have seen an alarm: signed, expiring, one step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from fhirapp.referrals.errors import LinkRefused

LIVES: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class AlarmLink:
    """Which alarm a link is for, and to whom it was sent."""

    tenant_id: str
    alarm_id: int
    whom: str


class AlarmLinks:
    """Makes and reads links. A link holds nothing about a patient."""

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt="alarm link v1")
        self._public_url = public_url

    def url(self, link: AlarmLink, now: datetime) -> str:
        """The address for a message that is sent now."""
        token = self._serializer.dumps([link.tenant_id, link.alarm_id, link.whom, int((now + LIVES).timestamp())])
        return f"{self._public_url}/a/{token}"

    def read(self, token: str, now: datetime) -> AlarmLink:
        """What a link is for; raises `LinkRefused`."""
        try:
            tenant_id, alarm_id, whom, expires = self._serializer.loads(token)
        except (BadData, ValueError):
            raise LinkRefused("not one of our links") from None
        if now > datetime.fromtimestamp(expires, UTC):
            raise LinkRefused("expired")
        return AlarmLink(str(tenant_id), int(alarm_id), str(whom))
