"""What the EHR says of the patient: died, merged into another record, closed. No referral is lost over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from fhirapp.closed_loop.hearing import CHANGED_THERE, Outcome
from fhirapp.closed_loop.memory import ASKED, MOVED, EhrChange, heard_before
from fhirapp.db.base import Sessions
from fhirapp.ehr.client import EhrClient, Stored
from fhirapp.ehr.errors import EhrMissing, EhrRefused
from fhirapp.referrals.actions import Actions, Deed
from fhirapp.referrals.errors import TransitionNotAllowed
from fhirapp.referrals.judging import LOST_RECORD, RESULTS, enqueue_for
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.status import Action, Role, State
from fhirapp.referrals.store import Referrals

PATIENT: Final = "patient"
MERGES_FOLLOWED: Final = 5  # a record merged into one that was merged into another ...
DIED: Final = Deed("ehr_died", ((Action.DEPART, State.DEPARTED),), "OO-DIED", {"reason": "OO-DIED"})


@dataclass(frozen=True, slots=True)
class People:
    """Hears Patient resources."""

    sessions: Sessions
    actions: Actions
    clock: Callable[[], datetime]

    def hear(self, tenant_id: str, referral_id: UUID, stored: Stored, ehr: EhrClient) -> Outcome:
        """What the patient's record says for this referral. Raises `EhrUnavailable` where another must be read."""
        with self.sessions() as session:
            referral = Referrals(session, tenant_id).get(referral_id)
        service = Actor(tenant_id, Role.SERVICE, "", CHANGED_THERE)
        patient = stored.resource
        try:
            if is_dead(patient, self.clock()):
                return self._died(referral, stored, service)
            if referral.status is State.DEPARTED and referral.reason_code == "OO-DIED":
                return self._ask(referral, stored, "not-dead")
            if not referral.is_open:
                return Outcome.OURS
            if is_lost(patient):
                return self._lost(referral, stored, ehr, service)
            if referral.held_by == LOST_RECORD:
                self.actions.lift(referral.id, actor=service, now=self.clock())
                return self._looked_at_again(referral, stored)
        except TransitionNotAllowed:
            return Outcome.MOVED  # somebody was faster
        return Outcome.OURS

    def gone(self, tenant_id: str, referral_id: UUID, reference: str) -> None:
        """The record was deleted in the EHR: held, and a person is asked."""
        with self.sessions() as session:
            referral = Referrals(session, tenant_id).get(referral_id)
        if referral.is_open:
            service = Actor(tenant_id, Role.SERVICE, "", CHANGED_THERE)
            self._hold_and_ask(referral, Stored({}, reference, None), service, "gone")

    def _died(self, referral: Referral, stored: Stored, service: Actor) -> Outcome:
        """Every message and every work on it stops at once."""
        if not referral.is_open:
            return Outcome.OURS
        self.actions.follow(referral.id, DIED, actor=service, now=self.clock())
        self._keep(referral, stored, MOVED, "")
        return Outcome.MOVED

    def _lost(self, referral: Referral, stored: Stored, ehr: EhrClient, service: Actor) -> Outcome:
        """Merged away or closed: it follows the record that stays, or waits for a person."""
        stays = _record_that_stays(stored.resource, ehr)
        if stays is None:
            return self._hold_and_ask(referral, stored, service, "inactive")
        moved = self.actions.move_to_record(referral.id, stays, now=self.clock(), tenant_id=referral.tenant_id)
        if not moved:
            return self._hold_and_ask(referral, stored, service, "merged")
        return self._looked_at_again(referral, stored)

    def _looked_at_again(self, referral: Referral, stored: Stored) -> Outcome:
        with self.sessions.begin() as session:
            enqueue_for(session, referral, RESULTS, self.clock())
        self._keep(referral, stored, MOVED, "")
        return Outcome.MOVED

    def _hold_and_ask(self, referral: Referral, stored: Stored, service: Actor, question: str) -> Outcome:
        if referral.held_by != LOST_RECORD:
            self.actions.suspend(referral.id, LOST_RECORD, actor=service, now=self.clock())
        return self._ask(referral, stored, question)

    def _ask(self, referral: Referral, stored: Stored, question: str) -> Outcome:
        self._keep(referral, stored, ASKED, question)
        return Outcome.KEEP

    def _keep(self, referral: Referral, stored: Stored, outcome: str, question: str) -> None:
        version = str(stored.version_id or (stored.resource.get("meta") or {}).get("lastUpdated") or "")
        status = question or outcome
        with self.sessions.begin() as session:
            if heard_before(session, referral.tenant_id, referral.id, (stored.reference, version, status)):
                return
            change = EhrChange(
                tenant_id=referral.tenant_id,
                referral_id=referral.id,
                kind=PATIENT,
                reference=stored.reference,
                version_id=version,
                status=status,
                outcome=outcome,
                question=question,
                said=None,
                heard_at=self.clock(),
            )
            try:
                with session.begin_nested():
                    session.add(change)
            except IntegrityError:
                pass  # heard by two at once


def is_dead(patient: Mapping[str, Any], now: datetime) -> bool:
    """Recorded as dead; a date that cannot be read still says that the patient died, one to come does not."""
    if patient.get("deceasedBoolean") is True:
        return True
    when = patient.get("deceasedDateTime")
    return isinstance(when, str) and bool(when) and when[:10] <= now.date().isoformat()


def is_lost(patient: Mapping[str, Any]) -> bool:
    """Closed, or merged into another record."""
    return patient.get("active") is False or bool(replaced_by(patient))


def replaced_by(patient: Mapping[str, Any]) -> list[str]:
    """The references of the records that stand in its place."""
    links = patient.get("link") or ()
    return [str((link.get("other") or {}).get("reference", "")) for link in links if link.get("type") == "replaced-by"]


def _record_that_stays(patient: Mapping[str, Any], ehr: EhrClient) -> str | None:
    """The id of the one current record at the end of the merges; `None` where there is none, or more than one."""
    seen = {str(patient.get("id", ""))}
    for _ in range(MERGES_FOLLOWED):
        links = replaced_by(patient)
        if len(links) != 1:
            return None
        kind, _, patient_id = links[0].removeprefix(f"{ehr.base}/").partition("/")
        if kind != "Patient" or not patient_id or "/" in patient_id or patient_id in seen:
            return None
        seen.add(patient_id)
        try:
            patient = ehr.read(f"Patient/{patient_id}").resource
        except (EhrMissing, EhrRefused):
            return None
        if not is_lost(patient):
            return patient_id
    return None
