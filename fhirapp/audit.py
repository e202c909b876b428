"""Who saw or did what to which patient: one row each, only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment
from fhirapp.referrals.referral import Actor


class AuditRow(Base):
    """One access or act. `details` holds ids, codes and counts, never content (standards.md 6.5)."""

    __tablename__ = "audit"
    __table_args__ = (sa.Index("ix_audit_patient", "tenant_id", "patient_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment)
    action: Mapped[str]  # "hook.patient-view", "referral.sign", "page.clinician"
    role: Mapped[str]
    actor: Mapped[str]
    patient_id: Mapped[str | None]
    subject: Mapped[str]  # what it was about: a referral id, "ServiceRequest/4"
    outcome: Mapped[str]  # "ok" or a slug
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


def audit(
    session: Session,
    actor: Actor,
    action: str,
    *,
    at: datetime,
    patient_id: str | None = None,
    subject: object = "",
    outcome: str = "ok",
    **details: Any,
) -> None:
    """Add one row to the caller's transaction."""
    session.execute(
        sa.insert(AuditRow).values(
            tenant_id=actor.tenant_id,
            at=at,
            action=action,
            role=actor.role.value,
            actor=actor.reference or actor.display,
            patient_id=patient_id,
            subject=str(subject),
            outcome=outcome,
            details=details,
        )
    )
