"""R4 Subscriptions: the EHR knocks, and we go and look. Nothing that a notice says is ever believed.

Source: standards.md 3.9 (rest-hook, id-only); R4 Subscription.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fhirapp.closed_loop.knock import make_due
from fhirapp.db.base import Base, Moment, Sessions
from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.errors import EhrMissing
from mappings.canonical import RESOURCE_IDENTIFIER

SUBSCRIBE: Final = "subscribe"  # the kind of the job that keeps them alive
LASTS: Final = timedelta(days=7)
RENEWED_BEFORE: Final = timedelta(days=2)
CHECKED_EVERY: Final = timedelta(hours=6)
SECRET_HEADER: Final = "X-Stride-Subscription"  # noqa: S105 - its name, no secret
# Only what carries our business identifier: a hospital's other orders and tasks are none of our business.
CRITERIA: Final = tuple(f"{kind}?identifier={RESOURCE_IDENTIFIER}|" for kind in ("Task", "ServiceRequest", "CarePlan"))
AWAKE: Final = "active"
ASLEEP: Final = frozenset({"off", "error"})


class EhrSubscription(Base):
    """One Subscription of ours in a tenant's EHR. Of its two secrets we keep only hashes: renewing makes new ones."""

    __tablename__ = "ehr_subscription"
    __table_args__ = (sa.UniqueConstraint("path_hash", name="uq_ehr_subscription_path_hash"),)

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    criteria: Mapped[str] = mapped_column(primary_key=True)
    path_hash: Mapped[str]  # of the last part of the endpoint's address
    secret_hash: Mapped[str]  # of the header that the EHR sends along
    reference: Mapped[str | None]  # "Subscription/7"; None: creation begun, outcome unknown
    state: Mapped[str]  # as the EHR said last
    ends_at: Mapped[datetime] = mapped_column(Moment)
    checked_at: Mapped[datetime] = mapped_column(Moment)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Makes, renews and answers them, for every tenant."""

    sessions: Sessions
    public_url: str
    clock: Callable[[], datetime]  # the jobs'
    wall_clock: Callable[[], datetime]  # what an end is dated with: the other side's clock does not move with ours

    def keep_alive(self, tenant_id: str, ehr: EhrClient) -> None:
        """See that each Subscription is there, awake and not about to end; raises an `EhrError`."""
        for criteria in CRITERIA:
            row = self._row(tenant_id, criteria)
            there = self._there(row, ehr)
            if row is None or there is None:
                self._create(tenant_id, criteria, ehr)
            elif there.get("status") in ASLEEP or row.ends_at - self.wall_clock() < RENEWED_BEFORE:
                self._renew(row, there, ehr)
            else:
                self._note(row, str(there.get("status", "")))

    def knocked(self, tenant_id: str, path: str, secret: str) -> bool:
        """A notice came: have the EHR looked at soon. False, and nothing done, for one that is not ours."""
        with self.sessions() as session:
            row = session.execute(
                sa.select(EhrSubscription).where(
                    EhrSubscription.tenant_id == tenant_id, EhrSubscription.path_hash == hashed(path)
                )
            ).scalar_one_or_none()
        if row is None or not compare_digest(row.secret_hash, hashed(secret)):
            return False
        make_due(self.sessions, tenant_id, self.clock())
        return True

    def asleep(self, tenant_id: str) -> list[str]:
        """The types of which this EHR was asked to tell us and does not: it refused, never began, or has stopped."""
        with self.sessions() as session:
            rows = session.execute(
                sa.select(EhrSubscription).where(EhrSubscription.tenant_id == tenant_id, EhrSubscription.state != AWAKE)
            ).scalars()
            return sorted(row.criteria.partition("?")[0] for row in rows)

    def _row(self, tenant_id: str, criteria: str) -> EhrSubscription | None:
        with self.sessions() as session:
            return session.get(EhrSubscription, (tenant_id, criteria))

    def _there(self, row: EhrSubscription | None, ehr: EhrClient) -> dict[str, Any] | None:
        """The Subscription as the EHR has it; `None` when it is gone, or was never seen to be made."""
        if row is None or row.reference is None:
            return None
        try:
            return ehr.read(row.reference).resource
        except EhrMissing:
            return None

    def _create(self, tenant_id: str, criteria: str, ehr: EhrClient) -> None:
        """A new one. Where an earlier create was lost on its way its secrets are lost too: what it sends is refused."""
        path, secret, ends_at = token_urlsafe(32), token_urlsafe(32), self.wall_clock() + LASTS
        with self.sessions.begin() as session:
            session.merge(
                EhrSubscription(
                    tenant_id=tenant_id,
                    criteria=criteria,
                    path_hash=hashed(path),
                    secret_hash=hashed(secret),
                    reference=None,
                    state="",
                    ends_at=ends_at,
                    checked_at=self.wall_clock(),
                )
            )
        stored = ehr.add(subscription(criteria, self._endpoint(tenant_id, path), secret, ends_at))
        self._remember(tenant_id, criteria, stored.reference, str(stored.resource.get("status", "")))

    def _renew(self, row: EhrSubscription, there: dict[str, Any], ehr: EhrClient) -> None:
        """The same one with new secrets and a later end. The secrets are ours first: no notice falls between."""
        path, secret, ends_at = token_urlsafe(32), token_urlsafe(32), self.wall_clock() + LASTS
        fresh = subscription(row.criteria, self._endpoint(row.tenant_id, path), secret, ends_at)
        kept = {name: there[name] for name in ("id", "meta") if name in there}
        reference = str(row.reference)
        with self.sessions.begin() as session:
            mine = session.get_one(EhrSubscription, (row.tenant_id, row.criteria))
            mine.path_hash, mine.secret_hash, mine.ends_at = hashed(path), hashed(secret), ends_at
        stored = ehr.replace(reference, kept | fresh)
        self._remember(row.tenant_id, row.criteria, reference, str(stored.resource.get("status", "")))

    def _remember(self, tenant_id: str, criteria: str, reference: str, state: str) -> None:
        with self.sessions.begin() as session:
            row = session.get_one(EhrSubscription, (tenant_id, criteria))
            row.reference, row.state, row.checked_at = reference, state, self.wall_clock()

    def _note(self, row: EhrSubscription, state: str) -> None:
        self._remember(row.tenant_id, row.criteria, str(row.reference), state)

    def _endpoint(self, tenant_id: str, path: str) -> str:
        return f"{self.public_url}/subscriptions/{tenant_id}/{path}"


def subscription(criteria: str, endpoint: str, secret: str, ends_at: datetime) -> dict[str, Any]:
    """The resource: rest-hook without a payload, so that nothing of a patient travels in a notice."""
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "Changes to exercise referrals of this service",
        "criteria": criteria,
        "end": ends_at.isoformat(timespec="seconds"),
        "channel": {"type": "rest-hook", "endpoint": endpoint, "header": [f"{SECRET_HEADER}: {secret}"]},
    }


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode()).hexdigest()
