"""Referrals of one tenant: a store takes the tenant in its constructor, so no query can forget it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.db.direct import Statement, linked
from fhirapp.referrals.errors import ReferralNotFound
from fhirapp.referrals.fhir_status import SERVICE_REQUEST
from fhirapp.referrals.referral import (
    Actor,
    ContactAttempt,
    EhrResource,
    Referral,
    ReferralEvent,
    SafetyAnswers,
    versions_of,
)
from fhirapp.referrals.status import State
from fhirapp.retention.marks import mark_of

_PATIENT: Final[Any] = sa.bindparam("patient")
_ORDINALS: Final = Statement(
    sa.select(
        sa.func.max(sa.case((Referral.patient_id == _PATIENT, Referral.ordinal), else_=sa.literal_column("0"))),
        sa.func.count(),
    ).where(
        Referral.tenant_id == sa.bindparam("tenant"),
        sa.or_(Referral.patient_id == _PATIENT, Referral.first_patient_id == _PATIENT),
    )
)


class Referrals:
    """Reads and keeps the referrals of one tenant inside the caller's transaction."""

    def __init__(self, session: Session, tenant_id: str) -> None:
        self.session, self.tenant_id = session, tenant_id

    def get(self, referral_id: UUID) -> Referral:
        """One referral; raises `ReferralNotFound`, also for another tenant's."""
        return self._one(self._of_tenant().where(Referral.id == referral_id))

    def lock(self, referral_id: UUID) -> Referral:
        """The same, locked until the transaction ends."""
        return self._one(self._of_tenant().where(Referral.id == referral_id).with_for_update())

    def newest_of(self, patient_id: str) -> Referral | None:
        """The patient's latest offer, open or closed, locked until the transaction ends."""
        return self.session.execute(
            self._of_tenant()
            .where(Referral.patient_id == patient_id)
            .order_by(Referral.ordinal.desc())
            .limit(1)
            .with_for_update()
        ).scalar_one_or_none()

    def next_ordinal(self, patient_id: str) -> int:
        """The number of this patient's next offer. One that began here and moved to another record still counts,
        and so do those that were erased: the EHR may still have what was written for them.
        """
        with linked(self.session) as link:
            highest, began = link.row(_ORDINALS, {"tenant": self.tenant_id, "patient": patient_id}) or (0, 0)
        return max(int(highest or 0), int(began), mark_of(self.session, self.tenant_id, patient_id).ordinal) + 1

    def ends_with(self, referral: Referral, code: str) -> Sequence[datetime]:
        """When earlier offers to the same patient ended with this reason."""
        return (
            self.session.execute(
                sa.select(Referral.state_since).where(
                    Referral.tenant_id == self.tenant_id,
                    Referral.patient_id == referral.patient_id,
                    Referral.reason_code == code,
                    Referral.id != referral.id,
                    Referral.is_open.is_(False),
                )
            )
            .scalars()
            .all()
        )

    def of_patient(self, patient_id: str) -> Sequence[Referral]:
        """Every offer to this patient, the oldest first."""
        query = self._of_tenant().where(Referral.patient_id == patient_id).order_by(Referral.ordinal)
        return self.session.execute(query).scalars().all()

    def in_states(self, states: Collection[State]) -> Sequence[Referral]:
        """All referrals in these states, the longest waiting first."""
        return (
            self.session.execute(
                self._of_tenant()
                .where(Referral.state.in_([state.value for state in states]))
                .order_by(Referral.state_since, Referral.id)
            )
            .scalars()
            .all()
        )

    def earlier_request(self, referral: Referral) -> str | None:
        """The ServiceRequest of the offer before this one, which a new one replaces; `None` where there is none.

        What was entered in error is replaced by nothing. Source: R4 ServiceRequest.replaces.
        """
        if referral.ordinal < 2:
            return None
        return self.session.execute(
            sa.select(EhrResource.reference)
            .join(Referral, Referral.id == EhrResource.referral_id)
            .where(EhrResource.tenant_id == self.tenant_id, Referral.tenant_id == self.tenant_id)
            .where(Referral.patient_id == referral.patient_id, Referral.ordinal < referral.ordinal)
            .where(Referral.is_open.is_(False), EhrResource.kind == SERVICE_REQUEST)
            .where(EhrResource.reference.is_not(None), EhrResource.status != "entered-in-error")
            .order_by(Referral.ordinal.desc())
            .limit(1)
        ).scalar_one_or_none()

    def resources(self, referral_id: UUID) -> dict[str, EhrResource]:
        """What of this referral is in the EHR, by kind."""
        rows = self.session.execute(
            sa.select(EhrResource).where(
                EhrResource.tenant_id == self.tenant_id, EhrResource.referral_id == referral_id
            )
        ).scalars()
        return {row.kind: row for row in rows}

    def history(self, referral_id: UUID) -> Sequence[ReferralEvent]:
        """Everything that happened, oldest first."""
        return (
            self.session.execute(
                sa.select(ReferralEvent)
                .where(ReferralEvent.tenant_id == self.tenant_id, ReferralEvent.referral_id == referral_id)
                .order_by(ReferralEvent.id)
            )
            .scalars()
            .all()
        )

    def has_event(self, referral_id: UUID, action: str) -> bool:
        """Whether this ever happened to the referral."""
        query = sa.select(ReferralEvent.id).where(
            ReferralEvent.tenant_id == self.tenant_id,
            ReferralEvent.referral_id == referral_id,
            ReferralEvent.action == action,
        )
        return self.session.execute(query.limit(1)).first() is not None

    def last_role(self, referral_id: UUID, action: str) -> str | None:
        """Who did this last, as a role; `None` when nobody has."""
        query = sa.select(ReferralEvent.role).where(
            ReferralEvent.tenant_id == self.tenant_id,
            ReferralEvent.referral_id == referral_id,
            ReferralEvent.action == action,
        )
        return self.session.execute(query.order_by(ReferralEvent.id.desc()).limit(1)).scalar_one_or_none()

    def attempts(self, referral_id: UUID) -> Sequence[ContactAttempt]:
        """The contact attempts, oldest first."""
        return (
            self.session.execute(
                sa.select(ContactAttempt)
                .where(ContactAttempt.tenant_id == self.tenant_id, ContactAttempt.referral_id == referral_id)
                .order_by(ContactAttempt.at, ContactAttempt.id)
            )
            .scalars()
            .all()
        )

    def answers_of(self, patient_id: str) -> Sequence[SafetyAnswers]:
        """The safety answers that our navigators took for this patient, newest first."""
        return (
            self.session.execute(
                sa.select(SafetyAnswers)
                .where(SafetyAnswers.tenant_id == self.tenant_id, SafetyAnswers.patient_id == patient_id)
                .order_by(SafetyAnswers.at.desc(), SafetyAnswers.id.desc())
            )
            .scalars()
            .all()
        )

    def note(
        self,
        referral: Referral,
        action: str,
        *,
        actor: Actor,
        at: datetime,
        before: State | None,
        **details: Any,
    ) -> None:
        """Add a line to the referral's history, with the versions of rules and models that its assessment rests on."""
        details = details | versions_of(referral.summary)
        self.session.add(
            ReferralEvent(
                tenant_id=self.tenant_id,
                referral_id=referral.id,
                at=at,
                action=action,
                state_before=before.value if before else None,
                state_after=referral.state,
                role=actor.role.value,
                actor=actor.reference,
                actor_display=actor.display,
                details=details,
            )
        )

    def _of_tenant(self) -> sa.Select[Referral]:
        return sa.select(Referral).where(Referral.tenant_id == self.tenant_id)

    def _one(self, query: sa.Select[Referral]) -> Referral:
        found = self.session.execute(query).scalar_one_or_none()
        if found is None:
            raise ReferralNotFound("no such referral")
        return found
