"""Which resources and patients of an EHR are followed: those of open referrals, and of such as ended not long ago."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.referrals.fhir_status import SERVICE_REQUEST
from fhirapp.referrals.referral import EhrResource, Referral
from fhirapp.referrals.status import BEFORE_RELEASE
from mappings.canonical import resource_identifier

AFTERWARDS: Final = timedelta(days=90)  # how long an ended referral is watched for somebody who revives it


@dataclass(frozen=True, slots=True)
class Place:
    """Which resource of which referral something is."""

    referral_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class Followed:
    """One look into our book."""

    resources: Mapping[str, Place]  # by reference, "Task/41"
    patients: Mapping[str, tuple[UUID, ...]]  # patient id: open referrals, and ended ones for a while
    waiting: Mapping[str, UUID]  # patient id: the open referral that new results concern
    drafts: Mapping[str, UUID]  # identifier of a ServiceRequest that the EHR may have made from our suggestion

    def ids(self, kind: str) -> list[str]:
        """The ids of one type."""
        return [reference.partition("/")[2] for reference in self.resources if reference.startswith(f"{kind}/")]


def followed_by(session: Session, tenant_id: str, now: datetime) -> Followed:
    """What is followed for a tenant."""
    watched = sa.or_(Referral.is_open, Referral.state_since >= now - AFTERWARDS)
    rows = session.execute(
        sa.select(
            Referral.id, Referral.patient_id, Referral.is_open, Referral.state,
            sa.func.coalesce(Referral.first_patient_id, Referral.patient_id),
        ).where(Referral.tenant_id == tenant_id, watched)
    ).all()  # fmt: skip
    known = session.execute(
        sa.select(EhrResource.reference, EhrResource.referral_id, EhrResource.kind)
        .join(Referral, Referral.id == EhrResource.referral_id)
        .where(EhrResource.tenant_id == tenant_id, Referral.tenant_id == tenant_id, watched)
        .where(EhrResource.reference.is_not(None))
    ).all()
    written = {referral_id for _, referral_id, kind in known if kind == SERVICE_REQUEST}
    patients: dict[str, list[UUID]] = defaultdict(list)
    waiting: dict[str, UUID] = {}
    drafts: dict[str, UUID] = {}
    for referral_id, patient_id, is_open, state, identity in rows:
        patients[patient_id].append(referral_id)
        if is_open:
            waiting[patient_id] = referral_id
        if is_open and state in BEFORE_RELEASE and referral_id not in written:
            drafts[resource_identifier(tenant_id, identity, referral_id, SERVICE_REQUEST)] = referral_id
    return Followed(
        {str(reference): Place(referral_id, kind) for reference, referral_id, kind in known},
        {patient_id: tuple(ids) for patient_id, ids in patients.items()},
        waiting,
        drafts,
    )
