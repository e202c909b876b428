"""The referral itself: a proposal that lives, its append-only history, and what of it is in the EHR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fhirapp.db.base import Base, Moment
from fhirapp.referrals.errors import HoldOpen, TransitionNotAllowed
from fhirapp.referrals.status import (
    BEFORE_RELEASE,
    NEEDS_ANSWERS,
    NEEDS_NO_HOLD,
    OPEN,
    RELEASED,
    Action,
    Role,
    State,
    allowed,
)

SERVICE_NAME: Final = "stride"
ACCEPTED: Final = "accepted suggestion"  # how a referral was signed when the clinician accepted the card
FRESH: Final = timedelta(days=14)  # answers, and so the assessment that rests on them (pathway.md section 5, guards)
WHOLE_PLAN: Final = frozenset({"plan", "day"})  # scopes of a hold that stops everything


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which tenant."""

    tenant_id: str
    role: Role
    reference: str = ""  # "Practitioner/dr-lind"; "" for the service and for a patient's link
    display: str = ""

    @classmethod
    def service(cls, tenant_id: str) -> Actor:
        """The service itself."""
        return cls(tenant_id, Role.SERVICE, "", SERVICE_NAME)


class Referral(Base):
    """One offer of referral to one patient: an episode. A re-offer is a new one (conventions.md 2)."""

    __tablename__ = "referral"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "patient_id", "ordinal"),
        sa.Index(
            "ix_referral_one_open",
            "tenant_id",
            "patient_id",
            unique=True,
            sqlite_where=sa.text("is_open = 1"),
            postgresql_where=sa.text("is_open"),
        ),
        sa.Index("ix_referral_state", "tenant_id", "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)  # mappings.canonical.episode_id
    tenant_id: Mapped[str]
    patient_id: Mapped[str]
    ordinal: Mapped[int]  # 1 for the first offer to this patient
    state: Mapped[str]
    is_open: Mapped[bool]
    version: Mapped[int] = mapped_column(default=0)  # grows with every change; fences the write-back
    opened_at: Mapped[datetime] = mapped_column(Moment)
    state_since: Mapped[datetime] = mapped_column(Moment)
    assessed_at: Mapped[datetime] = mapped_column(Moment)
    assessment_digest: Mapped[str | None]  # standing.digest_of the newest assessment: is another one the same?
    verdict: Mapped[str]
    tier: Mapped[str]
    destination: Mapped[str]
    prescription_released: Mapped[bool] = mapped_column(default=False)
    summary: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  # the newest assessment, models/summary.py
    person: Mapped[str | None] = mapped_column(sa.Text)  # sealed: name, birth date, contact
    requester: Mapped[str | None]  # who signs or signed: "Practitioner/..."
    requester_display: Mapped[str | None]
    encounter: Mapped[str | None]
    signed_at: Mapped[datetime | None] = mapped_column(Moment)
    signed_by: Mapped[str | None]  # "clinician" | "standing order" | "accepted suggestion"
    clinician_deadline: Mapped[datetime | None] = mapped_column(Moment)
    patient_deadline: Mapped[datetime | None] = mapped_column(Moment)
    cleared_rules: Mapped[list[str]] = mapped_column(sa.JSON, default=list)  # CLEAR rules a clinician has answered
    cleared_until: Mapped[datetime | None] = mapped_column(Moment)
    reason_code: Mapped[str | None]  # why it ended
    reoffer_at: Mapped[datetime | None] = mapped_column(Moment)
    no_offer_before: Mapped[datetime | None] = mapped_column(Moment)  # no occasion counts earlier: offered often enough
    owner: Mapped[str | None]  # the navigator who claimed it
    owner_display: Mapped[str | None]
    programme: Mapped[str | None]  # id of the programme that it was offered to
    offers: Mapped[int] = mapped_column(default=0)  # programmes asked so far; numbers the fulfilment Tasks
    held_from: Mapped[str | None]  # the state in which a hold found it, where it was released already
    held_by: Mapped[str | None]  # what outside the rules holds it: "service-request", "care-plan", "patient"
    inpatient: Mapped[bool] = mapped_column(default=False)  # in hospital at the newest look
    discharged_at: Mapped[datetime | None] = mapped_column(Moment)  # when a stay ended that this referral has seen
    first_patient_id: Mapped[str | None]  # set when two records became one: what the business identifiers rest on

    @property
    def status(self) -> State:
        """The state as a word of the table."""
        return State(self.state)

    @property
    def verdict_holds(self) -> bool:
        """True while a HOLD is open: a rule's, or one that somebody has put in the record system."""
        return self.verdict.startswith("hold") or self.held_by is not None

    @property
    def identity(self) -> str:
        """The patient id that the business identifiers of its resources are made from, for good."""
        return self.first_patient_id or self.patient_id

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """What the release waits for: "answers", "clearance"."""
        return tuple(self.summary.get("release", {}).get("waiting_for", ()))

    @property
    def read_in_part(self) -> bool:
        """True when the EHR did not let the newest look read the whole chart: a hold may stand in the rest."""
        return any(what.startswith("data:") for what in self.waiting_for)

    def clearance_open(self, now: datetime) -> bool:
        """True while a finding that asks for clearance has no clinician's answer that is still valid."""
        asked = rules_to_clear(self.summary)
        answered = set(self.cleared_rules) if self.cleared_until and now < self.cleared_until else set()
        return bool(asked - answered)

    def move(self, action: Action, target: State, *, actor: Actor, at: datetime) -> None:
        """Move to `target`; raises `TransitionNotAllowed`, or `HoldOpen` where safety forbids it."""
        if not allowed(action, self.status, target, actor.role):
            raise TransitionNotAllowed(self.state, action.value, actor.role.value)
        self._check_guards(target, at)
        self._remember_hold(target)
        if target is not self.status:
            self.state, self.state_since = target.value, at
        self.is_open = target in OPEN
        self.version += 1

    def _remember_hold(self, target: State) -> None:
        """Where a signature takes it back to, once the hold has gone."""
        if target is State.HELD and self.status in RELEASED:
            self.held_from = self.state
        elif target not in BEFORE_RELEASE:
            self.held_from = None

    @property
    def resumes(self) -> State | None:
        """The state that a hold interrupted; `None` for a referral that had not been released."""
        return State(self.held_from) if self.held_from else None

    def _check_guards(self, target: State, at: datetime) -> None:
        """No release while a HOLD is open or a CLEAR unanswered; no programme without the answers."""
        if target in NEEDS_NO_HOLD and self.verdict_holds:
            raise HoldOpen("hold")
        if target in NEEDS_NO_HOLD - {State.QUEUED} and self.clearance_open(at):
            raise HoldOpen("clearance")
        if target in NEEDS_ANSWERS and not (self.prescription_released and at - self.assessed_at <= FRESH):
            raise HoldOpen("answers")


class ReferralEvent(Base):
    """One line of a referral's history; lines are only ever added."""

    __tablename__ = "referral_event"
    __table_args__ = (sa.Index("ix_referral_event_referral", "tenant_id", "referral_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    action: Mapped[str]
    state_before: Mapped[str | None]
    state_after: Mapped[str]
    role: Mapped[str]
    actor: Mapped[str]
    actor_display: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  # reason code, rule ids, versions; never free text


class EhrResource(Base):
    """One resource of a referral that is in the EHR, or that a worker has begun to create there.

    The row is written *before* the create, with no reference: whoever comes next then knows that a request may still
    be under way and looks for its outcome, instead of concluding that nothing was ever written.
    """

    __tablename__ = "ehr_resource"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "referral_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"))
    kind: Mapped[str]  # fhir_status.SERVICE_REQUEST, ...; "fulfilment-task/2" for the second programme asked
    reference: Mapped[str | None]  # "ServiceRequest/41"; None: creation begun, outcome unknown
    version_id: Mapped[str | None]
    status: Mapped[str]  # as last written or read
    written_at: Mapped[datetime] = mapped_column(Moment)


class ContactAttempt(Base):
    """One try to reach the patient, and how it ended. Source: navigator.md section 4."""

    __tablename__ = "contact_attempt"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    channel: Mapped[str]
    outcome: Mapped[str]
    by: Mapped[str]
    by_display: Mapped[str]
    next_at: Mapped[datetime | None] = mapped_column(Moment)
    note: Mapped[str | None] = mapped_column(sa.Text)  # sealed


class SafetyAnswers(Base):
    """The safety questions as asked by a navigator: a QuestionnaireResponse that the next reading includes."""

    __tablename__ = "safety_answers"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    referral_id: Mapped[UUID] = mapped_column(sa.ForeignKey("referral.id"), index=True)
    patient_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str]
    resource: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


def rules_to_clear(summary: Mapping[str, Any]) -> set[str]:
    """The fired rules that a clinician must answer: each CLEAR, and a HOLD of a part of the plan (a limb, a region).

    A HOLD of the whole plan is not a question, and a check before each session asks nobody now (conventions.md 2).
    """
    return {
        finding["rule"]
        for finding in summary.get("findings", ())
        if finding["effect"] in ("CLEAR", "HOLD", "HOLD-E")
        and finding.get("scope") != "session"
        and (finding["effect"] == "CLEAR" or finding.get("scope") not in WHOLE_PLAN)
    }


def effects_of(summary: Mapping[str, Any], *effects: str) -> list[str]:
    """The ids of the fired rules with one of these effects."""
    return [finding["rule"] for finding in summary.get("findings", ()) if finding["effect"] in effects]


def standing_holds(referral: Referral) -> dict[str, Mapping[str, Any]]:
    """The findings that hold the whole plan now, by rule; none of a referral that has ended."""
    if not referral.is_open or not referral.verdict.startswith("hold"):
        return {}
    return {
        finding["rule"]: finding
        for finding in referral.summary.get("findings", ())
        if finding["effect"] in ("HOLD", "HOLD-E") and finding.get("scope", "plan") in WHOLE_PLAN
    }


def versions_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Versions of the rules and of the models behind an assessment; a model that said nothing is left out."""
    models = {
        name: estimate["version"]
        for name, estimate in (summary.get("estimates") or {}).items()
        if isinstance(estimate, Mapping) and estimate.get("version")
    }
    return {"rules_version": summary.get("rules_version", ""), "models": models}
