"""How a patient's referral stands, for a hook call that will most likely find nothing to change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec
import sqlalchemy as sa

from fhirapp.db.direct import Link, Statement
from fhirapp.referrals.card_memory import Told
from fhirapp.referrals.referral import WHOLE_PLAN, Referral
from fhirapp.referrals.status import State
from models.decision import Assessment, Decision, Proposal
from models.findings import Effect

# The referral but its summary, whose thirty kilobytes would cost more than everything else together.
_COLUMNS: Final = (
    Referral.id, Referral.ordinal, Referral.state, Referral.is_open, Referral.assessed_at, Referral.assessment_digest,
    Referral.verdict, Referral.destination, Referral.prescription_released, Referral.person, Referral.requester,
    Referral.requester_display, Referral.encounter, Referral.signed_at, Referral.clinician_deadline,
    Referral.patient_deadline, Referral.reoffer_at, Referral.no_offer_before, Referral.reason_code,
    Referral.state_since,
)  # fmt: skip
_NEWEST: Final = Statement(
    sa.select(*_COLUMNS)
    .where(Referral.tenant_id == sa.bindparam("tenant"), Referral.patient_id == sa.bindparam("patient"))
    .order_by(Referral.ordinal.desc())  # a handful at most; the first is read
)

_PHASE: Final = Statement(
    sa.select(Referral.summary["phase"].as_string()).where(
        Referral.tenant_id == sa.bindparam("tenant"), Referral.id == sa.bindparam("referral")
    )
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The patient's newest referral, open or closed, as it was when it was read."""

    id: UUID
    ordinal: int
    state: str
    is_open: bool
    assessed_at: datetime
    assessment_digest: str | None
    verdict: str
    destination: str
    prescription_released: bool
    person: str | None
    requester: str | None
    requester_display: str | None
    encounter: str | None
    signed_at: datetime | None
    clinician_deadline: datetime | None
    patient_deadline: datetime | None
    reoffer_at: datetime | None
    no_offer_before: datetime | None
    reason_code: str | None
    state_since: datetime

    @property
    def status(self) -> State:
        """The state as a word of the table."""
        return State(self.state)

    def told(self, assessment: Assessment) -> Told:
        """What its card tells when this is its newest assessment."""
        return Told(
            self.id, self.state, self.verdict, self.destination, self.prescription_released,
            self.clinician_deadline, assessment.release.waiting_for,
            [(finding.rule, finding.effect.label) for finding in assessment.findings],
        )  # fmt: skip

    def as_referral(self, tenant_id: str, patient_id: str, summary: dict[str, Any]) -> Referral:
        """A referral to write resources from, in no session: what is done to it is lost."""
        known = {name: getattr(self, name) for name in self.__slots__}
        return Referral(tenant_id=tenant_id, patient_id=patient_id, summary=summary, **known)


def newest_of(link: Link, tenant_id: str, patient_id: str) -> Standing | None:
    """The patient's latest offer, without a lock."""
    row = link.row(_NEWEST, {"tenant": tenant_id, "patient": patient_id})
    return None if row is None else Standing(*row)


def phase_then(link: Link, tenant_id: str, referral_id: UUID) -> str:
    """The phase of treatment at a referral's newest assessment; "" when it says none."""
    row = link.row(_PHASE, {"tenant": tenant_id, "referral": referral_id})
    return "" if row is None else row[0] or ""


def asks_for_clearance(assessment: Assessment) -> bool:
    """Whether `referral.rules_to_clear` would name a rule in the summary of this assessment."""
    return any(
        finding.scope != "session"
        and (finding.effect is Effect.CLEAR or (finding.effect >= Effect.HOLD and finding.scope not in WHOLE_PLAN))
        for finding in assessment.findings
    )


def digest_of(decision: Decision) -> str:
    """A hash of everything that a decision says, but of when it was made: two that agree have one summary."""
    one = decision.assessment
    told: list[Any] = [
        one.eligibility, one.verdict, one.tier, one.min_supervision, one.phase, one.findings, one.gaps, one.release,
        one.risk, one.adherence, one.rules_version,
    ]  # fmt: skip
    told += [decision.destination, decision.prescription] if isinstance(decision, Proposal) else [decision.reason]
    return sha256(_TOLD.encode(told)).hexdigest()


def _plain(value: Any) -> Any:
    """What the encoder does not know: a mapping that is no `dict`."""
    return dict(value)


_TOLD: Final = msgspec.msgpack.Encoder(enc_hook=_plain, order="deterministic")  # four times as quick as orjson here
