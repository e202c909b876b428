"""Which channel a notice takes next: the hospital's order, what the patient has, and who has said STOP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.messages.records import Delivery, NumberStop
from fhirapp.messages.telephone import Numbers, e164
from fhirapp.messages.texts import HELP, OPTED_OUT, REJOIN, understood
from fhirapp.referrals.notices import Notice
from fhirapp.tenants import Tenant

SPENT: Final = frozenset({"refused", "given-up"})
LETTER: Final = "letter"
BY_WIRE: Final = frozenset({HELP, REJOIN})  # answers to a message: on paper they would come days too late


@dataclass(frozen=True, slots=True)
class Way:
    """A channel and the address on it; a letter's is its lines, on paper."""

    channel: str
    address: str


def ways_left(session: Session, numbers: Numbers, tenant: Tenant, notice: Notice, person: Any) -> Iterator[Way]:
    """The ways on which this notice may still go, the best first."""
    query = sa.select(Delivery).where(Delivery.tenant_id == tenant.id, Delivery.notice_id == notice.id)
    begun = {row.channel: row.state for row in session.execute(query).scalars()}
    wanted = dict.fromkeys(filter(None, (notice.channel, *tenant.messages.channels)))
    for channel in wanted:
        address = _address(tenant, channel, notice, person)
        if begun.get(channel) in SPENT or not address:
            continue
        if channel == LETTER and notice.kind.partition("/")[0] in BY_WIRE:
            continue
        if channel == "sms" and "sms" not in begun and not may_text(session, numbers, tenant, notice, address):
            continue
        yield Way(channel, address)


def _address(tenant: Tenant, channel: str, notice: Notice, person: Any) -> str:
    """Where to reach the patient on a channel; "" where that is not possible."""
    settings = tenant.messages
    if channel == "email":
        return str(person.get("email") or "") if settings.smtp else ""
    if channel == "sms":
        # Without a way for STOP to come back no text message is sent; nor in a language that nobody has checked.
        able = settings.sms and settings.replies and understood(notice.language, settings)
        return (e164(str(person.get("phone") or ""), settings.country) or "") if able else ""
    return "\n".join(person.get("address") or ()) if channel == LETTER else ""


def may_text(session: Session, numbers: Numbers, tenant: Tenant, notice: Notice, number: str) -> bool:
    """Whether a text may go to this number: after STOP only the one confirmation."""
    stop = stop_of(session, tenant.id, numbers.digest(tenant.id, number))
    if stop is None or not stop.stands:
        return True
    return notice.kind == OPTED_OUT and stop.confirmed_at is None


def note_confirmation(session: Session, tenant_id: str, digest: str, at: datetime) -> None:
    """Keep that a number which said STOP has its confirmation."""
    stop = stop_of(session, tenant_id, digest)
    if stop is not None and stop.stands:
        stop.confirmed_at = at


def stop_of(session: Session, tenant_id: str, digest: str) -> NumberStop | None:
    """What this number has said about messages."""
    return session.execute(
        sa.select(NumberStop).where(NumberStop.tenant_id == tenant_id, NumberStop.address == digest)
    ).scalar_one_or_none()
