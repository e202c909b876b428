"""What stands on the navigators' desk: released referrals of one tenant, with who, why, what and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.errors import ReferralNotFound
from fhirapp.referrals.notices import person_of
from fhirapp.referrals.referral import ContactAttempt, Referral, SafetyAnswers
from fhirapp.referrals.status import STARTED, State
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant
from fhirapp.ui.case import avoided
from fhirapp.ui.people import Known, known_person
from fhirapp.ui.priority import Due, Priority, ranked
from models.findings import Effect
from models.summary import text_from
from models.text import N_, Text

LISTED: Final = frozenset(
    {
        State.QUEUED,
        State.CONTACTING,
        State.OFFERED,
        State.REJECTED,
        State.WAITLISTED,
        State.BOOKED,
        State.UNREACHABLE,
        State.TRANSFERRED,
        State.HELD,
    }
)
UNCLAIMED: Final = frozenset({State.QUEUED, State.UNREACHABLE})
FILTERS: Final[Mapping[str, Text]] = {
    "all": N_("All"),
    "unclaimed": N_("Unclaimed"),
    "mine": N_("Mine"),
    "started": N_("In a programme"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One referral on the desk."""

    referral: Referral
    person: Known
    age: int | None
    priority: Priority
    due: Due | None
    overdue: bool
    attempts: tuple[ContactAttempt, ...]
    answered_at: datetime | None  # when a navigator last asked; answers in the chart have no date here
    mine: bool

    @property
    def needs_answers(self) -> bool:
        """The safety questions are the first step."""
        return "answers" in self.referral.waiting_for

    @property
    def held(self) -> bool:
        """A rule holds it."""
        return self.referral.verdict_holds

    @property
    def why(self) -> Text:
        """Why the patient is referred."""
        return _text(self.referral.summary["eligibility"], "reason")

    @property
    def destination(self) -> Text:
        """What kind of programme."""
        return _text(self.referral.summary["destination_detail"], "name")

    @property
    def support(self) -> str:
        """The band of the adherence estimate: "low" asks for more support. Never a number in a list."""
        return str(self.referral.summary.get("estimates", {}).get("adherence", {}).get("band", ""))

    def clearance_open(self, now: datetime) -> bool:
        """A clinician's clearance is missing or has run out."""
        return self.referral.clearance_open(now)


@dataclass(frozen=True, slots=True)
class Desk:
    """Reads inside the caller's transaction."""

    session: Session
    tenant: Tenant
    sealer: Sealer
    me: str  # the navigator's fhirUser

    def rows(self, now: datetime) -> list[Row]:
        """All that is listed, what is most urgent first; who is in a programme too, for the filter that shows them."""
        store = Referrals(self.session, self.tenant.id)
        found = [referral for referral in store.in_states(LISTED | STARTED) if referral.signed_at is not None]
        attempts = self._attempts([referral.id for referral in found])
        asked = self._asked([referral.patient_id for referral in found])
        rows = [
            self._row(referral, attempts.get(referral.id, ()), asked.get(referral.patient_id), now)
            for referral in found
        ]
        return sorted(rows, key=_urgency)

    def row(self, referral_id: UUID, now: datetime) -> Row:
        """One referral that a navigator may see: released once, whatever became of it; else `ReferralNotFound`."""
        store = Referrals(self.session, self.tenant.id)
        referral = store.get(referral_id)
        if referral.signed_at is None:
            raise ReferralNotFound("not released")
        asked = self._asked([referral.patient_id]).get(referral.patient_id)
        return self._row(referral, store.attempts(referral.id), asked, now)

    def _row(
        self, referral: Referral, attempts: Sequence[ContactAttempt], asked: datetime | None, now: datetime
    ) -> Row:
        person = known_person(person_of(referral, self.sealer))
        zone = self.tenant.zone
        holidays = self.tenant.escalation.holidays
        priority, due = ranked(referral, attempts, now, zone, interpreter=person.interpreter, holidays=holidays)
        return Row(
            referral=referral,
            person=person,
            age=person.age(now.astimezone(zone).date()),
            priority=priority,
            due=due,
            overdue=due is not None and due.overdue(now),
            attempts=tuple(attempts),
            answered_at=asked,
            mine=bool(self.me) and referral.owner == self.me,
        )

    def _attempts(self, ids: list[UUID]) -> dict[UUID, list[ContactAttempt]]:
        found: dict[UUID, list[ContactAttempt]] = {}
        query = (
            sa.select(ContactAttempt)
            .where(ContactAttempt.tenant_id == self.tenant.id, ContactAttempt.referral_id.in_(ids))
            .order_by(ContactAttempt.at, ContactAttempt.id)
        )
        for attempt in self.session.execute(query).scalars():
            found.setdefault(attempt.referral_id, []).append(attempt)
        return found

    def _asked(self, patients: list[str]) -> dict[str, datetime]:
        query = sa.select(SafetyAnswers.patient_id, SafetyAnswers.at).where(
            SafetyAnswers.tenant_id == self.tenant.id, SafetyAnswers.patient_id.in_(patients)
        )
        found: dict[str, datetime] = {}
        for patient, at in self.session.execute(query):
            found[patient] = max(at, found.get(patient, at))
        return found


def shown(rows: Iterable[Row], which: str) -> list[Row]:
    """The rows of one filter."""
    if which == "started":
        return [row for row in rows if row.referral.status in STARTED]
    waiting = [row for row in rows if row.referral.status not in STARTED]
    if which == "mine":
        return [row for row in waiting if row.mine]
    if which == "unclaimed":
        return [row for row in waiting if row.referral.status in UNCLAIMED]
    return waiting


def findings_of(summary: Mapping[str, Any], *, at_least: Effect = Effect.SUP) -> list[tuple[str, str, Text]]:
    """Rule, effect and words of the findings that a navigator has to know, gravest first."""
    effects = {effect.label: effect for effect in Effect}
    return [
        (finding["rule"], finding["effect"], text_from(finding))
        for finding in summary.get("findings", ())
        if effects[finding["effect"]] >= at_least
    ]


def caps_of(summary: Mapping[str, Any]) -> list[Text]:
    """The limits of the plan; what to stay away from says so."""
    away = {
        cap["text"]
        for finding in summary.get("findings", ())
        for cap in finding.get("caps", ())
        if cap["kind"] == "avoid"
    }
    caps = [text_from(message) for message in (summary.get("prescription") or {}).get("caps", ())]
    return [avoided(cap) if str(cap) in away else cap for cap in caps]


def stop_rules_of(summary: Mapping[str, Any]) -> list[Text]:
    """When to stop a session."""
    return [text_from(message) for message in (summary.get("prescription") or {}).get("stop_rules", ())]


def _urgency(row: Row) -> tuple[int, bool, datetime, str]:
    """Priority, then the time left; what nobody waits for comes last in its class."""
    at = row.due.at if row.due else row.referral.state_since
    return row.priority.level, row.due is None, at, str(row.referral.id)


def _text(part: Mapping[str, Any], name: str) -> Text:
    message = part.get(f"{name}_msg")
    return text_from(message) if message else N_("{name}", name=part.get(name, ""))
