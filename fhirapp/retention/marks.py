"""What stays of an erased patient: a keyed hash, so that a no outlives the erasure and no number is given twice."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Mapped, Session, mapped_column

from fhirapp.db.base import Base, Moment
from fhirapp.db.direct import Statement, linked

KEY: Final = "mark_key"  # where a session carries it


class ErasedPatient(Base):
    """Nobody can tell from it who it was; whoever comes with the id and the secret can tell that it was them."""

    __tablename__ = "erased_patient"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    patient_hash: Mapped[str] = mapped_column(primary_key=True)
    ordinal: Mapped[int]  # of the last offer: business identifiers in the EHR rest on it
    never: Mapped[bool]  # said no for good: only the patient may ask again
    until: Mapped[datetime | None] = mapped_column(Moment)  # said no until then
    at: Mapped[datetime] = mapped_column(Moment)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is still known of an erased patient."""

    ordinal: int = 0
    never: bool = False
    until: datetime | None = None

    def forbids(self, now: datetime) -> bool:
        """Whether a no that was said before the erasure still stands."""
        return self.never or (self.until is not None and now < self.until)


NONE: Final = Mark()
_MARK: Final = Statement(
    sa.select(ErasedPatient.ordinal, ErasedPatient.never, ErasedPatient.until).where(
        ErasedPatient.tenant_id == sa.bindparam("tenant"), ErasedPatient.patient_hash == sa.bindparam("patient")
    )
)


def mark_key(secret: bytes) -> bytes:
    """The key of the hashes, from the secret of the service."""
    return HKDF(SHA256(), 32, salt=None, info=b"stride erased patients v1").derive(secret)


def mark_of(session: Session, tenant_id: str, patient_id: str) -> Mark:
    """What is still known of a patient who was erased; nothing of anybody else."""
    key: bytes | None = session.info.get(KEY)
    if not key:
        return NONE
    with linked(session) as link:
        row = link.row(_MARK, {"tenant": tenant_id, "patient": _hash(key, tenant_id, patient_id)})
    return Mark(*row) if row else NONE


def leave_mark(session: Session, tenant_id: str, patient_ids: Collection[str], mark: Mark, at: datetime) -> None:
    """Keep it in the caller's transaction; what an earlier mark forbids is not forgotten."""
    key: bytes = session.info[KEY]
    for patient_id in patient_ids:
        before = mark_of(session, tenant_id, patient_id)
        ends = [until for until in (before.until, mark.until) if until is not None]
        session.merge(
            ErasedPatient(
                tenant_id=tenant_id,
                patient_hash=_hash(key, tenant_id, patient_id),
                ordinal=max(before.ordinal, mark.ordinal),
                never=before.never or mark.never,
                until=max(ends, default=None),
                at=at,
            )
        )


def lift(session: Session, tenant_id: str, patient_id: str) -> bool:
    """The patient asks to be referred: the no is gone, the number stays. False when there was no mark."""
    key: bytes = session.info[KEY]
    row = session.get(ErasedPatient, (tenant_id, _hash(key, tenant_id, patient_id)))
    if row is not None:
        row.never, row.until = False, None
    return row is not None


def _hash(key: bytes, tenant_id: str, patient_id: str) -> str:
    return hmac.digest(key, f"{tenant_id}/{patient_id}".encode(), "sha256").hex()
