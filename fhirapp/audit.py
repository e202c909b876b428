"""Who saw or did what to which patient: one row each, only ever added, and each signed by the process that wrote it.

A row is one plain insert; `audit_chain.py` closes rows into a chain later. Source: docs/decisions/0040-audit-chain.md.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment, microseconds
from fhirapp.db.direct import Link, Statement, linked
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
    nonce: Mapped[str] = mapped_column(server_default="")  # makes two equal acts two rows
    mac: Mapped[str] = mapped_column(server_default="")  # of everything above but the id; "": written before there were


_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode
KEY: Final = "audit_key"  # where a session carries it, `Sessions(engine, audit_key=...)`


def audit_key(secret: bytes) -> bytes:
    """The key that signs the audit, from the secret of the service."""
    return HKDF(SHA256(), 32, salt=None, info=b"stride audit v1").derive(secret)


def mac_of(key: bytes, values: Sequence[Any]) -> str:
    """The signature of values in their canonical form: JSON without spaces, keys sorted, only ASCII."""
    return hmac.digest(key, _CANONICAL(values).encode("ascii"), "sha256").hex()


_ROW: Final = Statement.inserting(AuditRow)


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
    with linked(session) as link:
        audit_directly(link, actor, action, at=at, patient_id=patient_id, subject=subject, outcome=outcome, **details)


def audit_directly(
    link: Link,
    actor: Actor,
    action: str,
    *,
    at: datetime,
    patient_id: str | None = None,
    subject: object = "",
    outcome: str = "ok",
    **details: Any,
) -> None:
    """The same, where there is no session."""
    row = {
        "tenant_id": actor.tenant_id,
        "at": at,
        "action": action,
        "role": actor.role.value,
        "actor": actor.reference or actor.display,
        "patient_id": patient_id,
        "subject": str(subject),
        "outcome": outcome,
        "details": details,
        "nonce": secrets.token_hex(8),
        "mac": "",
    }
    key: bytes | None = link.carried.get(KEY)
    if key is not None:
        row["mac"] = mac_of(key, [microseconds(at), *(row[name] for name in SIGNED)])
    link.insert(_ROW, row)


# In the order of the signature, after the moment.
SIGNED: Final = (
    "tenant_id", "action", "role", "actor", "patient_id", "subject", "outcome", "details", "nonce",
)  # fmt: skip
