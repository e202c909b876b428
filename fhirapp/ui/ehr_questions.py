"""What the record system says that only a person can settle: the lines of the pages, and the button beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fhirapp.audit import audit
from fhirapp.closed_loop.meaning import QUESTIONS
from fhirapp.closed_loop.memory import SAID_BOUND_TO, EhrChange, open_questions, settle
from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.notices import person_of
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant
from fhirapp.ui.access import Door
from fhirapp.ui.house import House
from models.text import N_, Text

HELD_BY: Final[Mapping[str, Text]] = {
    "service-request": N_("The request was put on hold in the record system."),
    "care-plan": N_("The plan was stopped in the record system."),
    "patient": N_("The patient’s record was closed or merged in the record system."),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to look at."""

    id: int
    referral_id: UUID
    patient: str
    can_open: bool  # the navigators' page shows what was released once
    what: Text
    resource: str  # "ServiceRequest/41", to find it in the record system
    said: str  # the reason in their words
    at: datetime


def shown_questions(
    session: Session, tenant: Tenant, sealer: Sealer, referral_id: UUID | None = None
) -> list[Question]:
    """The open questions of a tenant, or of one referral, the oldest first."""
    store = Referrals(session, tenant.id)
    return [_shown(row, store.get(row.referral_id), sealer) for row in open_questions(session, tenant.id, referral_id)]


def _shown(row: EhrChange, referral: Referral, sealer: Sealer) -> Question:
    said = sealer.open(row.said, f"{SAID_BOUND_TO}/{row.referral_id}")["said"] if row.said else ""
    return Question(
        id=row.id,
        referral_id=row.referral_id,
        patient=str(person_of(referral, sealer).get("name") or ""),
        can_open=referral.signed_at is not None,
        what=QUESTIONS[row.question],
        resource=row.reference,
        said=str(said),
        at=row.heard_at,
    )


@dataclass(frozen=True, slots=True)
class QuestionActs:
    """The button."""

    house: House
    door: Door

    def seen(self, sid: str, question_id: int) -> ResponseReturnValue:
        """Somebody has looked and done what was to do; pressing twice is no error."""
        page, tenant = self.door.enter(sid)
        now = self.house.clock()
        with self.house.sessions.begin() as session:
            row = settle(session, tenant.id, question_id, by=page.actor.reference or page.actor.display, at=now)
            if row is not None:
                referral = Referrals(session, tenant.id).get(row.referral_id)
                Referrals(session, tenant.id).note(
                    referral, "ehr_settled", actor=page.actor, at=now, before=referral.status, question=row.question
                )
                audit(
                    session, page.actor, "referral.ehr_settled", at=now, patient_id=referral.patient_id,
                    subject=referral.id, question=row.question,
                )  # fmt: skip
        back = request.form.get("back", "")
        if row is not None and back == "referral":
            return redirect(url_for("navigator.referral", sid=sid, referral_id=row.referral_id, said="settled"), 303)
        return redirect(url_for("navigator.queue", sid=sid, said="settled"), 303)
