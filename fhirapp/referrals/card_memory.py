"""Which card a person has seen already, so that nobody sees the same one twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cds_hooks.ports import HookCall
from fhirapp.db.direct import Link, Statement
from fhirapp.referrals.cards import Card
from fhirapp.referrals.referral import Referral

SITTING: Final = timedelta(minutes=30)  # an EHR fires again on each reload; within a sitting its answer stays the same
SNOOZE: Final = timedelta(hours=24)
_ALWAYS: Final = "hold-emergency"  # danger to life is said to whoever looks, until it is dismissed
_LOOKING: Final = frozenset(("patient-view", "encounter-start", "appointment-book"))  # a chart is opened, no more

_MINE: Final = sa.and_(
    Card.referral_id == sa.bindparam("referral"),
    Card.user == sa.bindparam("user"),
    Card.tenant_id == sa.bindparam("tenant"),
)
_SAME: Final = Card.face == sa.bindparam("face")
_AWAY: Final = Card.dismissed_at.is_not(None)  # hardly any are, of thousands that a busy ward is shown


def _one(column: sa.ColumnElement[datetime | None], *where: sa.ColumnElement[bool]) -> sa.ScalarSelect[datetime | None]:
    return sa.select(column).where(_MINE, *where).scalar_subquery()


def _first_and_dismissed(*since: sa.ColumnElement[bool]) -> tuple[sa.ScalarSelect[datetime | None], ...]:
    """When this user first saw this face, and put it away; each read from one end of an index."""
    return _one(sa.func.min(Card.at), _SAME, *since), _one(sa.func.max(Card.dismissed_at), _SAME, _AWAY, *since)


_SEEN: Final = Statement(sa.select(_one(sa.func.max(Card.again_at), _AWAY), *_first_and_dismissed()))
_SEEN_SINCE: Final = Statement(sa.select(*_first_and_dismissed(Card.at >= sa.bindparam("since"))))


@dataclass(frozen=True, slots=True)
class Told:
    """What of a referral its card tells."""

    id: UUID
    state: str
    verdict: str
    destination: str
    prescription_released: bool
    clinician_deadline: datetime | None
    waiting_for: Sequence[str]
    rules_fired: Sequence[tuple[str, str]]  # rule and effect

    @classmethod
    def by(cls, referral: Referral) -> Told:
        """What the card of this referral tells."""
        return cls(
            referral.id, referral.state, referral.verdict, referral.destination, referral.prescription_released,
            referral.clinician_deadline, referral.waiting_for,
            [(finding["rule"], finding["effect"]) for finding in referral.summary["findings"]],
        )  # fmt: skip


def face_of(call: HookCall, referral: Told) -> str:
    """A hash of what the card tells: verdict, rules, place, what it waits for, deadline, orders.

    Values and dates are left out: a count that moves without crossing a limit is nothing new. All hooks that only
    mean "a chart is opened" are one occasion; the others are one each, and orders of treatment make it another.
    """
    orders = [order for order in call.draft_orders if order.treatment]
    looking = call.hook in _LOOKING or bool(call.draft_orders and not orders)  # other orders are no occasion
    told = [
        referral.state,
        referral.verdict,
        referral.destination,
        referral.prescription_released,
        sorted(referral.rules_fired),
        list(referral.waiting_for),
        referral.clinician_deadline and referral.clinician_deadline.timestamp(),
        "looking" if looking else call.hook,
        sorted((order.resource_type, order.text, order.codings) for order in orders),
    ]
    return sha256(orjson.dumps(told)).hexdigest()


def seen_before(link: Link, call: HookCall, referral: Told, face: str, now: datetime) -> str:
    """Why this user need not see this card again; empty when it is to be shown.

    Source: docs/decisions/0030-card-memory.md; CH-X3.
    """
    if call.user is None:
        return ""  # nobody is known to have seen it
    key = {"tenant": call.tenant_id, "referral": referral.id, "user": call.user, "face": face}
    snoozed_until, first, dismissed = link.row(_SEEN, key) or (None, None, None)
    if snoozed_until is not None and now < snoozed_until:
        return "snoozed"
    if snoozed_until is not None:
        first, dismissed = link.row(_SEEN_SINCE, key | {"since": snoozed_until}) or (None, None)
    if dismissed is not None:
        return "dismissed"
    if first is not None and now >= first + SITTING and referral.verdict != _ALWAYS:
        return "seen before"
    return ""


def dismiss(session: Session, card: Card, now: datetime, *, snooze: bool) -> None:
    """Remember that its user put a card away: until it says something new, or for a day when it only came badly."""
    session.execute(
        sa.update(Card)
        .where(Card.id == card.id, Card.dismissed_at.is_(None))
        .values(dismissed_at=now, again_at=now + SNOOZE if snooze else None)
    )
