"""What the worker asks of a referral time and again, without a session and without loading its assessment."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from fhirapp.db.base import Sessions
from fhirapp.db.direct import Direct, Link, Statement
from fhirapp.referrals.errors import ReferralNotFound
from fhirapp.referrals.referral import EhrResource, Referral, ReferralEvent, SafetyAnswers
from fhirapp.referrals.status import State

_MINE: Final = (Referral.tenant_id == sa.bindparam("tenant"), Referral.id == sa.bindparam("referral"))
_WHO: Final = Statement(sa.select(Referral.state, Referral.patient_id).where(*_MINE))
_ANSWERS: Final = Statement(
    sa.select(SafetyAnswers.resource)
    .where(SafetyAnswers.tenant_id == sa.bindparam("tenant"), SafetyAnswers.patient_id == sa.bindparam("patient"))
    .order_by(SafetyAnswers.at.desc(), SafetyAnswers.id.desc())
)
RESOURCE_KEY: Final = ("tenant_id", "referral_id", "kind")
RESOURCE_COLUMNS: Final = (*RESOURCE_KEY, "reference", "version_id", "status", "written_at")
_RESOURCES: Final = Statement(
    sa.select(*(getattr(EhrResource, name) for name in RESOURCE_COLUMNS)).where(
        EhrResource.tenant_id == sa.bindparam("tenant"), EhrResource.referral_id == sa.bindparam("referral")
    )
)
_LAST_MOVE: Final = Statement(
    sa.select(ReferralEvent.role, ReferralEvent.actor, ReferralEvent.actor_display)
    .where(
        ReferralEvent.tenant_id == sa.bindparam("tenant"),
        ReferralEvent.referral_id == sa.bindparam("referral"),
        ReferralEvent.action != "assessed",
    )
    .order_by(ReferralEvent.id.desc())
    .limit(1)
)


def state_of(sessions: Sessions, tenant_id: str, referral_id: UUID) -> State:
    """Where it stands; raises `ReferralNotFound`, also for another tenant's."""
    with Direct(sessions).connected() as link:
        return State(_who(link, tenant_id, referral_id)[0])


def patient_and_answers(sessions: Sessions, tenant_id: str, referral_id: UUID) -> tuple[str, list[dict[str, Any]]]:
    """Whose it is, and the safety answers that our navigators took for this patient, newest first."""
    with Direct(sessions).connected() as link:
        patient_id = _who(link, tenant_id, referral_id)[1]
        return patient_id, [row[0] for row in link.rows(_ANSWERS, {"tenant": tenant_id, "patient": patient_id})]


def resources_of(sessions: Sessions, tenant_id: str, referral_id: UUID) -> dict[str, EhrResource]:
    """What of it is in the EHR, by kind: copies of the rows, in no session."""
    with Direct(sessions).connected() as link:
        return resources_in(link, tenant_id, referral_id)


def resources_in(link: Link, tenant_id: str, referral_id: UUID) -> dict[str, EhrResource]:
    """The same over a connection that is at hand."""
    rows = link.rows(_RESOURCES, {"tenant": tenant_id, "referral": referral_id})
    made = (EhrResource(**dict(zip(RESOURCE_COLUMNS, row, strict=True))) for row in rows)
    return {row.kind: row for row in made}


def mover_of(link: Link, tenant_id: str, referral_id: UUID) -> tuple[str, str, str]:
    """Role, reference and name of who moved it last; looks at the chart that moved nothing do not count."""
    row = link.row(_LAST_MOVE, {"tenant": tenant_id, "referral": referral_id})
    return (row[0], row[1], row[2]) if row else ("", "", "")


def _who(link: Link, tenant_id: str, referral_id: UUID) -> tuple[Any, ...]:
    row = link.row(_WHO, {"tenant": tenant_id, "referral": referral_id})
    if row is None:
        raise ReferralNotFound("no such referral")
    return row
